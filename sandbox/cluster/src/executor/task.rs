//! One `TaskRun`: its steps one after the other, and its status as Tekton writes it.
//!
//! Source: `pkg/pod/status.go`, `pkg/reconciler/taskrun/taskrun.go` and `cmd/entrypoint` of Tekton 1.6

use std::{path::Path, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_resources::EmbeddedTask;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    condition::{Succeeded, Verdict},
    duration::GoDuration,
    process::Ended,
    status::update_status,
    step::{Room, environment, step_name},
};
use crate::api::{object, served::Key, store::Store};

/// Tekton's default, of a `TaskRun` and of a `PipelineRun`.
pub(crate) const DEFAULT_TIMEOUT: GoDuration = GoDuration(Duration::from_secs(3600));
/// What one container may leave as its termination message, results and all, in bytes.
const MAX_TERMINATION_MESSAGE: usize = 4096;

/// The part of a `TaskRun`'s spec that counts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    task_spec: EmbeddedTask,
    timeout: Option<String>,
}

/// A `TaskRun` that is carried out.
pub(crate) struct Task {
    pub(crate) store: Arc<Store>,
    pub(crate) key: Key,
    pub(crate) uid: String,
    /// Cancelled when the `TaskRun` is cancelled or deleted, or the sandbox stops.
    pub(crate) stop: CancellationToken,
}

/// The state of the steps, as the status has it.
struct Steps(Vec<Value>);

impl Steps {
    fn running(task: &EmbeddedTask, since: &str) -> Self {
        let steps = task.steps.iter().enumerate().map(|(index, step)| {
            let name = step_name(index, step);
            json!({"name": name, "container": format!("step-{name}"), "running": {"startedAt": since}})
        });
        Self(steps.collect())
    }

    fn end(&mut self, index: usize, exit_code: i32, reason: &str, termination_reason: &str) {
        let step = &mut self.0[index];
        let since = step["running"]["startedAt"].clone();
        *step = json!({
            "name": step["name"], "container": step["container"], "terminationReason": termination_reason,
            "terminated": {"exitCode": exit_code, "reason": reason, "startedAt": since, "finishedAt": object::now()},
        });
    }

    /// Ends the steps from `first` on that have not ended.
    fn end_rest(&mut self, first: usize, reason: &str, termination_reason: &str) {
        for index in first..self.0.len() {
            self.end(index, 1, reason, termination_reason);
        }
    }
}

impl Task {
    /// Carries the `TaskRun` out; its end is in its status.
    pub(crate) async fn execute(self, work_dir: &Path) {
        let Some(task_run) = self.store.read().get(&self.key).map(Arc::clone) else {
            return;
        };
        let verdict = Verdict::new(Succeeded::Unknown, "Started", "");
        self.update(|status| {
            status["startTime"] = object::now().into();
            verdict.write(status);
        });
        if self.stop.is_cancelled() {
            return self.finish_stopped(&mut Steps(Vec::new()), 0);
        }
        let spec: Spec = match serde_json::from_value(task_run["spec"].clone()) {
            Ok(spec) => spec,
            Err(error) => {
                let verdict = Verdict::new(Succeeded::False, "TaskRunValidationFailed", error.to_string());
                return self.finish(&verdict, &Steps(Vec::new()), &[]);
            }
        };
        let Some(environments) = spec
            .task_spec
            .steps
            .iter()
            .map(|step| environment(&self.store, &self.key.namespace, step))
            .collect::<Option<Vec<_>>>()
        else {
            let message = "Failed to create pod due to config error";
            let verdict = Verdict::new(Succeeded::False, "CreateContainerConfigError", message);
            // Tekton writes no completion time here.
            self.update(|status| verdict.write(status));
            return;
        };

        let labels = object::labels(&task_run);
        let label = |name: &str| labels.get(name).map_or(self.key.name.as_str(), String::as_str);
        let pipeline_run = label(tidegate_resources::label::TEKTON_PIPELINE_RUN);
        let pipeline_task = label(tidegate_resources::label::TEKTON_PIPELINE_TASK);
        let root = work_dir.join("tasks").join(&self.uid);
        let logs = log_folder(work_dir, &self.key.namespace, pipeline_run, pipeline_task);
        let ignored =
            task_run["metadata"]["annotations"]["pipeline.tekton.dev/pipeline-task-on-error"] == "continue";
        let room = Room::create(root.clone(), logs, pipeline_run, &self.key.name, &spec.task_spec);
        match room {
            Ok(room) => self.run_steps(&spec, &room, &environments, ignored).await,
            Err(error) => {
                let verdict = Verdict::new(Succeeded::False, "PodCreationFailed", format!("{error:#}"));
                self.finish(&verdict, &Steps(Vec::new()), &[]);
            }
        }
        if let Err(error) = tokio::fs::remove_dir_all(&root).await {
            tracing::warn!(task_run = %self.key, %error, "failed to remove a task's directory");
        }
    }

    async fn run_steps(
        &self,
        spec: &Spec,
        room: &Room,
        environments: &[Vec<(String, String)>],
        ignored: bool,
    ) {
        let task = &spec.task_spec;
        let timeout = spec
            .timeout
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(DEFAULT_TIMEOUT);
        let deadline = Instant::now() + timeout.0;
        let mut steps = Steps::running(task, &object::now());
        let pod = format!("{}-pod", self.key.name);
        for verdict in [
            Verdict::new(Succeeded::Unknown, "Pending", "Pending"),
            Verdict::new(
                Succeeded::Unknown,
                "Running",
                "Not all Steps in the Task have finished executing",
            ),
        ] {
            self.update(|status| {
                status["podName"] = pod.as_str().into();
                verdict.write(status);
            });
        }
        let mut results = Vec::new();
        for (index, (step, environment)) in task.steps.iter().zip(environments).enumerate() {
            self.update(|status| status["steps"] = steps.0.clone().into());
            let ended = match room.process(index, step, environment) {
                Ok(process) => process
                    .run(deadline, &self.stop)
                    .await
                    .map_err(anyhow::Error::from),
                Err(error) => Err(error),
            };
            let mut exit_code = match ended {
                Ok(Ended::Exited(code)) => code,
                Ok(Ended::Stopped) => return self.finish_stopped(&mut steps, index),
                Ok(Ended::TimedOut) => {
                    let reason = "TaskRunTimeout";
                    steps.end_rest(index, reason, reason);
                    let message = format!(
                        "TaskRun {:?} failed to finish within \"{timeout}\"",
                        self.key.name
                    );
                    return self.finish(&Verdict::new(Succeeded::False, reason, message), &steps, &results);
                }
                Err(error) => {
                    tracing::error!(task_run = %self.key, step = step.name, error = %format!("{error:#}"), "failed to run a step");
                    1
                }
            };
            match read_results(room, task) {
                Some(read) => results = read,
                // Tekton's entrypoint fails the step.
                None => exit_code = 1,
            }
            if exit_code != 0 {
                steps.end(index, exit_code, "Error", "Error");
                steps.end_rest(index + 1, "Error", "Skipped");
                let reason = if ignored { "FailureIgnored" } else { "Failed" };
                let message = format!(
                    "\"step-{}\" exited with code {exit_code}: Error",
                    step_name(index, step)
                );
                return self.finish(&Verdict::new(Succeeded::False, reason, message), &steps, &results);
            }
            steps.end(index, 0, "Completed", "Completed");
        }
        let message = "All Steps have completed executing";
        self.finish(
            &Verdict::new(Succeeded::True, "Succeeded", message),
            &steps,
            &results,
        );
    }

    /// Ends a `TaskRun` whose token was cancelled. One that was deleted, or that the sandbox leaves, has nobody to tell.
    fn finish_stopped(&self, steps: &mut Steps, index: usize) {
        let Some(task_run) = self.store.read().get(&self.key).map(Arc::clone) else {
            return;
        };
        if object::text(&task_run, "/spec/status") != "TaskRunCancelled" {
            return;
        }
        let reason = "TaskRunCancelled";
        steps.end_rest(index, reason, reason);
        let message = format!(
            "TaskRun {:?} was cancelled. {}",
            self.key.name,
            object::text(&task_run, "/spec/statusMessage")
        );
        self.finish(&Verdict::new(Succeeded::False, reason, message), steps, &[]);
    }

    fn finish(&self, verdict: &Verdict, steps: &Steps, results: &[(String, String)]) {
        let results: Vec<Value> = results
            .iter()
            .map(|(name, value)| json!({"name": name, "type": "string", "value": value}))
            .collect();
        self.update(|status| {
            status["steps"] = steps.0.clone().into();
            if !results.is_empty() {
                status["results"] = results.into();
            }
            status["completionTime"] = object::now().into();
            verdict.write(status);
        });
    }

    fn update(&self, change: impl FnOnce(&mut Value)) {
        update_status(&self.store, &self.key, &self.uid, change);
    }
}

/// The results written so far; `None` when they don't fit into a termination message.
fn read_results(room: &Room, task: &EmbeddedTask) -> Option<Vec<(String, String)>> {
    let results: Vec<(String, String)> = task
        .results
        .iter()
        .filter_map(|result| Some((result.name.clone(), room.result(&result.name)?)))
        .collect();
    let mut message: Vec<Value> = results
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value, "type": 1}))
        .collect();
    message.push(json!({"key": "StartedAt", "value": "2006-01-02T15:04:05.000Z", "type": 3}));
    (Value::from(message).to_string().len() <= MAX_TERMINATION_MESSAGE).then_some(results)
}

/// Where the logs of a task's steps lie.
pub(crate) fn log_folder(
    work_dir: &Path,
    namespace: &str,
    pipeline_run: &str,
    task: &str,
) -> std::path::PathBuf {
    work_dir
        .join("logs")
        .join(namespace)
        .join(pipeline_run)
        .join(task)
}
