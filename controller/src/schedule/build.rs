//! Build: the status of a run after a step. Pure.

use k8s_openapi::jiff::Timestamp;
use tidegate_model::JobName;
use tidegate_resources::{Cancel, IntegrationJob, IntegrationJobStatus, JobPhase, Phase};

use super::{dereference::Ready, queue::AWAITING_APPROVAL};
use crate::job::{
    dereference::DereferenceError,
    status::{self, SUCCEEDED, Verdict, finished_without_run},
};

/// The condition's message of a run whose head is not trusted.
const APPROVAL: &str = "waits for the approval of a person who may write";

/// The run starts.
pub fn started(job: &IntegrationJob, ready: Ready, now: Timestamp) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    status.base_sha = Some(ready.base);
    status.without_secrets = ready.is_denied_secrets;
    status.started_at = Some(status::rfc3339(now));
    // The last cause stays in the messages until a job has started: the next try may fail, too.
    let message = |name: &JobName| {
        let old = job.status.iter().flat_map(|status| &status.jobs).find(|entry| entry.name == *name);
        old.and_then(|entry| entry.message.as_deref())
    };
    status.jobs = job
        .spec
        .jobs
        .iter()
        .map(|entry| status::job_status(&entry.name, JobPhase::Pending, message(&entry.name)))
        .collect();
    Verdict::new(Phase::Running, "Running", "").enter(&mut status, now);
    status
}

/// The branch that it merges into does not exist.
pub fn base_missing(job: &IntegrationJob, now: Timestamp) -> IntegrationJobStatus {
    let message = format!("{} does not exist", job.spec.base.reference);
    let verdict = Verdict::new(Phase::Error, "BaseMissing", &*message);
    finished_without_run(job, verdict, JobPhase::Error, &message, now)
}

/// Its config is gone, or is for another repository: no other try can start it.
pub fn unstartable(job: &IntegrationJob, error: &DereferenceError, now: Timestamp) -> IntegrationJobStatus {
    let message = error.to_string();
    let verdict = Verdict::new(Phase::Error, error.reason(), &*message);
    finished_without_run(job, verdict, JobPhase::Error, &message, now)
}

/// It was cancelled before it had a slot.
pub fn cancelled(job: &IntegrationJob, cancel: &Cancel, now: Timestamp) -> IntegrationJobStatus {
    let verdict = Verdict::new(Phase::Cancelled, cancel.reason.as_str(), &*cancel.message);
    finished_without_run(job, verdict, JobPhase::Cancelled, &cancel.message, now)
}

/// It has no jobs.
pub fn nothing_to_run(job: &IntegrationJob, now: Timestamp) -> IntegrationJobStatus {
    let verdict = Verdict::new(Phase::Succeeded, "NothingToRun", "no job of the config runs this time");
    finished_without_run(job, verdict, JobPhase::Succeeded, "", now)
}

/// It stays queued, and its condition shows that it needs an approval.
pub fn awaits_approval(job: &IntegrationJob, now: Timestamp) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    let is_shown = status
        .conditions
        .iter()
        .any(|condition| condition.type_ == SUCCEEDED && condition.reason == AWAITING_APPROVAL);
    // The same reason is not written again at every try.
    if !is_shown {
        Verdict::new(Phase::Queued, AWAITING_APPROVAL, APPROVAL).enter(&mut status, now);
    }
    status
}
