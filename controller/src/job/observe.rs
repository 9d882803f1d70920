//! What a `PipelineRun` and its `TaskRun`s say becomes the status of the `IntegrationJob`. Pure.

use k8s_openapi::jiff::Timestamp;
use tidegate_model::{JobName, JobSpec};
use tidegate_resources::{
    IntegrationJob, IntegrationJobStatus, JobPhase, JobStatus, Phase, PipelineRun, RunCondition, TaskRun,
};

use super::{
    limit,
    pod::PodFacts,
    status::{Verdict, job_status},
    task::{self, TaskEnd, TaskState},
    waiting::Cause,
};
use crate::stores::tekton::Tasks;

/// A pipeline run with its objects, as the store shows them.
#[derive(Debug, Clone, Copy)]
pub struct ObservedRun<'a> {
    /// The run.
    pub run: &'a PipelineRun,
    /// Its tasks, by the jobs' names.
    pub tasks: &'a Tasks,
    /// What their pods show beside.
    pub pods: &'a PodFacts,
    /// Whether the tasks were read after the run, so that none can be older than it.
    pub is_complete: bool,
    /// Whether the time of the run is over ([`limit::deadline`]), so that what has not ended is stopped.
    pub is_over: bool,
}

/// The status that follows. `None` when the run has ended but the end of a task is still on its way: read again.
pub fn observe(job: &IntegrationJob, seen: ObservedRun<'_>, now: Timestamp) -> Option<IntegrationJobStatus> {
    let mut status = job.status.clone().unwrap_or_default();
    let condition = seen.run.status.as_ref().and_then(|run| task::succeeded(&run.conditions));
    let progress = Progress {
        job,
        run: seen.run,
        condition,
        is_over: seen.is_over && job.spec.cancel.is_none(),
        states: job.spec.jobs.iter().map(|entry| state(entry, seen)).collect(),
    };
    if progress.ended().is_some()
        && !seen.is_complete
        && progress.states.iter().any(|s| progress.is_behind(s))
    {
        return None;
    }
    if status.merged_sha.is_none()
        && let Some((commit, tree)) =
            progress.states.iter().find_map(|(_, task_run, _)| task::checked_out((*task_run)?))
    {
        status.merged_sha = Some(commit);
        status.tree = Some(tree);
    }
    status.pipeline_run.clone_from(&seen.run.metadata.name);
    status.jobs = progress.job_statuses(&status.jobs, seen.is_complete);
    let verdict = if progress.is_final() {
        progress.verdict(&status)
    } else {
        Verdict::new(Phase::Running, "Running", "")
    };
    verdict.enter(&mut status, now);
    if progress.states.iter().any(|(.., state)| state.has_started()) {
        limit::started(&mut status, now);
    } else if let Some(cause) = progress.states.iter().find_map(|(.., state)| waits_for(state)) {
        limit::failing(&mut status, cause, now);
    }
    Some(status)
}

/// The first time at which a pod of the run began to start, of those that have not started.
pub fn pending_since(tasks: &Tasks) -> Option<Timestamp> {
    let tasks = tasks.values().filter_map(|task| task.0.as_ref().ok());
    let waiting = tasks.filter(|task| matches!(task::read(task, "", None), TaskState::Waiting(_)));
    waiting.filter_map(|task| task.status.as_ref()?.start_time.as_deref()?.parse().ok()).min()
}

type State<'a> = (&'a JobSpec, Option<&'a TaskRun>, TaskState);

fn state<'a>(entry: &'a JobSpec, seen: ObservedRun<'a>) -> State<'a> {
    let name = entry.name.as_str();
    let task_run = seen.tasks.get(name).and_then(|task| task.0.as_ref().ok());
    let scheduler = seen.pods.scheduler.get(name).map(String::as_str);
    let state =
        task_run.map_or(TaskState::Waiting(None), |task_run| task::read(task_run, &entry.image, scheduler));
    let state = match (state, seen.pods.lost.get(name)) {
        (TaskState::Ended(end), Some(lost)) if end.is_by_a_step() => {
            TaskState::Ended(TaskEnd::pod_lost(lost))
        }
        (state, _) => state,
    };
    (entry, task_run, state)
}

fn waits_for(state: &TaskState) -> Option<&Cause> {
    match state {
        TaskState::Waiting(cause) => cause.as_ref(),
        TaskState::CheckingOut | TaskState::Running | TaskState::Ended(_) => None,
    }
}

/// The progress of each job of a run.
struct Progress<'a> {
    job: &'a IntegrationJob,
    run: &'a PipelineRun,
    condition: Option<&'a RunCondition>,
    is_over: bool,
    states: Vec<State<'a>>,
}

impl<'a> Progress<'a> {
    /// Tekton's condition of how the run ended.
    fn ended(&self) -> Option<&'a RunCondition> {
        self.condition.filter(|condition| condition.status != "Unknown")
    }

    fn is_final(&self) -> bool {
        self.is_over || self.ended().is_some()
    }

    /// Whether the run was stopped because its time is over, by this controller or, when that was away, by Tekton.
    fn has_timed_out(&self) -> bool {
        self.is_over || self.ended().is_some_and(|condition| condition.reason == RUN_TIMED_OUT)
    }

    fn was_created(&self, entry: &JobSpec) -> bool {
        let mut children = self.run.status.iter().flat_map(|status| &status.child_references);
        children.any(|child| child.pipeline_task_name == entry.name.as_str())
    }

    /// Whether a task of a run that has ended was seen before its end.
    fn is_behind(&self, (entry, _, state): &State<'_>) -> bool {
        match state {
            TaskState::Ended(_) => false,
            TaskState::CheckingOut | TaskState::Running => true,
            TaskState::Waiting(_) => self.was_created(entry),
        }
    }

    /// Whether a job that has no task will never have one: a job that it comes after failed, or another did, after which
    /// Tekton starts nothing more.
    fn never_starts(&self, entry: &JobSpec, task_run: Option<&TaskRun>) -> bool {
        if task_run.is_some() || self.was_created(entry) {
            return false;
        }
        let is_stopping = self.condition.is_some_and(|condition| condition.reason == RUN_STOPPING);
        self.cause_before(entry).is_some() || is_stopping && self.any_cause().is_some()
    }

    /// A task that the run lists and that was not seen yet, as after a restart of the controller, changes nothing.
    fn job_statuses(&self, earlier: &[JobStatus], is_complete: bool) -> Vec<JobStatus> {
        let statuses = self.states.iter().map(|state @ (entry, task_run, _)| {
            if task_run.is_none()
                && !is_complete
                && self.was_created(entry)
                && let Some(known) = earlier.iter().find(|known| known.name == entry.name)
                && !self.is_final()
            {
                return known.clone();
            }
            let mut status = self.job_status(state);
            if let Some(task) = task_run.and_then(|task_run| task_run.status.as_ref()) {
                status.started_at.clone_from(&task.start_time);
                status.completed_at.clone_from(&task.completion_time);
            }
            status
        });
        statuses.collect()
    }

    fn job_status(&self, (entry, task_run, state): &State<'_>) -> JobStatus {
        let with = |phase, message: &str| job_status(&entry.name, phase, Some(message));
        let timeout = self.job.timeout();
        let limit = entry.timeout.unwrap_or(timeout).min(timeout);
        match state {
            TaskState::Waiting(_) if self.is_final() || self.never_starts(entry, *task_run) => {
                self.never_started(entry, *task_run, state)
            }
            TaskState::Waiting(cause) => {
                let message = cause.as_ref().map(|cause| cause.message.as_str());
                job_status(&entry.name, JobPhase::Pending, message)
            }
            TaskState::CheckingOut if self.has_timed_out() => {
                with(JobPhase::Error, &format!("the checkout did not end within {timeout}"))
            }
            TaskState::Running if self.has_timed_out() => {
                with(JobPhase::Failed, &format!("timed out after {timeout}"))
            }
            TaskState::CheckingOut | TaskState::Running if self.is_final() => {
                self.never_started(entry, *task_run, state)
            }
            TaskState::CheckingOut | TaskState::Running => job_status(&entry.name, JobPhase::Running, None),
            TaskState::Ended(end) => match end {
                TaskEnd::Succeeded => job_status(&entry.name, JobPhase::Succeeded, None),
                TaskEnd::Failed(message) => with(JobPhase::Failed, message),
                TaskEnd::TimedOut => with(JobPhase::Failed, &format!("timed out after {limit}")),
                // The limit of the whole run stops its active tasks.
                TaskEnd::Cancelled { had_started: true } if self.has_timed_out() => {
                    with(JobPhase::Failed, &format!("timed out after {timeout}"))
                }
                TaskEnd::Cancelled { had_started: false } if self.has_timed_out() => {
                    with(JobPhase::Error, &format!("its pod did not start within {timeout}"))
                }
                TaskEnd::Cancelled { .. } => with(JobPhase::Cancelled, &cancel_message(self.job)),
                TaskEnd::Conflict(detail) => with(JobPhase::Failed, &conflict_message(detail)),
                TaskEnd::Superseded(detail) => with(JobPhase::Cancelled, &superseded_message(detail)),
                TaskEnd::Error { message, .. } => with(JobPhase::Error, message),
            },
        }
    }

    /// The job never came to an end, and never will.
    fn never_started(&self, entry: &JobSpec, task_run: Option<&TaskRun>, state: &TaskState) -> JobStatus {
        let with = |phase, message: &str| job_status(&entry.name, phase, Some(message));
        match self.not_checked_out() {
            // The code can't be merged for this job either.
            Some(TaskEnd::Conflict(detail)) if !entry.skip_checkout => {
                return with(JobPhase::Failed, &conflict_message(detail));
            }
            Some(TaskEnd::Superseded(detail)) => {
                return with(JobPhase::Cancelled, &superseded_message(detail));
            }
            _ => (),
        }
        if let Some(failed) = self.cause_before(entry) {
            return with(JobPhase::NotRun, &format!("{failed} failed"));
        }
        if self.has_timed_out() {
            let timeout = self.job.timeout();
            return match (waits_for(state), task_run) {
                (Some(cause), _) => with(
                    JobPhase::Error,
                    &format!("its pod did not start within {timeout}: {}", cause.message),
                ),
                (None, Some(_)) => with(JobPhase::Error, &format!("its pod did not start within {timeout}")),
                (None, None) => with(JobPhase::NotRun, &format!("the run timed out after {timeout}")),
            };
        }
        match self.ended() {
            Some(ended) if is_cancelled(ended) => with(JobPhase::Cancelled, &cancel_message(self.job)),
            ended => match (self.any_cause(), ended) {
                (Some(failed), _) => with(JobPhase::NotRun, &format!("{failed} failed")),
                (None, Some(ended)) => with(JobPhase::Error, &ended.message),
                (None, None) => job_status(&entry.name, JobPhase::Error, None),
            },
        }
    }

    /// The job whose failure keeps this one from running: one that it comes after, near or far.
    fn cause_before(&self, entry: &JobSpec) -> Option<&JobName> {
        let mut seen: Vec<&JobName> = Vec::new();
        let mut next: Vec<&JobName> = entry.after.iter().collect();
        while let Some(name) = next.pop() {
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            if let Some((before, _, state)) = self.states.iter().find(|(entry, ..)| entry.name == *name) {
                if has_failed(state) {
                    return Some(&before.name);
                }
                next.extend(&before.after);
            }
        }
        None
    }

    /// Any job that failed. A pipeline whose task failed starts no further task.
    fn any_cause(&self) -> Option<&JobName> {
        self.states.iter().find(|(.., state)| has_failed(state)).map(|(entry, ..)| &entry.name)
    }

    /// The run's verdict follows from the jobs, so that it holds whatever Tekton makes of optional ones.
    fn verdict(&self, status: &IntegrationJobStatus) -> Verdict {
        match self.not_checked_out() {
            Some(TaskEnd::Conflict(detail)) => {
                return Verdict::new(Phase::Failed, "MergeConflict", conflict_message(detail));
            }
            Some(TaskEnd::Superseded(detail)) => {
                return Verdict::new(Phase::Cancelled, "Superseded", superseded_message(detail));
            }
            _ => (),
        }
        if let Some(verdict) = self.timed_out(status) {
            return verdict;
        }
        let jobs = &status.jobs;
        let counted = || self.states.iter().zip(jobs).filter(|((entry, ..), _)| !entry.optional);
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
                TaskState::Ended(TaskEnd::Error { reason, message }) => Some((&**reason, &**message)),
                _ => None,
            });
            let of_run = self.ended().map(|ended| (&*ended.reason, &*ended.message));
            let (reason, message) = of_task.or(of_run).unwrap_or_default();
            return Verdict::new(Phase::Error, reason, format!("could not be run: {names}: {message}"));
        }
        if named(JobPhase::Cancelled).is_some() {
            let cancel = self.job.spec.cancel.as_ref();
            let reason = cancel.map_or("PipelineRunCancelled", |cancel| cancel.reason.as_str());
            return Verdict::new(Phase::Cancelled, reason, cancel_message(self.job));
        }
        if let Some(names) = named(JobPhase::NotRun) {
            return Verdict::new(Phase::Failed, "JobNotRun", format!("not run: {names}"));
        }
        Verdict::new(Phase::Succeeded, "Succeeded", "")
    }

    /// The verdict of a run that was stopped because its time is over; `None` when all its jobs had ended before. Only a
    /// job that ran makes it a failure.
    fn timed_out(&self, status: &IntegrationJobStatus) -> Option<Verdict> {
        let was_stopped = |(.., state): &State<'_>| !matches!(state, TaskState::Ended(end) if !matches!(end, TaskEnd::Cancelled { .. }));
        let stopped = || self.states.iter().zip(&status.jobs).filter(|(state, _)| was_stopped(state));
        if !self.has_timed_out() || stopped().next().is_none() {
            return None;
        }
        let timeout = self.job.timeout();
        let mut all = self.states.iter().zip(&status.jobs);
        if all.any(|(s, job)| job.phase == JobPhase::Failed && (!s.0.optional || was_stopped(s))) {
            let message = format!("the run timed out after {timeout}");
            return Some(Verdict::new(Phase::Failed, "TimedOut", message));
        }
        let cause = stopped().find_map(|((.., state), _)| waits_for(state)).cloned();
        let (reason, said) = match cause.or_else(|| limit::cause(status)) {
            Some(cause) => (cause.reason, format!(": {}", cause.message)),
            None if stopped().any(|((.., state), _)| *state == TaskState::CheckingOut) => {
                ("CheckoutTimedOut".to_owned(), ": the checkout did not end".to_owned())
            }
            None => ("TimedOut".to_owned(), String::new()),
        };
        let message = format!("the run could not be carried out within {timeout}{said}");
        Some(Verdict::new(Phase::Error, &reason, message))
    }

    /// What kept the code from being checked out, for every job alike.
    fn not_checked_out(&self) -> Option<&TaskEnd> {
        self.states.iter().find_map(|(_, _, state)| match state {
            TaskState::Ended(end @ (TaskEnd::Conflict(_) | TaskEnd::Superseded(_))) => Some(end),
            _ => None,
        })
    }
}

/// Tekton's reason of a run that reached its time limit.
const RUN_TIMED_OUT: &str = "PipelineRunTimeout";
/// Tekton's reason of a run that starts no further task, because one failed.
const RUN_STOPPING: &str = "PipelineRunStopping";

fn has_failed(state: &TaskState) -> bool {
    matches!(state, TaskState::Ended(end) if *end != TaskEnd::Succeeded)
}

fn is_cancelled(ended: &RunCondition) -> bool {
    matches!(ended.reason.as_str(), "Cancelled" | "CancelledRunningFinally" | "StoppedRunningFinally")
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
