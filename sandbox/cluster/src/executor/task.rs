//! One `TaskRun`: its steps one after the other, and its status as Tekton writes it.
//!
//! Source: `pkg/pod/status.go`, `pkg/reconciler/taskrun/taskrun.go` and `cmd/entrypoint` of Tekton 1.6

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_resources::{EmbeddedTask, Step, label};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    condition::{Succeeded, Verdict, update_status},
    duration::GoDuration,
    process::Ended,
    step::{Room, environment, step_name},
};
use crate::api::{object, served::Key, store::Store};

/// Tekton's default, of a `TaskRun` and of a `PipelineRun`.
pub(crate) const DEFAULT_TIMEOUT: GoDuration = GoDuration(Duration::from_hours(1));
/// What one container may leave as its termination message, results and all, in bytes.
const MAX_TERMINATION_MESSAGE: usize = 4096;

/// In a `TaskRun`'s spec the cancellation, in its status the reason of its end.
pub(crate) const CANCELLED: &str = "TaskRunCancelled";
const TIMED_OUT: &str = "TaskRunTimeout";
const CONFIG_ERROR: &str = "CreateContainerConfigError";
/// Tekton's annotation of a `TaskRun` whose failure its pipeline ignores.
pub(crate) const ON_ERROR: &str = "pipeline.tekton.dev/pipeline-task-on-error";

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
    pub(crate) work_dir: Arc<PathBuf>,
    pub(crate) key: Key,
    pub(crate) uid: String,
    /// Cancelled when the sandbox stops.
    pub(crate) stop: CancellationToken,
}

/// What the status says of the steps, and at the end of their results.
#[derive(Default)]
struct Progress {
    steps: Vec<Value>,
    results: BTreeMap<usize, Vec<Value>>,
}

impl Progress {
    fn start(&mut self, task: &EmbeddedTask) {
        let since = object::now();
        let steps = task.steps.iter().enumerate().map(|(index, step)| {
            let name = step_name(index, step);
            json!({"name": name, "container": format!("step-{name}"), "running": {"startedAt": since}})
        });
        self.steps = steps.collect();
    }

    fn end(&mut self, index: usize, exit_code: i32, reason: &str, termination_reason: &str) {
        let step = &mut self.steps[index];
        let since = step["running"]["startedAt"].clone();
        *step = json!({
            "name": step["name"], "container": step["container"], "terminationReason": termination_reason,
            "terminated": {"exitCode": exit_code, "reason": reason, "startedAt": since, "finishedAt": object::now()},
        });
    }

    /// Ends the steps from `first` on.
    fn end_rest(&mut self, first: usize, reason: &str, termination_reason: &str) {
        for index in first..self.steps.len() {
            self.end(index, 1, reason, termination_reason);
        }
    }

    /// Reads the results of a step that has ended. Returns false when they don't fit into its termination message.
    fn read_results(&mut self, room: &Room, index: usize, step: &Step) -> bool {
        let written: Vec<(&String, String)> =
            step.results.iter().filter_map(|of| Some((&of.name, room.result(index, &of.name)?))).collect();
        let message: Vec<Value> = written
            .iter()
            .map(|(name, value)| json!({"key": name, "value": value, "type": 4}))
            .chain([json!({"key": "StartedAt", "value": "2006-01-02T15:04:05.000Z", "type": 3})])
            .collect();
        let fits = Value::from(message).to_string().len() <= MAX_TERMINATION_MESSAGE;
        if fits && !written.is_empty() {
            let results = written.into_iter();
            let results =
                results.map(|(name, value)| json!({"name": name, "type": "string", "value": value}));
            self.results.insert(index, results.collect());
        }
        fits
    }
}

impl Task {
    /// Carries the `TaskRun` out; its end is in its status. Returns its uid.
    pub(crate) async fn execute(self) -> String {
        let root = self.work_dir.join("tasks").join(&self.uid);
        let mut progress = Progress::default();
        let verdict = self
            .run_in(&root, &mut progress)
            .await
            .unwrap_or_else(|error| Verdict::failed("PodCreationFailed", format!("{error:#}")));
        for (index, results) in progress.results {
            progress.steps[index]["results"] = results.into();
        }
        self.update(|status| {
            status["steps"] = progress.steps.into();
            // Tekton leaves it out when there was no pod.
            if verdict.reason != CONFIG_ERROR {
                status["completionTime"] = object::now().into();
            }
            verdict.write(status);
        });
        match tokio::fs::remove_dir_all(&root).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(task_run = %self.key, %error, "failed to remove a task's directory");
            }
            _ => {}
        }
        self.uid
    }

    async fn run_in(&self, folder: &Path, progress: &mut Progress) -> anyhow::Result<Verdict> {
        self.update(|status| status["startTime"] = object::now().into());
        self.tell("Started", "");
        let Some(task_run) = self.wanted() else {
            return Ok(self.cancelled());
        };
        let Spec { task_spec, timeout } = serde_json::from_value(task_run["spec"].clone())?;
        let timeout = timeout.and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_TIMEOUT);
        let deadline = Instant::now() + timeout.0;

        let labels = object::labels(&task_run);
        let label = |name: &str| labels.get(name).map_or(self.key.name.as_str(), String::as_str);
        let pipeline_run = label(label::TEKTON_PIPELINE_RUN);
        let pipeline_task = label(label::TEKTON_PIPELINE_TASK);
        let logs = log_folder(&self.work_dir, &self.key.namespace, pipeline_run, pipeline_task);
        let room = Room::create(folder, logs, &self.key.namespace, pipeline_run, &self.key.name)?;
        let mut processes = Vec::new();
        for (index, step) in task_spec.steps.iter().enumerate() {
            let step = &room.substitute(index, step);
            // A domain that never exists (RFC 6761): the one image that is known not to be there.
            if step.image.split('/').next().is_some_and(|host| host.ends_with(".invalid")) {
                let (name, run) = (step_name(index, step), &self.key.name);
                let why = format!("Back-off pulling image \"{}\"", step.image);
                let message = format!(
                    "the step {name:?} in TaskRun {run:?} failed to pull the image \"\". The pod errored with the message: \"{why}.\""
                );
                return Ok(Verdict::failed("TaskRunImagePullFailed", message));
            }
            let environment = match environment(&self.store, &self.key.namespace, step) {
                Ok(environment) => environment,
                Err(message) => {
                    let (name, waiting) =
                        (step_name(index, step), json!({"reason": CONFIG_ERROR, "message": message}));
                    progress.steps =
                        vec![json!({"name": name, "container": format!("step-{name}"), "waiting": waiting})];
                    return Ok(Verdict::failed(CONFIG_ERROR, "Failed to create pod due to config error"));
                }
            };
            processes.push(room.process(index, step, &environment)?);
        }

        self.update(|status| status["podName"] = format!("{}-pod", self.key.name).into());
        self.tell("Pending", "Pending");
        progress.start(&task_spec);
        for (index, (process, step)) in processes.iter().zip(&task_spec.steps).enumerate() {
            self.update(|status| status["steps"] = progress.steps.clone().into());
            self.tell("Running", "Not all Steps in the Task have finished executing");
            let limit = step.timeout.as_ref().and_then(|text| text.parse::<GoDuration>().ok());
            let limit = limit.map(|limit| Instant::now() + limit.0).filter(|limit| *limit < deadline);
            let mut why = None;
            let mut exit_code = match process.run(limit.unwrap_or(deadline), self.stopped()).await? {
                Ended::Exited(code) => code,
                Ended::TimedOut if limit.is_some() => {
                    why = Some("because the step exceeded the specified timeout limit".to_owned());
                    1
                }
                Ended::Stopped => {
                    progress.end_rest(index, CANCELLED, CANCELLED);
                    return Ok(self.cancelled());
                }
                Ended::TimedOut => {
                    progress.end_rest(index, TIMED_OUT, TIMED_OUT);
                    let message =
                        format!("TaskRun {:?} failed to finish within \"{timeout}\"", self.key.name);
                    return Ok(Verdict::failed(TIMED_OUT, message));
                }
            };
            if !progress.read_results(&room, index, step) {
                // Tekton's entrypoint fails the step.
                exit_code = 1;
            }
            if exit_code != 0 {
                progress.end(index, exit_code, "Error", "Error");
                progress.end_rest(index + 1, "Error", "Skipped");
                let ignored = task_run["metadata"]["annotations"][ON_ERROR] == "continue";
                let reason = if ignored { "FailureIgnored" } else { "Failed" };
                let step = object::text(&progress.steps[index], "/container");
                let why = why.unwrap_or_else(|| format!("with code {exit_code}: Error"));
                let message = format!("{step:?} exited {why}");
                return Ok(Verdict::failed(reason, message));
            }
            progress.end(index, 0, "Completed", "Completed");
        }
        let message = "All Steps have completed executing";
        Ok(Verdict::new(Succeeded::True, "Succeeded", message))
    }

    /// The `TaskRun`, until somebody cancels it.
    fn wanted(&self) -> Option<Arc<Value>> {
        let task_run = self.store.read().get(&self.key).map(Arc::clone)?;
        let same = object::text(&task_run, "/metadata/uid") == self.uid;
        (same && object::text(&task_run, "/spec/status") != CANCELLED).then_some(task_run)
    }

    /// Returns when the `TaskRun` is cancelled or deleted, or the sandbox stops.
    async fn stopped(&self) {
        let mut version = self.store.subscribe();
        while self.wanted().is_some() {
            tokio::select! {
                () = self.stop.cancelled() => return,
                changed = version.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The end of a stopped `TaskRun`. When it was deleted, or the sandbox stops, nobody reads it.
    fn cancelled(&self) -> Verdict {
        let task_run = self.store.read().get(&self.key).map(Arc::clone).unwrap_or_default();
        let why = object::text(&task_run, "/spec/statusMessage");
        Verdict::failed(CANCELLED, format!("TaskRun {:?} was cancelled. {why}", self.key.name))
    }

    /// Reports that it is still running.
    fn tell(&self, reason: &'static str, message: &str) {
        let verdict = Verdict::new(Succeeded::Unknown, reason, message);
        self.update(|status| verdict.write(status));
    }

    fn update(&self, change: impl FnOnce(&mut Value)) {
        update_status(&self.store, &self.key, &self.uid, change);
    }
}

/// Where the logs of a task's steps lie.
pub(crate) fn log_folder(work_dir: &Path, namespace: &str, pipeline_run: &str, task: &str) -> PathBuf {
    work_dir.join("logs").join(namespace).join(pipeline_run).join(task)
}
