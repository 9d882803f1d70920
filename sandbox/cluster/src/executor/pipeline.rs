//! One look at a `PipelineRun`: starts what is due, stops what must stop, writes the status.
//!
//! Source: `pkg/reconciler/pipelinerun` of Tekton 1.6

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_resources::{PipelineRunSpec, PipelineTask, digest, label};

use super::{
    condition::{self, Succeeded, Verdict, update_status},
    duration::GoDuration,
    plan::{CANCELLED, TIMED_OUT, TaskState, plan},
    task::{self, DEFAULT_TIMEOUT, ON_ERROR},
};
use crate::api::{
    failure::Failure,
    object,
    served::{Key, Resource},
    store::Store,
};

/// A `PipelineRun` as it is now.
pub(crate) struct Run<'a> {
    store: &'a Store,
    key: &'a Key,
    object: Arc<Value>,
    spec: PipelineRunSpec,
}

impl<'a> Run<'a> {
    /// A run that has not ended.
    pub(crate) fn unfinished(store: &'a Store, key: &'a Key) -> Option<Self> {
        let object = store.read().get(key).map(Arc::clone)?;
        if condition::is_done(&object) || object::is_terminating(&object) {
            return None;
        }
        let spec = serde_json::from_value(object["spec"].clone())
            .inspect_err(|error| tracing::error!(object = %key, %error, "failed to read a PipelineRun"))
            .ok()?;
        Some(Self { store, key, object, spec })
    }

    pub(crate) fn uid(&self) -> &str {
        object::text(&self.object, "/metadata/uid")
    }

    /// How long it may take.
    pub(crate) fn timeout(&self) -> GoDuration {
        self.spec
            .timeouts
            .as_ref()
            .and_then(|timeouts| timeouts.pipeline.parse().ok())
            .unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Writes that it has started, the first time.
    pub(crate) fn start(&self) {
        if condition::succeeded(&self.object).is_none() {
            self.update(|status| {
                status["startTime"] = object::now().into();
                Verdict::new(Succeeded::Unknown, "Started", "").write(status);
            });
        }
    }

    /// Does what is due.
    pub(crate) fn reconcile(&self, timed_out: bool) {
        let name = &self.key.name;
        if timed_out {
            self.cancel_tasks(TIMED_OUT);
            let message = format!("PipelineRun {name:?} failed to finish within \"{}\"", self.timeout());
            self.end(&Verdict::failed("PipelineRunTimeout", message));
            return;
        }
        let gracefully_cancelled = match self.spec.status.as_deref() {
            Some("Cancelled") => {
                self.cancel_tasks(CANCELLED);
                let message = format!("PipelineRun {name:?} was cancelled");
                self.end(&Verdict::failed("Cancelled", message));
                return;
            }
            Some("CancelledRunFinally") => {
                self.cancel_tasks(CANCELLED);
                true
            }
            _ => false,
        };
        let tasks = &self.spec.pipeline_spec.tasks;
        let state = |task| TaskState::of(self.store.read().get(&self.task_run_key(task)).map(Arc::as_ref));
        let states: Vec<TaskState> = tasks.iter().map(state).collect();
        let plan = plan(name, tasks, &states, gracefully_cancelled);
        for task in &plan.start {
            if let Err(failure) = self.create_task_run(task) {
                tracing::error!(object = %self.key, task = task.name, status = %failure.status(), "failed to create a TaskRun");
            }
        }
        let children: Vec<Value> = tasks
            .iter()
            .zip(&states)
            .filter(|(task, state)| {
                **state != TaskState::NotStarted || plan.start.iter().any(|started| started.name == task.name)
            })
            .map(|(task, _)| {
                json!({
                    "apiVersion": "tekton.dev/v1", "kind": "TaskRun",
                    "name": self.task_run_key(task).name, "pipelineTaskName": task.name,
                })
            })
            .collect();
        let skipped = plan.skipped.iter();
        let skipped: Vec<Value> =
            skipped.map(|(name, reason)| json!({"name": name, "reason": reason})).collect();
        self.update(|status| {
            status["childReferences"] = children.into();
            if !skipped.is_empty() {
                status["skippedTasks"] = skipped.into();
            }
            if plan.verdict.succeeded != Succeeded::Unknown {
                status["completionTime"] = object::now().into();
            }
            plan.verdict.write(status);
        });
    }

    fn end(&self, verdict: &Verdict) {
        self.update(|status| {
            status["completionTime"] = object::now().into();
            verdict.write(status);
        });
    }

    fn update(&self, change: impl FnOnce(&mut Value)) {
        update_status(self.store, self.key, self.uid(), change);
    }

    /// The name is the run's and the task's; when that is too long, a digest stands for the end of the run's.
    fn task_run_key(&self, task: &PipelineTask) -> Key {
        let run = self.key.name.as_str();
        let suffix = format!("-{}", task.name);
        let name = if run.len() + suffix.len() <= 63 {
            format!("{run}{suffix}")
        } else {
            let kept = 63_usize.saturating_sub(suffix.len() + 16).min(run.len());
            format!("{}{}{suffix}", &run[..kept], digest(&[run]))
        };
        Key::new(Resource::TaskRun, self.key.namespace.as_str(), name)
    }

    fn create_task_run(&self, task: &PipelineTask) -> Result<(), Failure> {
        let run = &self.object;
        let uid = self.uid();
        let mut labels = object::labels(run);
        for (key, value) in [
            ("app.kubernetes.io/managed-by", "tekton-pipelines"),
            (label::TEKTON_PIPELINE_RUN, self.key.name.as_str()),
            (label::TEKTON_PIPELINE_TASK, task.name.as_str()),
            ("tekton.dev/pipelineRunUID", uid),
            ("tekton.dev/memberOf", "tasks"),
        ] {
            labels.insert(key.to_owned(), value.to_owned());
        }
        let mut annotations = run["metadata"]["annotations"].clone();
        if task.on_error.as_deref() == Some("continue") {
            annotations[ON_ERROR] = "continue".into();
        }
        // As it was written: the thin types would drop what they don't know.
        let written = object::list(run, "/spec/pipelineSpec/tasks")
            .iter()
            .find(|written| object::text(written, "/name") == task.name);
        let task_run = json!({
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {
                "name": self.task_run_key(task).name,
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [{
                    "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "name": self.key.name, "uid": uid,
                    "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "taskSpec": written.map(|written| &written["taskSpec"]),
                "timeout": task.timeout.clone().unwrap_or_else(|| DEFAULT_TIMEOUT.to_string()),
            },
        });
        self.store.write(|state| state.create(Resource::TaskRun, &self.key.namespace, task_run)).map(|_| ())
    }

    /// Cancels the unfinished tasks.
    fn cancel_tasks(&self, message: &str) {
        for task in &self.spec.pipeline_spec.tasks {
            let key = self.task_run_key(task);
            self.store.write(|state| {
                let Some(current) = state.get(&key) else { return };
                if condition::is_done(current) || current["spec"]["status"] == task::CANCELLED {
                    return;
                }
                let mut task_run = current.as_ref().clone();
                task_run["spec"]["status"] = task::CANCELLED.into();
                task_run["spec"]["statusMessage"] = message.into();
                if let Err(failure) = state.update(&key, task_run, false) {
                    tracing::error!(object = %key, status = %failure.status(), "failed to cancel a TaskRun");
                }
            });
        }
    }
}
