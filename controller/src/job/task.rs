//! How far one task is, read from its `TaskRun`. Pure.

use tidegate_model::CommitSha;
use tidegate_resources::{RunCondition, StepState, TaskRun, TaskRunStatus};

use super::{
    checkout::{self, CheckoutResult, Outcome},
    waiting::{self, Cause},
};

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// Its pod has not started; the cause, when it does more than start.
    Waiting(Option<Cause>),
    /// Its pod runs, and its checkout has not ended.
    CheckingOut,
    /// The job itself runs.
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
    Cancelled {
        /// Whether the job itself had started.
        had_started: bool,
    },
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
/// What every text about a pod that was taken away starts with.
pub const POD_LOST: &str = "its pod was ";
/// The checkout ended badly, and doesn't say why.
const CHECKOUT_FAILED: &str = "CheckoutFailed";

/// Reasons of a container that the node could not start, or lost: the step's code is not the cause.
const NODE_FAULTS: [&str; 5] =
    ["ContainerStatusUnknown", "ContainerCannotRun", "StartError", "RunContainerError", "NodeLost"];

impl TaskState {
    /// Whether its pod has started.
    pub fn has_started(&self) -> bool {
        match self {
            Self::Waiting(_) => false,
            Self::CheckingOut | Self::Running => true,
            Self::Ended(end) => match end {
                TaskEnd::Succeeded
                | TaskEnd::Failed(_)
                | TaskEnd::TimedOut
                | TaskEnd::Conflict(_)
                | TaskEnd::Superseded(_) => true,
                TaskEnd::Cancelled { had_started } => *had_started,
                TaskEnd::Error { reason, .. } => reason == CHECKOUT_FAILED,
            },
        }
    }
}

impl TaskEnd {
    /// Its pod was taken away, so that its steps were killed. The text starts with [`POD_LOST`].
    pub fn pod_lost(message: &str) -> Self {
        let reason = if message == POD_DELETED { "PodDeleted" } else { "PodDisrupted" };
        Self::Error { reason: reason.to_owned(), message: message.to_owned() }
    }

    /// Whether a step ended badly by its exit code alone: it may have been killed.
    pub fn is_by_a_step(&self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Error { reason, .. } => reason == CHECKOUT_FAILED,
            Self::Succeeded
            | Self::TimedOut
            | Self::Cancelled { .. }
            | Self::Conflict(_)
            | Self::Superseded(_) => false,
        }
    }
}

/// Tekton's condition that says how a run or a task ended.
pub fn succeeded(conditions: &[RunCondition]) -> Option<&RunCondition> {
    conditions.iter().find(|condition| condition.type_ == "Succeeded")
}

/// Reads a `TaskRun`. `image` is the job's; `scheduler` is what its pod says about its place, if it was read.
///
/// Source of the reasons: <https://tekton.dev/docs/pipelines/taskruns/#monitoring-execution-status>
pub fn read(task_run: &TaskRun, image: &str, scheduler: Option<&str>) -> TaskState {
    let Some(status) = &task_run.status else {
        return TaskState::Waiting(None);
    };
    let Some(condition) = succeeded(&status.conditions) else {
        return TaskState::Waiting(None);
    };
    match condition.status.as_str() {
        "True" => TaskState::Ended(TaskEnd::Succeeded),
        "False" => TaskState::Ended(end(status, condition, image)),
        // Tekton's word for a pod all of whose containers have started.
        _ if condition.reason == "Running" => match checkout_step(status) {
            Some(step) if step.terminated.is_none() => TaskState::CheckingOut,
            _ => TaskState::Running,
        },
        _ => TaskState::Waiting(waiting::cause(status, condition, image, scheduler)),
    }
}

/// The commit and tree that the checkout of a finished task wrote, as results of its own step: no other step of the pod can
/// write them, or add to them (ADR 29).
pub fn checked_out(task_run: &TaskRun) -> Option<(CommitSha, CommitSha)> {
    let checkout = checkout_step(task_run.status.as_ref()?)?;
    let sha = |result| result_of(checkout, result)?.parse().ok();
    let has_ended_well = checkout.terminated.as_ref().is_some_and(|end| end.exit_code == 0);
    has_ended_well.then_some((sha(CheckoutResult::Commit)?, sha(CheckoutResult::Tree)?))
}

fn end(status: &TaskRunStatus, condition: &RunCondition, image: &str) -> TaskEnd {
    match condition.reason.as_str() {
        "TaskRunTimeout" if job_had_started(status) => TaskEnd::TimedOut,
        "TaskRunTimeout" => TaskEnd::Error {
            reason: condition.reason.clone(),
            message: "its pod did not start, or its checkout did not end, in time".to_owned(),
        },
        "TaskRunCancelled" => TaskEnd::Cancelled { had_started: job_had_started(status) },
        "Failed" | "FailureIgnored" => failure(status, condition),
        "TaskRunImagePullFailed" => TaskEnd::Error {
            reason: condition.reason.clone(),
            message: waiting::image_error(&condition.message, image),
        },
        waiting::CONFIG_ERROR => TaskEnd::Error {
            reason: condition.reason.clone(),
            message: waiting::config_error(&status.steps).unwrap_or_else(|| condition.message.clone()),
        },
        _ => error(condition),
    }
}

/// Whether the job's own step had started when Tekton stopped the task. Tekton then shows an end of every step, also of
/// those that never started; but a checkout that ended well had ended before.
fn job_had_started(status: &TaskRunStatus) -> bool {
    match checkout_step(status) {
        Some(checkout) => checkout.terminated.as_ref().is_some_and(|end| end.exit_code == 0),
        None => !status.steps.is_empty(),
    }
}

/// Only what the condition says of the failed step counts: it comes from Kubernetes. What Tekton shows of a step's exit code
/// comes from a file that the step itself can write.
fn failure(status: &TaskRunStatus, condition: &RunCondition) -> TaskEnd {
    let Some(fault) = StepFault::read(&condition.message, &status.steps) else {
        return error(condition);
    };
    match (fault.step, fault.exit) {
        (checkout::STEP, exit) => failed_checkout(status, exit),
        (_, Exit::TimedOut) => TaskEnd::TimedOut,
        (_, Exit::Code(_, "OOMKilled")) => TaskEnd::Failed("out of memory".to_owned()),
        (_, Exit::Code(_, reason)) if NODE_FAULTS.contains(&reason) => {
            TaskEnd::Error { reason: reason.to_owned(), message: condition.message.clone() }
        }
        (_, Exit::Code(code, _)) => TaskEnd::Failed(format!("exit code {code}")),
    }
}

/// Whether a character changes how the text around it is shown: a control, a break of a line, a change of the direction.
///
/// Source: <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn failed_checkout(status: &TaskRunStatus, exit: Exit<'_>) -> TaskEnd {
    let result = |result| result_of(checkout_step(status)?, result);
    let detail = match (result(CheckoutResult::Detail), exit) {
        (Some(detail), _) => detail.chars().filter(|c| !is_control(*c)).collect(),
        (None, Exit::TimedOut) => "the checkout took too long".to_owned(),
        (None, Exit::Code(_, "OOMKilled")) => "the checkout ran out of memory".to_owned(),
        (None, Exit::Code(code, _)) => format!("the checkout failed with exit code {code}"),
    };
    match Outcome::of_failure(result(CheckoutResult::Outcome)) {
        Outcome::Conflict => TaskEnd::Conflict(detail),
        Outcome::Superseded => TaskEnd::Superseded(detail),
        Outcome::Unreadable => TaskEnd::Error { reason: "RepositoryUnreadable".to_owned(), message: detail },
        Outcome::Error => TaskEnd::Error { reason: CHECKOUT_FAILED.to_owned(), message: detail },
    }
}

/// Which step failed a task, and how.
struct StepFault<'a> {
    step: &'a str,
    exit: Exit<'a>,
}

#[derive(Clone, Copy)]
enum Exit<'a> {
    /// The exit code, and Kubernetes' reason, which may be empty.
    Code(i32, &'a str),
    /// It reached its own limit.
    TimedOut,
}

impl<'a> StepFault<'a> {
    /// Reads what Tekton says of a failed pod: `"step-run" exited with code 1: Error`. `None` when it says something else,
    /// like what the node said when it evicted the pod.
    ///
    /// Source: `getFailureMessage` in `pkg/pod/status.go` of Tekton 1.6
    fn read(message: &'a str, steps: &'a [StepState]) -> Option<Self> {
        if message == "OOMKilled" {
            let killed =
                |step: &&StepState| step.terminated.as_ref().is_some_and(|end| end.reason == "OOMKilled");
            let step = steps.iter().find(killed).map_or("", |step| step.name.as_str());
            return Some(Self { step, exit: Exit::Code(137, "OOMKilled") });
        }
        let (step, how) = message.strip_prefix("\"step-")?.split_once("\" exited ")?;
        if how.starts_with("because the step exceeded") {
            return Some(Self { step, exit: Exit::TimedOut });
        }
        let code = how.strip_prefix("with code ")?;
        let (code, reason) = code.split_once(": ").unwrap_or((code, ""));
        Some(Self { step, exit: Exit::Code(code.parse().ok()?, reason) })
    }
}

fn error(condition: &RunCondition) -> TaskEnd {
    TaskEnd::Error { reason: condition.reason.clone(), message: condition.message.clone() }
}

fn checkout_step(status: &TaskRunStatus) -> Option<&StepState> {
    status.steps.iter().find(|step| step.name == checkout::STEP)
}

fn result_of(step: &StepState, result: CheckoutResult) -> Option<&str> {
    step.results.iter().find(|entry| entry.name == result.as_str())?.value.as_str()
}

#[cfg(test)]
mod tests;
