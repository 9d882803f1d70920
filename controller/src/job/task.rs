//! How far one task is, read from its `TaskRun`. Pure.

use tidegate_model::CommitSha;
use tidegate_resources::{RunCondition, TaskRun, TaskRunStatus};

use super::checkout::{self, CheckoutResult, Outcome};

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// Its pod has not started.
    Waiting,
    /// It runs.
    Running,
    /// It ended.
    Ended(TaskEnd),
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEnd {
    /// All steps succeeded.
    Succeeded,
    /// A step failed by itself.
    Failed(String),
    /// It took too long.
    TimedOut,
    /// It was stopped.
    Cancelled,
    /// The pull requests can't be merged. What follows says where.
    Conflict(String),
    /// What should be tested is gone from its branch and from the host.
    Superseded(String),
    /// Something around the code failed: the image, the pod, the node, Tekton.
    Error {
        /// Why, as one word.
        reason: String,
        /// Why, for people.
        message: String,
    },
}

/// What is said of a task whose pod somebody deleted.
pub const POD_DELETED: &str = "its pod was deleted";
/// The checkout ended badly, and doesn't say why.
const CHECKOUT_FAILED: &str = "CheckoutFailed";

impl TaskEnd {
    /// Somebody deleted its pod, so that its steps were killed.
    pub fn pod_deleted() -> Self {
        Self::Error { reason: "PodDeleted".to_owned(), message: POD_DELETED.to_owned() }
    }

    /// Whether a step ended badly by its exit code alone: it may have been killed.
    pub fn is_by_a_step(&self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Error { reason, .. } => reason == CHECKOUT_FAILED,
            Self::Succeeded | Self::TimedOut | Self::Cancelled | Self::Conflict(_) | Self::Superseded(_) => {
                false
            }
        }
    }
}

/// Tekton's condition that says how a run or a task ended.
pub fn succeeded(conditions: &[RunCondition]) -> Option<&RunCondition> {
    conditions.iter().find(|condition| condition.type_ == "Succeeded")
}

/// Reads a `TaskRun`.
///
/// Source of the reasons: <https://tekton.dev/docs/pipelines/taskruns/#monitoring-execution-status>
pub fn read(task_run: &TaskRun) -> TaskState {
    let Some(status) = &task_run.status else {
        return TaskState::Waiting;
    };
    let Some(condition) = succeeded(&status.conditions) else {
        return TaskState::Waiting;
    };
    match condition.status.as_str() {
        "True" => TaskState::Ended(TaskEnd::Succeeded),
        "False" => TaskState::Ended(end(status, condition)),
        _ if status.start_time.is_some() => TaskState::Running,
        _ => TaskState::Waiting,
    }
}

/// The commit and tree that the checkout of a finished task wrote.
pub fn checked_out(task_run: &TaskRun) -> Option<(CommitSha, CommitSha)> {
    let status = task_run.status.as_ref()?;
    let sha = |result| result_of(status, result)?.parse().ok();
    Some((sha(CheckoutResult::Commit)?, sha(CheckoutResult::Tree)?))
}

fn end(status: &TaskRunStatus, condition: &RunCondition) -> TaskEnd {
    match condition.reason.as_str() {
        "TaskRunTimeout" => TaskEnd::TimedOut,
        "TaskRunCancelled" => TaskEnd::Cancelled,
        "Failed" | "FailureIgnored" => failure(status, condition),
        _ => error(condition),
    }
}

fn failure(status: &TaskRunStatus, condition: &RunCondition) -> TaskEnd {
    let failed = status
        .steps
        .iter()
        .find_map(|step| Some((step, step.terminated.as_ref().filter(|end| end.exit_code != 0)?)));
    match failed {
        // Later steps could overwrite the results, but not how the step ended.
        Some((step, _)) if step.name == checkout::STEP && is_fault_of_a_step(&condition.message) => {
            let detail =
                result_of(status, CheckoutResult::Detail).unwrap_or("the checkout failed").to_owned();
            match Outcome::of_failure(result_of(status, CheckoutResult::Outcome)) {
                Outcome::Conflict => TaskEnd::Conflict(detail),
                Outcome::Superseded => TaskEnd::Superseded(detail),
                Outcome::Unreadable => {
                    TaskEnd::Error { reason: "RepositoryUnreadable".to_owned(), message: detail }
                }
                Outcome::Error => TaskEnd::Error { reason: CHECKOUT_FAILED.to_owned(), message: detail },
            }
        }
        Some((_, end)) if is_fault_of_a_step(&condition.message) => {
            TaskEnd::Failed(match (end.reason.as_str(), condition.message.contains("timeout limit")) {
                ("OOMKilled", _) => "out of memory".to_owned(),
                (_, true) => "a step took too long".to_owned(),
                (_, false) => format!("exit code {}", end.exit_code),
            })
        }
        _ => error(condition),
    }
}

/// Tekton names the step that failed; of an evicted pod it repeats what the node said instead.
fn is_fault_of_a_step(message: &str) -> bool {
    let by_step = ["exited with code", "exited because the step", "OOMKilled"];
    !message.starts_with("init container failed") && by_step.iter().any(|part| message.contains(part))
}

fn error(condition: &RunCondition) -> TaskEnd {
    TaskEnd::Error { reason: condition.reason.clone(), message: condition.message.clone() }
}

fn result_of(status: &TaskRunStatus, result: CheckoutResult) -> Option<&str> {
    status.results.iter().find(|entry| entry.name == result.as_str())?.value.as_str()
}

#[cfg(test)]
mod tests;
