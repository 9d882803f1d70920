//! What the host should be told about an `IntegrationJob`. Pure.

use k8s_openapi::jiff::Timestamp;
use tidegate_model::{CommitSha, CommitStatus, StatusState};
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, JobStatus, Phase, ReportedStatus};

use crate::schedule::Key;

/// What a status says that a person has to end by approving. The time it was shown at decides what a bare `/ok-to-test` meant.
pub const WAITS_FOR_APPROVAL: &str = "waits for /ok-to-test by someone with write permission";

/// What the host should be told under one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// `tidegate/<config>/<job>`
    pub context: String,
    /// What is to be said.
    pub status: ReportedStatus,
    /// Whether it is likely to change at once, so that a moment's wait saves a write.
    pub is_fleeting: bool,
}

/// The commit that is judged: the head of the pull request, or what was pushed.
pub fn judged_commit(job: &IntegrationJob) -> Option<&CommitSha> {
    match job.spec.pulls.as_slice() {
        [] => job.spec.base.sha.as_ref(),
        [pull] => Some(&pull.sha),
        // A run of several pull requests together says nothing about one alone.
        _ => None,
    }
}

/// Where a status links to: the job's page (`crate::web`), below the address that people reach this controller at.
pub fn page_url(base: &str, job: &Key) -> String {
    format!("{base}/runs/{}/{}", job.namespace, job.name)
}

/// What the host should be told, one entry a job.
pub fn plan(job: &IntegrationJob) -> Vec<Desired> {
    let context = |name| format!("tidegate/{}/{name}", job.spec.config.name);
    let unset = IntegrationJobStatus::default();
    let status = job.status.as_ref().unwrap_or(&unset);
    let jobs = job.spec.jobs.iter().map(|entry| {
        let entry_status = status.jobs.iter().find(|entry_status| entry_status.name == entry.name);
        let (state, description) = match entry_status {
            Some(entry_status) => of_job(entry_status),
            None => of_run(job, status.phase),
        };
        Desired {
            context: context(&entry.name),
            status: reported(state, &description),
            is_fleeting: match entry_status {
                Some(entry_status) => entry_status.phase == JobPhase::Pending,
                None => status.phase == Phase::Queued && !job.spec.lacks_approval(),
            },
        }
    });
    let skipped = job.spec.skipped.iter().map(|skipped| Desired {
        context: context(&skipped.name),
        status: if skipped.undecided {
            reported(StatusState::Pending, &format!("skipped by {}; comment /test", skipped.reason))
        } else {
            reported(StatusState::Success, &format!("skipped: {}", skipped.reason))
        },
        is_fleeting: false,
    });
    jobs.chain(skipped).collect()
}

/// Before the run has its slot no job has a state of its own.
fn of_run(job: &IntegrationJob, phase: Phase) -> (StatusState, String) {
    match phase {
        Phase::Queued if job.spec.lacks_approval() => (StatusState::Pending, WAITS_FOR_APPROVAL.to_owned()),
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

fn reported(state: StatusState, description: &str) -> ReportedStatus {
    let mut text: String = description.chars().take(CommitStatus::MAX_DESCRIPTION).collect();
    if text.len() < description.len() {
        text.pop();
        text.push('…');
    }
    ReportedStatus { state, description: text }
}

#[cfg(test)]
mod tests;
