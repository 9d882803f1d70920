use tidegate_model::{Host, SecretKeyRef, StatusState};

use super::*;

fn credential(name: &str) -> CredentialKey {
    CredentialKey {
        namespace: "ci".to_owned(),
        host: Host::Gitea,
        api_url: "https://git.example.com".to_owned(),
        secret: SecretKeyRef { name: name.to_owned(), key: "token".to_owned() },
    }
}

fn due(config: &str, job: &str, state: StatusState) -> Due {
    Due {
        target: Target {
            config: Key::new("ci", config),
            sha: "a".repeat(40).parse().expect("commit SHA"),
            context: Context::Job(job.parse().expect("a job's name")),
        },
        status: StatusContent { state, description: format!("{state:?}") },
        run: None,
    }
}

fn job(due: Due) -> String {
    match due.target.context {
        Context::Job(name) => name.to_string(),
        Context::Config => String::new(),
    }
}

fn failed(retry_after: Option<u64>) -> Sent {
    Sent::Failed { retry_after: retry_after.map(Duration::from_secs) }
}

#[test]
fn one_write_of_a_status_is_in_flight_and_the_newest_pending_one_follows() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    let [running, failure, success] = [StatusState::Pending, StatusState::Failure, StatusState::Success]
        .map(|state| due("a", "unit", state));
    outbox.enqueue(running.clone(), credential("w"), false, now);
    assert_eq!(outbox.next(&mut budgets, now), Some(running.clone()));
    outbox.enqueue(failure, credential("w"), false, now);
    outbox.enqueue(success.clone(), credential("w"), false, now);
    assert_eq!(outbox.next(&mut budgets, now), None);
    assert_eq!(outbox.sent(&running, Sent::Taken, &mut budgets, now, 0.0), WriteResult::Taken);
    assert_eq!(outbox.next(&mut budgets, now), Some(success.clone()), "what was in between is never sent");
    assert_eq!(outbox.sent(&success, Sent::Taken, &mut budgets, now, 0.0), WriteResult::Taken);
    assert_eq!((outbox.next(&mut budgets, now), outbox.wake_at(&budgets)), (None, None));
}

#[test]
fn verdicts_go_before_news() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    outbox.enqueue(due("a", "one", StatusState::Pending), credential("w"), false, now);
    outbox.enqueue(due("a", "two", StatusState::Success), credential("w"), false, now);
    outbox.enqueue(due("a", "three", StatusState::Failure), credential("w"), false, now);
    let order: Vec<String> = std::iter::from_fn(|| outbox.next(&mut budgets, now)).map(job).collect();
    assert_eq!(order, ["two", "three", "one"]);
}

#[test]
fn an_empty_budget_delays_only_its_own_credential() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(1));
    for context in ["one", "two"] {
        outbox.enqueue(due("a", context, StatusState::Success), credential("poor"), false, now);
    }
    assert!(outbox.next(&mut budgets, now).is_some());
    assert_eq!(outbox.next(&mut budgets, now), None);
    outbox.enqueue(due("b", "three", StatusState::Success), credential("other"), false, now);
    assert_eq!(outbox.next(&mut budgets, now).map(job).as_deref(), Some("three"));
    let wake = outbox.wake_at(&budgets).expect("the budget fills");
    assert!(wake > now);
    assert_eq!(outbox.next(&mut budgets, wake).map(job).as_deref(), Some("two"));
}

#[test]
fn few_writes_of_one_credential_are_in_flight_at_once() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(6000));
    let all: Vec<Due> = (0..9).map(|index| due("a", &format!("job-{index}"), StatusState::Success)).collect();
    for due in &all {
        outbox.enqueue(due.clone(), credential("w"), false, now);
    }
    let sent: Vec<Due> = std::iter::from_fn(|| outbox.next(&mut budgets, now)).collect();
    assert_eq!(sent.len(), IN_FLIGHT_PER_CREDENTIAL);
    assert_eq!(outbox.wake_at(&budgets), None, "a result wakes it, not time");
    outbox.sent(&sent[0], Sent::Taken, &mut budgets, now, 0.0);
    assert!(outbox.next(&mut budgets, now).is_some());
}

#[test]
fn nothing_is_sent_in_the_pause_that_a_host_asks_for() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    let [one, two] = ["one", "two"].map(|context| due("a", context, StatusState::Success));
    outbox.enqueue(one.clone(), credential("w"), false, now);
    outbox.enqueue(two, credential("w"), false, now);
    assert_eq!(outbox.next(&mut budgets, now), Some(one.clone()));
    assert_eq!(outbox.sent(&one, failed(Some(30)), &mut budgets, now, 0.0), WriteResult::Later);
    assert_eq!(outbox.next(&mut budgets, now + Duration::from_secs(29)), None);
    assert_eq!(outbox.wake_at(&budgets), Some(now + Duration::from_secs(30)));
    assert!(outbox.next(&mut budgets, now + Duration::from_secs(30)).is_some());
}

#[test]
fn a_failure_without_a_retry_after_delays_only_its_own_status() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    let [one, two] = ["one", "two"].map(|context| due("a", context, StatusState::Success));
    outbox.enqueue(one.clone(), credential("w"), false, now);
    outbox.enqueue(two.clone(), credential("w"), false, now);
    assert_eq!(outbox.next(&mut budgets, now), Some(one.clone()));
    outbox.sent(&one, failed(None), &mut budgets, now, 0.0);
    assert_eq!(outbox.next(&mut budgets, now), Some(two));
    let mut at = now;
    for seconds in [2, 4, 8] {
        let wake = at + Duration::from_secs(seconds);
        assert_eq!(outbox.next(&mut budgets, wake.checked_sub(Duration::from_millis(1)).unwrap()), None);
        assert_eq!(outbox.next(&mut budgets, wake), Some(one.clone()));
        outbox.sent(&one, failed(None), &mut budgets, wake, 0.0);
        at = wake;
    }
}

#[test]
fn a_status_that_fails_for_days_is_tried_every_ten_minutes_until_it_is_accepted() {
    let mut now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    let one = due("a", "one", StatusState::Failure);
    outbox.enqueue(one.clone(), credential("w"), false, now);
    for _ in 0..500 {
        assert_eq!(outbox.next(&mut budgets, now), Some(one.clone()));
        assert_eq!(outbox.sent(&one, failed(None), &mut budgets, now, 0.0), WriteResult::Later);
        let wake = outbox.wake_at(&budgets).expect("it is tried again");
        assert!(wake - now <= Duration::from_mins(10));
        now = wake;
    }
    assert_eq!(outbox.next(&mut budgets, now), Some(one.clone()));
    assert_eq!(outbox.sent(&one, Sent::Taken, &mut budgets, now, 0.0), WriteResult::Taken);
    assert_eq!(outbox.wake_at(&budgets), None);
}

#[test]
fn the_pause_that_a_host_asks_for_is_at_most_an_hour() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    let one = due("a", "one", StatusState::Failure);
    outbox.enqueue(one.clone(), credential("w"), false, now);
    assert_eq!(outbox.next(&mut budgets, now), Some(one.clone()));
    outbox.sent(&one, failed(Some(100_000_000)), &mut budgets, now, 0.0);
    assert_eq!(outbox.wake_at(&budgets), Some(now + Duration::from_hours(1)));
}

#[test]
fn a_debounced_status_waits_a_moment() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    outbox.enqueue(due("a", "one", StatusState::Pending), credential("w"), true, now);
    assert_eq!(outbox.next(&mut budgets, now), None);
    let wake = outbox.wake_at(&budgets).expect("it becomes due");
    assert!(wake <= now + Duration::from_millis(100));
    assert!(outbox.next(&mut budgets, wake).is_some());
}

#[test]
fn a_status_of_a_deleted_config_is_not_sent() {
    let now = Instant::now();
    let (mut outbox, mut budgets) = (Outbox::default(), Budgets::per_minute(600));
    let [one, two] = ["one", "two"].map(|context| due("a", context, StatusState::Success));
    outbox.enqueue(one.clone(), credential("w"), false, now);
    assert_eq!(outbox.next(&mut budgets, now), Some(one.clone()));
    outbox.enqueue(two.clone(), credential("w"), false, now);
    outbox.forget(&one.target.config);
    assert_eq!(outbox.next(&mut budgets, now), None);
    assert_eq!(outbox.sent(&one, Sent::Taken, &mut budgets, now, 0.0), WriteResult::Taken);
}
