//! What a `PipelineRun` does next, as a function of its tasks.
//!
//! Source: `pkg/reconciler/pipelinerun/resources/pipelinerunstate.go` of Tekton 1.6

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_resources::PipelineTask;

use super::condition::{self, Succeeded, Verdict};
use crate::api::object;

/// The message in a `TaskRun`'s spec when its `PipelineRun` is cancelled.
pub(crate) const CANCELLED: &str = "TaskRun cancelled as the PipelineRun it belongs to has been cancelled.";
/// The message in a `TaskRun`'s spec when its `PipelineRun` took too long.
pub(crate) const TIMED_OUT: &str = "TaskRun cancelled as the PipelineRun it belongs to has timed out.";

const STOPPING: &str = "PipelineRun was stopping";
const GRACEFULLY_CANCELLED: &str = "PipelineRun was gracefully cancelled";

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskState {
    NotStarted,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl TaskState {
    /// Reads it from the task's `TaskRun`.
    pub(crate) fn of(task_run: Option<&Value>) -> Self {
        let Some(task_run) = task_run else {
            return Self::NotStarted;
        };
        match condition::succeeded(task_run) {
            None | Some((Succeeded::Unknown, _)) => Self::Running,
            Some((Succeeded::True, _)) => Self::Succeeded,
            Some((Succeeded::False, "TaskRunCancelled"))
                if object::text(task_run, "/spec/statusMessage") != TIMED_OUT =>
            {
                Self::Cancelled
            }
            Some((Succeeded::False, _)) => Self::Failed,
        }
    }
}

/// What to do, and what to say.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The tasks to start.
    pub(crate) start: Vec<&'a PipelineTask>,
    /// The tasks that will not run, with the reason.
    pub(crate) skipped: Vec<(&'a str, &'static str)>,
    pub(crate) verdict: Verdict,
}

/// Judges a run that is neither cancelled at once nor out of time. `states` goes with `tasks`.
pub(crate) fn plan<'a>(
    run: &str,
    tasks: &'a [PipelineTask],
    states: &[TaskState],
    gracefully_cancelled: bool,
) -> Plan<'a> {
    let ignored = |task: &PipelineTask| task.on_error.as_deref() == Some("continue");
    let ended_badly = |state: TaskState| matches!(state, TaskState::Failed | TaskState::Cancelled);
    let state_of: BTreeMap<&str, TaskState> =
        tasks.iter().map(|task| task.name.as_str()).zip(states.iter().copied()).collect();
    let stopping = tasks.iter().zip(states).any(|(task, &state)| ended_badly(state) && !ignored(task));
    let skip = if stopping { Some(STOPPING) } else { gracefully_cancelled.then_some(GRACEFULLY_CANCELLED) };

    let mut start = Vec::new();
    let mut skipped = Vec::new();
    let (mut succeeded, mut failed, mut ignored_failed, mut cancelled, mut incomplete) =
        (0_usize, 0_usize, 0_usize, 0_usize, 0_usize);
    for (task, &state) in tasks.iter().zip(states) {
        match (state, skip) {
            (TaskState::Succeeded, _) => succeeded += 1,
            (TaskState::Cancelled, _) => cancelled += 1,
            (TaskState::Failed, _) if ignored(task) => ignored_failed += 1,
            (TaskState::Failed, _) => failed += 1,
            (TaskState::Running, _) => incomplete += 1,
            (TaskState::NotStarted, Some(reason)) => skipped.push((task.name.as_str(), reason)),
            (TaskState::NotStarted, None) => {
                incomplete += 1;
                let done = |parent: &String| {
                    state_of
                        .get(parent.as_str())
                        .is_some_and(|&state| state == TaskState::Succeeded || ended_badly(state))
                };
                if task.run_after.iter().all(done) {
                    start.push(task);
                }
            }
        }
    }

    let completed = succeeded + failed + cancelled + ignored_failed;
    let verdict = if incomplete > 0 {
        let reason = if gracefully_cancelled {
            "CancelledRunningFinally"
        } else if stopping {
            "PipelineRunStopping"
        } else {
            "Running"
        };
        let message = format!(
            "Tasks Completed: {completed} (Failed: {failed}, Cancelled {cancelled}), Incomplete: {incomplete}, Skipped: {}",
            skipped.len()
        );
        Verdict::new(Succeeded::Unknown, reason, message)
    } else if failed == 0 && gracefully_cancelled {
        Verdict::failed("Cancelled", format!("PipelineRun {run:?} was cancelled"))
    } else {
        let (succeeded, reason) = match (failed, cancelled) {
            (1.., _) => (Succeeded::False, "Failed"),
            (0, 1..) => (Succeeded::False, "Cancelled"),
            (0, 0) if skipped.is_empty() => (Succeeded::True, "Succeeded"),
            (0, 0) => (Succeeded::True, "Completed"),
        };
        let all_failed = failed + ignored_failed;
        let of_them_ignored =
            if ignored_failed > 0 { format!(" (Ignored: {ignored_failed})") } else { String::new() };
        let message = format!(
            "Tasks Completed: {completed} (Failed: {all_failed}{of_them_ignored}, Cancelled {cancelled}), Skipped: {}",
            skipped.len()
        );
        Verdict::new(succeeded, reason, message)
    };
    Plan { start, skipped, verdict }
}

#[cfg(test)]
mod tests;
