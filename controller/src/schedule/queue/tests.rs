use serde_json::json;

use super::*;
use crate::job::fixture::pull_request;

type Slots = Caps<fn(&IntegrationJob) -> u32>;

fn caps(cluster: u32) -> Slots {
    Caps { cluster, namespace: 9, repository: |_| 9 }
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

fn next(queue: &mut Queue, caps: &Slots, now: Instant) -> Vec<(Need, String)> {
    queue.next(caps, now).into_iter().map(|(need, job)| (need, job.name_any())).collect()
}

fn at(now: Instant) -> Moment {
    Moment { now, time: "2026-01-01T00:10:00Z".parse().expect("a time"), jitter: 0.0 }
}

fn start(name: &str) -> (Need, String) {
    (Need::Start, name.to_owned())
}

#[test]
fn a_start_keeps_its_slot_until_the_store_shows_it() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("a")]);
    // The store lags: neither the answer nor an older state of the job gives the slot away.
    queue.done(&job("a", "1"), Done::Written, at(now));
    queue.apply(Arc::new(job("a", "1")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), []);
    queue.apply(Arc::new(in_phase(job("a", "3"), Phase::Running)), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), []);
    assert_eq!(queue.occupation(), (1, 1));
    queue.apply(Arc::new(in_phase(job("a", "4"), Phase::Succeeded)), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("b")]);
}

#[test]
fn a_deleted_run_gives_its_slot_back() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(in_phase(job("a", "1"), Phase::Running)), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), []);
    queue.delete(&Key::of(&job("a", "1")));
    assert_eq!(next(&mut queue, &caps(1), now), [start("b")]);
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
    let expected = [(Need::Cancel, "cancelled"), (Need::Nothing, "empty"), (Need::Approval, "waits")]
        .map(|(need, name)| (need, name.to_owned()));
    assert_eq!(next(&mut queue, &caps(0), now), expected);
    assert_eq!(next(&mut queue, &caps(0), now), [], "all are in hand");

    let condition = json!({
        "type": "Succeeded", "status": "Unknown", "reason": "AwaitingApproval", "message": "", "lastTransitionTime": "",
    });
    waits.status.get_or_insert_default().conditions =
        vec![serde_json::from_value(condition).expect("a condition")];
    queue.apply(Arc::new(waits.clone()), at(now));
    assert_eq!(next(&mut queue, &caps(9), now), [], "it says so already, and never starts");
    waits.spec.approved = serde_json::from_value(json!({"id": 5, "author": "dora"})).expect("an approval");
    queue.apply(Arc::new(waits), at(now));
    assert_eq!(next(&mut queue, &caps(9), now), [], "whoever may write runs can write that, too");
}

#[test]
fn a_failed_start_gives_its_slot_to_the_next_and_comes_again() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("a")]);
    queue.done(&job("a", "1"), Done::Retry(None), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("b")]);
    queue.apply(Arc::new(in_phase(job("b", "2"), Phase::Failed)), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), []);
    // Its own condition comes back by the watch; that is no reason to hurry.
    queue.apply(Arc::new(job("a", "2")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), []);
    let again = queue.wake_at(now).expect("a delay");
    assert_eq!(again, now + Duration::from_secs(2));
    assert_eq!(next(&mut queue, &caps(1), again), [start("a")]);
    queue.done(&job("a", "2"), Done::Retry(None), at(again));
    assert_eq!(queue.wake_at(again), Some(again + Duration::from_secs(4)));
}

#[test]
fn an_outdated_object_waits_for_its_news() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    next(&mut queue, &caps(1), now);
    queue.done(&job("a", "1"), Done::Outdated, at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [], "it would conflict again");
    queue.apply(Arc::new(job("a", "2")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("a")]);
    // Now the news comes before the answer.
    queue.apply(Arc::new(job("a", "3")), at(now));
    queue.done(&job("a", "2"), Done::Outdated, at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("a")]);
}

#[test]
fn a_slot_that_the_job_loop_gives_back_goes_to_the_next_and_each_try_waits_longer() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    queue.apply(Arc::new(job("b", "1")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("a")]);
    queue.done(&job("a", "1"), Done::Written, at(now));
    queue.apply(Arc::new(in_phase(job("a", "2"), Phase::Running)), at(now));
    queue.apply(Arc::new(job("a", "3")), at(now));
    assert_eq!(queue.occupation(), (2, 0));
    assert_eq!(next(&mut queue, &caps(1), now), [start("b")]);
    queue.apply(Arc::new(in_phase(job("b", "2"), Phase::Succeeded)), at(now));

    let again = now + Duration::from_secs(2);
    assert_eq!(queue.wake_at(now), Some(again));
    assert_eq!(next(&mut queue, &caps(1), again), [start("a")]);
    // Now the watch shows no more than the end of it, before the answer or after.
    queue.apply(Arc::new(job("a", "5")), at(again));
    assert_eq!(next(&mut queue, &caps(1), again), []);
    queue.done(&job("a", "3"), Done::Written, at(again));
    let third = again + Duration::from_secs(4);
    assert_eq!(queue.wake_at(again), Some(third));
    assert_eq!(next(&mut queue, &caps(1), third), [start("a")]);
    queue.done(&job("a", "5"), Done::Written, at(third));
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
    assert_eq!(next(&mut queue, &caps(1), now), [start("a")]);
    queue.done(&job("a", "1"), Done::Retry(Some(Duration::from_mins(9))), at(now));
    let last = now + Duration::from_secs(1) + Duration::from_millis(10);
    assert_eq!(queue.wake_at(now), Some(last));
    // While others have all the slots, nobody knows whether it could start.
    assert_eq!(next(&mut queue, &caps(0), last), []);
    assert_eq!(next(&mut queue, &caps(1), last), [start("a")]);
    // An end that could not be written waits as usual.
    queue.apply(Arc::new(failing("2", "2025-12-31T23:09:59Z")), at(last));
    queue.done(&job("a", "2"), Done::Retry(None), at(last));
    assert_eq!(next(&mut queue, &caps(1), last), []);
}

#[test]
fn a_delayed_start_holds_up_neither_its_cancellation_nor_its_end() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.apply(Arc::new(job("a", "1")), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [start("a")]);
    queue.done(&job("a", "1"), Done::Retry(None), at(now));
    let mut cancelled = job("a", "2");
    cancelled.spec.cancel =
        serde_json::from_value(json!({"reason": "Superseded", "message": "superseded"})).expect("a cancel");
    queue.apply(Arc::new(cancelled), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), [(Need::Cancel, "a".to_owned())]);
    // An end that could not be written does wait.
    queue.done(&job("a", "2"), Done::Retry(None), at(now));
    assert_eq!(next(&mut queue, &caps(1), now), []);
}
