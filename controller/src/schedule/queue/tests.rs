use serde_json::json;

use super::*;
use crate::job::fixture::pull_request;

type Slots = SlotLimits<fn(&IntegrationJob) -> u32>;

fn limits(cluster: u32) -> Slots {
    SlotLimits { cluster, namespace: 9, repository: |_| 9 }
}

fn job(name: &str, version: &str) -> IntegrationJob {
    let mut job = pull_request(&json!([{"name": "unit"}]), &json!({}));
    job.metadata.name = Some(name.to_owned());
    job.metadata.resource_version = Some(version.to_owned());
    job
}

fn in_phase(mut job: IntegrationJob, phase: Phase) -> IntegrationJob {
    job.status.get_or_insert_default().phase = phase;
    job
}

fn next(queue: &mut Queue, limits: &Slots, now: Instant) -> Vec<(Step, String)> {
    queue.next(limits, now).into_iter().map(|(step, job)| (step, job.name_any())).collect()
}

fn at(now: Instant) -> Moment {
    Moment { now, time: "2026-01-01T00:10:00Z".parse().expect("a time"), jitter: 0.0 }
}

fn start(name: &str) -> (Step, String) {
    (Step::Start, name.to_owned())
}

#[test]
fn a_start_keeps_its_slot_until_the_store_shows_it() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("a")]);
    // The store lags: neither the result nor an older state of the run frees the slot.
    queue.done(&job("a", "1"), StepResult::Written, at(now));
    queue.apply(Arc::new(job("a", "1")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), []);
    queue.apply(Arc::new(in_phase(job("a", "3"), Phase::Running)), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), []);
    assert_eq!(queue.occupation(), (1, 1));
    queue.apply(Arc::new(in_phase(job("a", "4"), Phase::Succeeded)), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("b")]);
}

#[test]
fn a_deleted_run_gives_its_slot_back() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(in_phase(job("a", "1"), Phase::Running)), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), []);
    queue.delete(&Key::of(&job("a", "1")));
    assert_eq!(next(&mut queue, &limits(1), now), [start("b")]);
}

#[test]
fn approval_and_cancellation_need_no_slot() {
    let now = Instant::now();
    let mut queue = Queue::default();
    let mut waits = job("waits", "1");
    waits.spec.awaits_approval = true;
    let mut cancelled = job("cancelled", "1");
    cancelled.spec.cancel =
        serde_json::from_value(json!({"reason": "Superseded", "message": "superseded"})).expect("a cancel");
    let mut empty = job("empty", "1");
    empty.spec.jobs = Vec::new();
    for job in [waits.clone(), cancelled, empty] {
        queue.apply(Arc::new(job), at(now));
    }
    let expected = [(Step::Cancel, "cancelled"), (Step::Finish, "empty"), (Step::AwaitApproval, "waits")]
        .map(|(step, name)| (step, name.to_owned()));
    assert_eq!(next(&mut queue, &limits(0), now), expected);
    assert_eq!(next(&mut queue, &limits(0), now), [], "all are in flight");

    let condition = json!({
        "type": "Succeeded", "status": "Unknown", "reason": "AwaitingApproval", "message": "", "lastTransitionTime": "",
    });
    waits.status.get_or_insert_default().conditions =
        vec![serde_json::from_value(condition).expect("a condition")];
    queue.apply(Arc::new(waits.clone()), at(now));
    assert_eq!(next(&mut queue, &limits(9), now), [], "its condition is there already, and it never starts");
    waits.spec.approved = serde_json::from_value(json!({"id": 5, "author": "dora"})).expect("an approval");
    queue.apply(Arc::new(waits), at(now));
    assert_eq!(next(&mut queue, &limits(9), now), [], "a run's own spec is no proof of an approval");
}

#[test]
fn a_failed_start_frees_its_slot_and_is_retried_with_backoff() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("a")]);
    queue.done(&job("a", "1"), StepResult::Retry(None), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("b")]);
    queue.apply(Arc::new(in_phase(job("b", "2"), Phase::Failed)), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), []);
    // The watch shows its own condition: that doesn't end the delay.
    queue.apply(Arc::new(job("a", "2")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), []);
    let again = queue.wake_at(now).expect("a delay");
    assert_eq!(again, now + Duration::from_secs(2));
    assert_eq!(next(&mut queue, &limits(1), again), [start("a")]);
    queue.done(&job("a", "2"), StepResult::Retry(None), at(again));
    assert_eq!(queue.wake_at(again), Some(again + Duration::from_secs(4)));
}

#[test]
fn an_outdated_object_waits_for_the_change() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    next(&mut queue, &limits(1), now);
    queue.done(&job("a", "1"), StepResult::Outdated, at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [], "it would conflict again");
    queue.apply(Arc::new(job("a", "2")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("a")]);
    // Now the change comes before the result.
    queue.apply(Arc::new(job("a", "3")), at(now));
    queue.done(&job("a", "2"), StepResult::Outdated, at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("a")]);
}

#[test]
fn a_slot_that_the_job_loop_gives_back_goes_to_the_next_run_and_each_retry_waits_longer() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("a")]);
    queue.done(&job("a", "1"), StepResult::Written, at(now));
    queue.apply(Arc::new(in_phase(job("a", "2"), Phase::Running)), at(now));
    queue.apply(Arc::new(job("a", "3")), at(now));
    assert_eq!(queue.occupation(), (2, 0));
    assert_eq!(next(&mut queue, &limits(1), now), [start("b")]);
    queue.apply(Arc::new(in_phase(job("b", "2"), Phase::Succeeded)), at(now));

    let again = now + Duration::from_secs(2);
    assert_eq!(queue.wake_at(now), Some(again));
    assert_eq!(next(&mut queue, &limits(1), again), [start("a")]);
    // Now the watch shows only the returned slot, before the result or after.
    queue.apply(Arc::new(job("a", "5")), at(again));
    assert_eq!(next(&mut queue, &limits(1), again), []);
    queue.done(&job("a", "3"), StepResult::Written, at(again));
    let third = again + Duration::from_secs(4);
    assert_eq!(queue.wake_at(again), Some(third));
    assert_eq!(next(&mut queue, &limits(1), third), [start("a")]);
    queue.done(&job("a", "5"), StepResult::Written, at(third));
    queue.apply(Arc::new(job("a", "7")), at(third));
    assert_eq!(queue.wake_at(third), Some(third + Duration::from_secs(8)));
}

/// A job whose start fails since this time.
fn failing(version: &str, since: &str) -> IntegrationJob {
    let mut job = job("a", version);
    let cause = crate::job::waiting::Cause::new("StartRefused", "quota");
    limit::failing(job.status.get_or_insert_default(), &cause, since.parse().expect("a time"));
    job
}

#[test]
fn a_start_is_tried_a_last_time_when_the_time_of_its_run_is_over() {
    let now = Instant::now();
    let mut queue = Queue::default();
    // Its run may take an hour, of which a second is left.
    queue.apply(Arc::new(failing("1", "2025-12-31T23:10:01Z")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("a")]);
    queue.done(&job("a", "1"), StepResult::Retry(Some(Duration::from_mins(9))), at(now));
    let last = now + Duration::from_secs(1) + Duration::from_millis(10);
    assert_eq!(queue.wake_at(now), Some(last));
    // While other runs have all slots, it isn't tried.
    assert_eq!(next(&mut queue, &limits(0), last), []);
    assert_eq!(next(&mut queue, &limits(1), last), [start("a")]);
    // An end that could not be written waits as usual.
    queue.apply(Arc::new(failing("2", "2025-12-31T23:09:59Z")), at(last));
    queue.done(&job("a", "2"), StepResult::Retry(None), at(last));
    assert_eq!(next(&mut queue, &limits(1), last), []);
}

#[test]
fn a_delayed_start_delays_neither_its_cancellation_nor_its_end() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [start("a")]);
    queue.done(&job("a", "1"), StepResult::Retry(None), at(now));
    let mut cancelled = job("a", "2");
    cancelled.spec.cancel =
        serde_json::from_value(json!({"reason": "Superseded", "message": "superseded"})).expect("a cancel");
    queue.apply(Arc::new(cancelled), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), [(Step::Cancel, "a".to_owned())]);
    // An end that could not be written does wait.
    queue.done(&job("a", "2"), StepResult::Retry(None), at(now));
    assert_eq!(next(&mut queue, &limits(1), now), []);
}
