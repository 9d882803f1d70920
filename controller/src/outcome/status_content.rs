//! What an `IntegrationJob` says about its jobs, for its page and for the ledger. Pure.

use k8s_openapi::jiff::Timestamp;
use tidegate_model::{CommitStatus, JobName, StatusState};
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, JobStatus, Phase};
use tidegate_rules::status::WAITS_FOR_APPROVAL;

use crate::key::Key;

/// A state, and one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusContent {
    /// The state.
    pub state: StatusState,
    /// One line for people, at most as long as every host shows it.
    pub description: String,
}

/// What a run says under one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// `tidegate/<config>/<job>`
    pub context: String,
    /// What it says.
    pub status: StatusContent,
}

/// Where a status links to: the job's page (`crate::web`), below the address that people reach this controller at.
pub fn page_url(base: &str, job: &Key) -> String {
    format!("{base}/runs/{}/{}", job.namespace, job.name)
}

/// What a run says, one entry a job.
pub fn plan(job: &IntegrationJob) -> Vec<Desired> {
    let context = |name| format!("tidegate/{}/{name}", job.spec.config.name);
    let jobs = job.spec.jobs.iter();
    let jobs =
        jobs.map(|entry| Desired { context: context(&entry.name), status: status_content(job, &entry.name) });
    let skipped = job.spec.skipped.iter().map(|skipped| Desired {
        context: context(&skipped.name),
        status: if skipped.undecided {
            bounded(StatusState::Pending, &format!("left out by {}; comment /test", skipped.reason))
        } else {
            bounded(StatusState::Success, &format!("skipped: {}", skipped.reason))
        },
    });
    jobs.chain(skipped).collect()
}

/// What a run says about one of its jobs.
pub fn status_content(job: &IntegrationJob, name: &JobName) -> StatusContent {
    let unset = IntegrationJobStatus::default();
    let status = job.status.as_ref().unwrap_or(&unset);
    let (state, description) = match status.jobs.iter().find(|entry| entry.name == *name) {
        Some(entry) => of_job(entry),
        None => of_run(job, status.phase),
    };
    bounded(state, &description)
}

/// Before the run has its slot no job has a state of its own.
fn of_run(job: &IntegrationJob, phase: Phase) -> (StatusState, String) {
    match phase {
        Phase::Queued if job.spec.awaits_approval => (StatusState::Pending, WAITS_FOR_APPROVAL.to_owned()),
        Phase::Queued | Phase::Running => (StatusState::Pending, "queued".to_owned()),
        Phase::Succeeded => (StatusState::Success, "nothing to run".to_owned()),
        Phase::Failed | Phase::Cancelled | Phase::Error => (StatusState::Error, "not run".to_owned()),
    }
}

fn of_job(job: &JobStatus) -> (StatusState, String) {
    let message = job.message.as_deref().unwrap_or_default();
    let with_message = |text: String| {
        if message.is_empty() { text } else { format!("{text}: {message}") }
    };
    match job.phase {
        JobPhase::Pending if !message.is_empty() => (StatusState::Pending, message.to_owned()),
        JobPhase::Pending => (StatusState::Pending, "waits for its turn".to_owned()),
        JobPhase::Running => (StatusState::Pending, "running".to_owned()),
        JobPhase::Succeeded => (StatusState::Success, format!("succeeded{}", duration(job))),
        // A conflict or a time limit is the whole story; an exit code is better with how long it took.
        JobPhase::Failed if job.started_at.is_none() || !message.starts_with("exit code") => {
            (StatusState::Failure, if message.is_empty() { "failed".to_owned() } else { message.to_owned() })
        }
        JobPhase::Failed => (StatusState::Failure, with_message(format!("failed{}", duration(job)))),
        // The code of this job was not judged, so it is no failure of it.
        JobPhase::NotRun => (StatusState::Error, with_message("not run".to_owned())),
        JobPhase::Cancelled => (StatusState::Error, with_message("cancelled".to_owned())),
        JobPhase::Error => (StatusState::Error, with_message("could not be run".to_owned())),
    }
}

/// How long the job took, like ` in 1m5s`; nothing when that is not known.
fn duration(job: &JobStatus) -> String {
    let time = |text: &Option<String>| text.as_deref()?.parse::<Timestamp>().ok();
    let (Some(start), Some(end)) = (time(&job.started_at), time(&job.completed_at)) else {
        return String::new();
    };
    let seconds = end.duration_since(start).as_secs().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => " in less than a second".to_owned(),
        (0, 0, seconds) => format!(" in {seconds}s"),
        (0, minutes, seconds) => format!(" in {minutes}m{seconds}s"),
        (hours, minutes, _) => format!(" in {hours}h{minutes}m"),
    }
}

fn bounded(state: StatusState, description: &str) -> StatusContent {
    let mut text: String = description.chars().take(CommitStatus::MAX_DESCRIPTION).collect();
    if text.len() < description.len() {
        text.pop();
        text.push('…');
    }
    StatusContent { state, description: text }
}

#[cfg(test)]
mod tests;
