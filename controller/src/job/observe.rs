//! What a `PipelineRun` and its `TaskRun`s say becomes the status of the `IntegrationJob`. Pure.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use tidegate_model::{JobName, JobSpec};
use tidegate_resources::{
    IntegrationJob, IntegrationJobStatus, JobPhase, JobStatus, Phase, PipelineRun, RunCondition, TaskRun,
};

use super::{
    status::{Verdict, job_status},
    store::Tasks,
    task::{self, TaskEnd, TaskState},
};

/// The objects of a run, as they were seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The run.
    pub run: &'a PipelineRun,
    /// Its tasks, by the jobs' names.
    pub tasks: &'a Tasks,
    /// The jobs whose pod was deleted under them, by their names.
    pub deleted: &'a BTreeSet<String>,
    /// Whether the tasks were read after the run, so that none can be older than it.
    pub is_complete: bool,
}

/// The status that follows. `None` when the run has ended but the end of a task is still on its way: read again.
pub fn observe(job: &IntegrationJob, seen: Seen<'_>, now: Timestamp) -> Option<IntegrationJobStatus> {
    let mut status = job.status.clone().unwrap_or_default();
    let ended = seen
        .run
        .status
        .as_ref()
        .and_then(|run| task::succeeded(&run.conditions))
        .filter(|condition| condition.status != "Unknown");
    let progress: Vec<(&JobSpec, Option<&TaskRun>, TaskState)> = job
        .spec
        .jobs
        .iter()
        .map(|entry| {
            let task_run = seen.tasks.get(entry.name.as_str()).and_then(|task| task.0.as_ref().ok());
            let state = match task_run.map_or(TaskState::Waiting, task::read) {
                TaskState::Ended(end) if end.is_by_a_step() && seen.deleted.contains(entry.name.as_str()) => {
                    TaskState::Ended(TaskEnd::pod_deleted())
                }
                state => state,
            };
            (entry, task_run, state)
        })
        .collect();
    if ended.is_some() && !seen.is_complete && progress.iter().any(|state| is_behind(seen.run, state)) {
        return None;
    }
    if status.merged_sha.is_none()
        && let Some((commit, tree)) =
            progress.iter().find_map(|(_, task_run, _)| task::checked_out((*task_run)?))
    {
        status.merged_sha = Some(commit);
        status.tree = Some(tree);
    }
    status.pipeline_run.clone_from(&seen.run.metadata.name);
    status.jobs = progress
        .iter()
        .map(|(entry, task_run, state)| {
            let mut job_status = entry_status(job, entry, state, ended, &progress);
            if let Some(task) = task_run.and_then(|task_run| task_run.status.as_ref()) {
                job_status.started_at.clone_from(&task.start_time);
                job_status.completed_at.clone_from(&task.completion_time);
            }
            job_status
        })
        .collect();
    match ended {
        None => Verdict::new(Phase::Running, "Running", "").enter(&mut status, now),
        Some(condition) => verdict(job, condition, &progress, &status.jobs).enter(&mut status, now),
    }
    Some(status)
}

type State<'a> = (&'a JobSpec, Option<&'a TaskRun>, TaskState);

/// Whether a task of a run that has ended was seen before its end.
fn is_behind(run: &PipelineRun, (entry, _, state): &State<'_>) -> bool {
    let children = run.status.iter().flat_map(|status| &status.child_references);
    let started = || children.clone().any(|child| child.pipeline_task_name == entry.name.as_str());
    match state {
        TaskState::Ended(_) => false,
        TaskState::Running => true,
        TaskState::Waiting => started(),
    }
}

fn entry_status(
    job: &IntegrationJob,
    entry: &JobSpec,
    state: &TaskState,
    ended: Option<&RunCondition>,
    all: &[State<'_>],
) -> JobStatus {
    let with = |phase, message: &str| job_status(&entry.name, phase, Some(message));
    let limit = entry.timeout.unwrap_or(job.spec.timeout).min(job.spec.timeout);
    let run_timed_out = ended.is_some_and(|condition| condition.reason == RUN_TIMED_OUT);
    match (state, ended) {
        (TaskState::Waiting, None) => job_status(&entry.name, JobPhase::Pending, None),
        (TaskState::Running, None) => job_status(&entry.name, JobPhase::Running, None),
        (TaskState::Waiting | TaskState::Running, Some(condition)) => never_ended(job, entry, condition, all),
        (TaskState::Ended(end), _) => match end {
            TaskEnd::Succeeded => job_status(&entry.name, JobPhase::Succeeded, None),
            TaskEnd::Failed(message) => with(JobPhase::Failed, message),
            TaskEnd::TimedOut => with(JobPhase::Failed, &format!("timed out after {limit}")),
            // The limit of the whole run stops the tasks that go on.
            TaskEnd::Cancelled if run_timed_out => {
                with(JobPhase::Failed, &format!("timed out after {}", job.spec.timeout))
            }
            TaskEnd::Cancelled => with(JobPhase::Cancelled, &cancel_message(job)),
            TaskEnd::Conflict(detail) => with(JobPhase::Failed, &conflict_message(detail)),
            TaskEnd::Superseded(detail) => with(JobPhase::Cancelled, &superseded_message(detail)),
            TaskEnd::Error { message, .. } => with(JobPhase::Error, message),
        },
    }
}

/// The job never came to an end, though its run did.
fn never_ended(job: &IntegrationJob, entry: &JobSpec, ended: &RunCondition, all: &[State<'_>]) -> JobStatus {
    let with = |phase, message: &str| job_status(&entry.name, phase, Some(message));
    match not_checked_out(all) {
        // The code can't be merged for this job either.
        Some(TaskEnd::Conflict(detail)) if !entry.skip_checkout => {
            return with(JobPhase::Failed, &conflict_message(detail));
        }
        Some(TaskEnd::Superseded(detail)) => return with(JobPhase::Cancelled, &superseded_message(detail)),
        _ => (),
    }
    if ended.reason == RUN_TIMED_OUT {
        return with(JobPhase::NotRun, &format!("the run timed out after {}", job.spec.timeout));
    }
    if is_cancelled(ended) {
        return with(JobPhase::Cancelled, &cancel_message(job));
    }
    match cause(entry, all) {
        Some(failed) => with(JobPhase::NotRun, &format!("{failed} failed")),
        None => with(JobPhase::Error, &ended.message),
    }
}

/// The job whose failure kept another from running: one that it comes after, near or far, or else any. A pipeline whose
/// task failed starts no further task.
fn cause<'a>(entry: &'a JobSpec, all: &[State<'a>]) -> Option<&'a JobName> {
    let has_failed = |state: &TaskState| matches!(state, TaskState::Ended(end) if *end != TaskEnd::Succeeded);
    let mut seen: Vec<&JobName> = Vec::new();
    let mut next: Vec<&JobName> = entry.after.iter().collect();
    while let Some(name) = next.pop() {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        if let Some((before, _, state)) = all.iter().find(|(entry, ..)| entry.name == *name) {
            if has_failed(state) {
                return Some(&before.name);
            }
            next.extend(&before.after);
        }
    }
    all.iter().find(|(_, _, state)| has_failed(state)).map(|(entry, ..)| &entry.name)
}

/// The run's verdict follows from the jobs, so that it holds whatever Tekton makes of optional ones.
fn verdict(job: &IntegrationJob, ended: &RunCondition, all: &[State<'_>], jobs: &[JobStatus]) -> Verdict {
    match not_checked_out(all) {
        Some(TaskEnd::Conflict(detail)) => {
            return Verdict::new(Phase::Failed, "MergeConflict", conflict_message(detail));
        }
        Some(TaskEnd::Superseded(detail)) => {
            return Verdict::new(Phase::Cancelled, "Superseded", superseded_message(detail));
        }
        _ => (),
    }
    if ended.reason == RUN_TIMED_OUT {
        return Verdict::new(
            Phase::Failed,
            "TimedOut",
            format!("the run timed out after {}", job.spec.timeout),
        );
    }
    let counted = || all.iter().zip(jobs).filter(|((entry, ..), _)| !entry.optional);
    let named = |phase| {
        let names: Vec<&str> =
            counted().filter(|(_, job)| job.phase == phase).map(|(_, job)| job.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(names) = named(JobPhase::Failed) {
        let timed_out = counted().any(|((.., state), _)| *state == TaskState::Ended(TaskEnd::TimedOut));
        let reason = if timed_out { "TimedOut" } else { "JobFailed" };
        return Verdict::new(Phase::Failed, reason, format!("failed: {names}"));
    }
    if let Some(names) = named(JobPhase::Error) {
        let of_task = counted().find_map(|((.., state), _)| match state {
            TaskState::Ended(TaskEnd::Error { reason, message }) => Some((reason, message)),
            _ => None,
        });
        let (reason, message) = of_task.unwrap_or((&ended.reason, &ended.message));
        return Verdict::new(Phase::Error, reason, format!("could not be run: {names}: {message}"));
    }
    if named(JobPhase::Cancelled).is_some() {
        let reason = job.spec.cancel.as_ref().map_or("PipelineRunCancelled", |cancel| cancel.reason.as_str());
        return Verdict::new(Phase::Cancelled, reason, cancel_message(job));
    }
    if let Some(names) = named(JobPhase::NotRun) {
        return Verdict::new(Phase::Failed, "JobNotRun", format!("not run: {names}"));
    }
    Verdict::new(Phase::Succeeded, "Succeeded", "")
}

/// Tekton's reason of a run that reached its time limit.
const RUN_TIMED_OUT: &str = "PipelineRunTimeout";

fn is_cancelled(ended: &RunCondition) -> bool {
    matches!(ended.reason.as_str(), "Cancelled" | "CancelledRunningFinally" | "StoppedRunningFinally")
}

/// What kept the code from being checked out, for every job alike.
fn not_checked_out<'a>(all: &'a [State<'_>]) -> Option<&'a TaskEnd> {
    all.iter().find_map(|(_, _, state)| match state {
        TaskState::Ended(end @ (TaskEnd::Conflict(_) | TaskEnd::Superseded(_))) => Some(end),
        _ => None,
    })
}

fn conflict_message(detail: &str) -> String {
    format!("can't be merged: {detail}")
}

fn superseded_message(detail: &str) -> String {
    format!("superseded: {detail}")
}

fn cancel_message(job: &IntegrationJob) -> String {
    job.spec.cancel.as_ref().map_or_else(|| "the PipelineRun was cancelled".to_owned(), |c| c.message.clone())
}

#[cfg(test)]
mod tests;
