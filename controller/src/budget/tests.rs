use super::*;

#[test]
fn no_minute_holds_more_writes_than_allowed() {
    let start = Instant::now();
    let mut budget = Budget::per_minute(180, start);
    let mut sent = Vec::new();
    for millisecond in 0..180_000 {
        let now = start + Duration::from_millis(millisecond);
        if budget.take(Write::Answer, now) {
            sent.push(now);
        }
    }
    let minute = Duration::from_mins(1);
    let busiest =
        sent.iter().map(|from| sent.iter().filter(|at| *at >= from && **at < *from + minute).count()).max();
    assert!((175..=181).contains(&busiest.expect("some are sent")), "{busiest:?}");
    assert_eq!(sent.iter().filter(|at| **at == start).count(), 1, "one a call");
}

#[test]
fn unused_writes_of_a_budget_are_not_saved() {
    let start = Instant::now();
    let mut budget = Budget::per_minute(180, start);
    let later = start + Duration::from_hours(24);
    assert_eq!(
        std::iter::repeat_with(|| budget.take(Write::Answer, later)).take_while(|taken| *taken).count(),
        60
    );
}

#[test]
fn an_empty_budget_says_when_it_will_allow_the_next_write() {
    let start = Instant::now();
    let mut budget = Budget::per_minute(1, start);
    assert!(budget.take(Write::Answer, start));
    assert!(!budget.take(Write::Answer, start));
    let next = budget.ready_at(Write::Answer);
    assert!(next > start + Duration::from_secs(30));
    assert!(budget.take(Write::Answer, next));
}

fn writer(name: &str) -> Writer {
    Writer {
        namespace: "ci".to_owned(),
        host: Host::Gitea,
        api_url: "https://git.example.com".to_owned(),
        secret: SecretKeyRef { name: name.to_owned(), key: "token".to_owned() },
    }
}

#[test]
fn replies_and_statuses_share_a_budget_and_some_is_reserved_for_replies() {
    let (now, token) = (Instant::now(), writer("token"));
    let mut budgets = Budgets::per_minute(180);
    let mut count =
        |write| std::iter::repeat_with(|| budgets.take(&token, write, now)).take_while(Result::is_ok).count();
    assert_eq!((count(Write::Status), count(Write::Answer), count(Write::Status)), (54, 6, 0));
    let mut budgets = Budgets::per_minute(180);
    for _ in 0..60 {
        assert_eq!(budgets.take(&token, Write::Answer, now), Ok(()));
    }
    let next = budgets.take(&token, Write::Status, now).expect_err("the answers have used it up");
    assert!(next > now);
    assert_eq!(budgets.take(&token, Write::Status, next), Ok(()));
    assert_eq!(budgets.take(&writer("other"), Write::Status, now), Ok(()));
}

#[test]
fn a_pause_applies_to_all_writes_of_a_credential() {
    let (now, token) = (Instant::now(), writer("token"));
    let until = now + Duration::from_secs(30);
    let mut budgets = Budgets::per_minute(180);
    budgets.pause(&token, until, now);
    budgets.pause(&token, now, now);
    for write in [Write::Status, Write::Answer] {
        assert_eq!(budgets.take(&token, write, now), Err(until));
        assert_eq!(budgets.ready_at(&token, write), Some(until));
        assert_eq!(budgets.take(&token, write, until), Ok(()));
    }
    assert_eq!(budgets.take(&writer("other"), Write::Answer, now), Ok(()));
}
