use proptest::prelude::*;

use super::*;

#[test]
fn no_minute_holds_more_writes_than_allowed() {
    let start = Instant::now();
    let mut budget = Budget::per_minute(180, start);
    let mut sent = Vec::new();
    for millisecond in 0..180_000 {
        let now = start + Duration::from_millis(millisecond);
        if budget.take(0.0, now) {
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
    assert_eq!(std::iter::repeat_with(|| budget.take(0.0, later)).take_while(|taken| *taken).count(), 60);
}

#[test]
fn an_empty_budget_says_when_it_will_allow_the_next_write() {
    let start = Instant::now();
    let mut budget = Budget::per_minute(1, start);
    assert!(budget.take(0.0, start));
    assert!(!budget.take(0.0, start));
    let next = budget.ready_at(0.0);
    assert!(next > start + Duration::from_secs(30));
    assert!(budget.take(0.0, next));
}

fn credential(name: &str) -> CredentialKey {
    CredentialKey {
        namespace: "ci".to_owned(),
        host: Host::Gitea,
        api_url: "https://git.example.com".to_owned(),
        secret: SecretKeyRef { name: name.to_owned(), key: "token".to_owned() },
    }
}

#[test]
fn statuses_leave_a_tenth_of_the_burst_to_answers_and_answers_take_no_more() {
    let (now, token) = (Instant::now(), credential("token"));
    let mut budgets = Budgets::per_minute(180);
    let mut count =
        |write| std::iter::repeat_with(|| budgets.take(&token, write, now)).take_while(Result::is_ok).count();
    assert_eq!((count(Write::Status), count(Write::Answer), count(Write::Status)), (54, 6, 0));
    let mut budgets = Budgets::per_minute(180);
    let mut count =
        |write| std::iter::repeat_with(|| budgets.take(&token, write, now)).take_while(Result::is_ok).count();
    assert_eq!((count(Write::Answer), count(Write::Status)), (6, 48), "300 comments hold up no status");
    let next = budgets.take(&token, Write::Answer, now).expect_err("the answers have used up their part");
    assert!(next > now);
    assert_eq!(budgets.take(&token, Write::Answer, next), Ok(()));
    assert_eq!(budgets.take(&credential("other"), Write::Status, now), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Ten minutes in which statuses and answers wait all the time, whoever asks first.
    #[test]
    fn statuses_go_first_and_answers_still_arrive(
        per_minute in 6_u32..600,
        answers_first in any::<bool>(),
        pause_ms in 100_u64..2000,
    ) {
        let (start, token) = (Instant::now(), credential("token"));
        let mut budgets = Budgets::per_minute(per_minute);
        let (mut statuses, mut answers) = (0_u32, 0_u32);
        for round in 0..600_000 / pause_ms {
            let now = start + Duration::from_millis(round * pause_ms);
            let order = if answers_first { [Write::Answer, Write::Status] } else { [Write::Status, Write::Answer] };
            for write in order {
                while budgets.take(&token, write, now).is_ok() {
                    match write {
                        Write::Status => statuses += 1,
                        Write::Answer => answers += 1,
                    }
                }
            }
        }
        let all = f64::from(statuses + answers);
        let share = f64::from(answers) / all;
        prop_assert!(share <= 0.12, "{answers} answers beside {statuses} statuses");
        prop_assert!(share >= 0.05, "{answers} answers beside {statuses} statuses");
        prop_assert!(all >= f64::from(per_minute) * 10.0 * 0.55, "{all} writes: what answers don't use, statuses do");
    }
}

#[test]
fn a_pause_applies_to_all_writes_of_a_credential() {
    let (now, token) = (Instant::now(), credential("token"));
    let until = now + Duration::from_secs(30);
    let mut budgets = Budgets::per_minute(180);
    budgets.pause(&token, until, now);
    budgets.pause(&token, now, now);
    for write in [Write::Status, Write::Answer] {
        assert_eq!(budgets.take(&token, write, now), Err(until));
        assert_eq!(budgets.ready_at(&token, write), Some(until));
        assert_eq!(budgets.take(&token, write, until), Ok(()));
    }
    assert_eq!(budgets.take(&credential("other"), Write::Answer, now), Ok(()));
}
