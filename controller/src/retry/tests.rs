use proptest::prelude::*;

use super::*;

const WAITING: [WaitsFor; 3] = [WaitsFor::Person, WaitsFor::Host, WaitsFor::Cluster];

fn failure(waits_for: WaitsFor) -> Failure {
    Failure { waits_for, tries: 0, receives: 1, age: Duration::ZERO, retry_after: None }
}

fn is_given_up(failure: &Failure) -> bool {
    matches!(next(failure, 0.5), Next::GiveUp(_))
}

#[test]
fn a_failure_without_a_known_remedy_is_tried_a_few_times() {
    for tries in 1..MAX_TRIES {
        assert!(!is_given_up(&Failure { tries, ..failure(WaitsFor::MoreTries) }), "{tries}");
    }
    assert!(is_given_up(&Failure { tries: MAX_TRIES, ..failure(WaitsFor::MoreTries) }));
    assert!(is_given_up(&failure(WaitsFor::Nothing)));
}

#[test]
fn an_outage_and_a_person_are_waited_for_until_the_queue_would_delete_the_command() {
    let last = QUEUE_RETENTION.saturating_sub(RETENTION_MARGIN);
    for waits_for in WAITING {
        let before = last.saturating_sub(Duration::from_secs(1));
        assert!(!is_given_up(&Failure { age: before, receives: 900, ..failure(waits_for) }));
        assert!(is_given_up(&Failure { age: last, ..failure(waits_for) }));
        assert!(is_given_up(&Failure { receives: LAST_RECEIVE, ..failure(waits_for) }));
    }
}

#[test]
fn a_host_that_repeats_a_short_retry_after_is_asked_less_and_less_often() {
    let wish = |receives| {
        let failure =
            Failure { receives, retry_after: Some(Duration::from_secs(1)), ..failure(WaitsFor::Host) };
        next(&failure, 0.0)
    };
    assert_eq!(wish(1), Next::TryAgain(Duration::from_secs(1)));
    assert_eq!(wish(20), Next::TryAgain(MAX_DELAY));
    let never = Failure { retry_after: Some(Duration::ZERO), ..failure(WaitsFor::Host) };
    assert_eq!(next(&never, 0.0), Next::TryAgain(MIN_DELAY));
}

#[test]
fn the_tries_of_a_command_are_counted_in_a_row_and_forgotten_when_it_is_settled() {
    let tries = Tries::default();
    assert_eq!(tries.failed("a", WaitsFor::MoreTries), 1);
    assert_eq!(tries.failed("b", WaitsFor::MoreTries), 1);
    assert_eq!(tries.failed("a", WaitsFor::MoreTries), 2);
    assert_eq!(tries.failed("a", WaitsFor::Host), 0, "an outage ends the row");
    assert_eq!(tries.failed("a", WaitsFor::MoreTries), 1);
    tries.settled("a");
    assert_eq!(tries.failed("a", WaitsFor::MoreTries), 1);
}

/// A command that always fails is given up before SQS deletes or moves it, however late each try comes.
fn lives(waits_for: WaitsFor, jitters: &[f64], work: Duration) -> (Duration, u32) {
    let (mut age, mut receives) = (Duration::ZERO, 0);
    for jitter in jitters.iter().cycle() {
        receives += 1;
        match next(&Failure { receives, age, ..failure(waits_for) }, *jitter) {
            Next::TryAgain(delay) => {
                assert!((MIN_DELAY..=MAX_DELAY).contains(&delay), "{delay:?}");
                age += delay + work;
            }
            Next::GiveUp(_) => break,
        }
    }
    (age, receives)
}

proptest! {
    #[test]
    fn no_command_outlives_its_queue(
        waits_for in proptest::sample::select(WAITING.to_vec()),
        jitters in proptest::collection::vec(0.0..1.0_f64, 1..20),
        work in 0..1_000_u64,
    ) {
        let (age, receives) = lives(waits_for, &jitters, Duration::from_secs(work));
        prop_assert!(age < QUEUE_RETENTION, "{age:?}");
        let last = QUEUE_RETENTION.saturating_sub(RETENTION_MARGIN);
        prop_assert!(age >= last, "it was given up after {age:?}");
        prop_assert!(receives < MAX_RECEIVES, "{receives}");
    }
}

/// What a file of `infra` says.
fn infra(path: &str) -> String {
    let path = format!("{}/../infra/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| unreachable!("{path}: {error}"))
}

#[test]
fn terraform_and_sam_keep_commands_as_long_as_the_controller_counts_on() {
    let seconds = QUEUE_RETENTION.as_secs();
    let terraform = infra("terraform/queues.tf");
    assert!(terraform.contains(&format!("message_retention_seconds = {seconds}\n")), "{terraform}");
    assert!(terraform.contains(&format!("receives   = {MAX_RECEIVES}\n")), "{terraform}");
    let sam = infra("sam/template.yaml");
    let commands = sam.split("\n  Commands:\n").nth(1).unwrap_or_default();
    let commands = commands.split("\n  CommandsPolicy:").next().unwrap_or_default();
    assert!(commands.contains(&format!("MessageRetentionPeriod: {seconds}\n")), "{commands}");
    assert!(commands.contains(&format!("maxReceiveCount: {MAX_RECEIVES}}}")), "{commands}");
}
