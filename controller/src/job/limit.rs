//! How long a run may take, and how long what keeps it from starting may last. Pure.
//!
//! One condition holds the time of both, so that a restart changes nothing: `Started` is False since the first failed start,
//! or, once the `PipelineRun` exists, since the first failed placement; and True since the first pod of the run has started.
//! Either way the run's timeout counts from then.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tidegate_resources::{
    Condition, ConditionStatus, IntegrationJob, IntegrationJobStatus, JobPhase, Phase, set_condition,
};

use super::{
    status::{self, Verdict, job_status, rfc3339},
    waiting::Cause,
};

/// The condition that says whether a pod of the run has started.
pub const STARTED: &str = "Started";

/// A pod of the run has started: from now on the run's timeout counts. Later news change nothing.
pub fn started(status: &mut IntegrationJobStatus, now: Timestamp) {
    if !has_started(status) {
        enter(status, ConditionStatus::True, &Cause::new("PodStarted", ""), now);
    }
}

/// The run can't start, or no place is found for its first pod. The time of the first such news stays.
pub fn failing(status: &mut IntegrationJobStatus, cause: &Cause, now: Timestamp) {
    if !has_started(status) {
        enter(status, ConditionStatus::False, cause, now);
    }
}

/// The `PipelineRun` exists: what kept it from being made counts no more.
pub fn created(status: &mut IntegrationJobStatus) {
    if !has_started(status) {
        status.conditions.retain(|condition| condition.type_ != STARTED);
    }
}

/// Whether a pod of the run has started.
pub fn has_started(status: &IntegrationJobStatus) -> bool {
    condition(status).is_some_and(|condition| condition.status == ConditionStatus::True)
}

/// Why the run could not start so far.
pub fn cause(status: &IntegrationJobStatus) -> Option<Cause> {
    let condition = condition(status).filter(|condition| condition.status == ConditionStatus::False)?;
    Some(Cause::new(&condition.reason, &*condition.message))
}

/// When the time of a run is over. `None` while nothing of it has started and nothing keeps it from that.
pub fn deadline(job: &IntegrationJob, status: &IntegrationJobStatus) -> Option<Timestamp> {
    after(job, condition(status)?.last_transition_time.parse().ok()?)
}

/// The run's timeout after a time.
pub fn after(job: &IntegrationJob, since: Timestamp) -> Option<Timestamp> {
    since.checked_add(SignedDuration::try_from(job.timeout().as_duration()).ok()?).ok()
}

/// A pod that has begun to start then, and that names no cause, has not started for the time of the run.
pub fn stuck(job: &IntegrationJob, status: &mut IntegrationJobStatus, since: Timestamp, now: Timestamp) {
    if condition(status).is_none() && after(job, since).is_some_and(|deadline| deadline <= now) {
        failing(status, &Cause::new("PodPending", "its pod does not start"), since);
    }
}

/// The status of a run whose start failed, and that has no `PipelineRun`: it waits without a slot, and its jobs say why.
/// When its time is over, it ends as an error.
pub fn held(job: &IntegrationJob, cause: &Cause, now: Timestamp) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    failing(&mut status, cause, now);
    if deadline(job, &status).is_some_and(|deadline| deadline <= now) {
        return given_up(job, cause, now);
    }
    status.base_sha = None;
    status.started_at = None;
    let message = format!("can't start: {}", cause.message);
    let jobs = job.spec.jobs.iter();
    status.jobs = jobs.map(|entry| job_status(&entry.name, JobPhase::Pending, Some(&message))).collect();
    Verdict::new(Phase::Queued, &cause.reason, &*cause.message).enter(&mut status, now);
    status
}

/// The status of a run that could not start within its time.
fn given_up(job: &IntegrationJob, cause: &Cause, now: Timestamp) -> IntegrationJobStatus {
    let message = format!("{} (tried for {})", cause.message, job.timeout());
    let verdict = Verdict::new(Phase::Error, &cause.reason, &*message);
    status::finished_without_run(job, verdict, JobPhase::Error, &message, now)
}

fn condition(status: &IntegrationJobStatus) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.type_ == STARTED)
}

fn enter(status: &mut IntegrationJobStatus, new: ConditionStatus, cause: &Cause, now: Timestamp) {
    let condition = Condition {
        type_: STARTED.to_owned(),
        status: new,
        reason: cause.reason.chars().take(64).collect(),
        message: cause.message.clone(),
        last_transition_time: rfc3339(now),
        observed_generation: None,
    };
    set_condition(&mut status.conditions, condition);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::job::fixture::pull_request;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().expect("a time")
    }

    fn queued() -> IntegrationJob {
        pull_request(&json!([{"name": "a"}, {"name": "b"}]), &json!({}))
    }

    #[test]
    fn a_failed_start_gives_its_slot_back_and_says_why() {
        let mut job = queued();
        let forbidden = Cause::new("StartRefused", "exceeded quota: small");
        let first = held(&job, &forbidden, at("00:00:00"));
        assert_eq!((first.phase, first.started_at.as_ref()), (Phase::Queued, None));
        let messages: Vec<_> = first.jobs.iter().map(|job| (job.phase, job.message.as_deref())).collect();
        assert_eq!(messages, [(JobPhase::Pending, Some("can't start: exceeded quota: small")); 2]);
        assert_eq!(cause(&first), Some(forbidden));

        // Another cause doesn't begin the time again.
        job.status = Some(first);
        let second = held(&job, &Cause::new("SecretMissing", "Secret git does not exist"), at("00:59:59"));
        assert_eq!(deadline(&job, &second), Some(at("01:00:00")));
        assert_eq!(
            second.conditions.iter().find(|c| c.type_ == "Succeeded").map(|c| &*c.reason),
            Some("SecretMissing")
        );
    }

    #[test]
    fn a_start_that_fails_for_the_time_of_the_run_ends_as_an_error() {
        let mut job = queued();
        let missing = Cause::new("SecretMissing", "Secret git does not exist");
        job.status = Some(held(&job, &missing, at("00:00:00")));
        let ended = held(&job, &missing, at("01:00:00"));
        assert_eq!(ended.phase, Phase::Error);
        for entry in &ended.jobs {
            assert_eq!(entry.phase, JobPhase::Error);
            assert_eq!(entry.message.as_deref(), Some("Secret git does not exist (tried for 1h)"));
        }
    }

    #[test]
    fn a_start_that_worked_ends_the_time_of_those_that_failed() {
        let mut job = queued();
        job.status = Some(held(&job, &Cause::new("HostUnreachable", "no answer"), at("00:00:00")));
        let mut status = job.status.clone().expect("a status");
        created(&mut status);
        assert_eq!(deadline(&job, &status), None);
        failing(&mut status, &Cause::new("Unschedulable", "no node"), at("00:30:00"));
        assert_eq!(deadline(&job, &status), Some(at("01:30:00")));
    }

    #[test]
    fn the_time_of_a_run_counts_from_its_first_pod() {
        let job = queued();
        let mut status = IntegrationJobStatus::default();
        assert_eq!(deadline(&job, &status), None, "a run that waits for a slot has all the time");
        stuck(&job, &mut status, at("00:00:00"), at("00:59:59"));
        assert_eq!(deadline(&job, &status), None);
        let mut silent = status.clone();
        stuck(&job, &mut silent, at("00:00:00"), at("01:00:00"));
        assert_eq!(deadline(&job, &silent), Some(at("01:00:00")));
        failing(&mut status, &Cause::new("Unschedulable", "no node"), at("00:10:00"));
        assert_eq!(deadline(&job, &status), Some(at("01:10:00")));
        started(&mut status, at("00:30:00"));
        assert_eq!(deadline(&job, &status), Some(at("01:30:00")));
        // A later pod that finds no place has no time of its own.
        failing(&mut status, &Cause::new("Unschedulable", "no node"), at("00:40:00"));
        started(&mut status, at("00:50:00"));
        assert_eq!(deadline(&job, &status), Some(at("01:30:00")));
        assert_eq!(cause(&status), None);
    }
}
