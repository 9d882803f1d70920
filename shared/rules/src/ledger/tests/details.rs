//! Bounds, storage and words.

use std::collections::BTreeSet;

use tidegate_model::{CommitStatus, JobName, StatusState};

use super::world::{World, branch, job, name, reference, sha};
use crate::{
    ledger::{Ledger, MAX_FORMER_BASES, Observation, Record},
    status::{ConfigState, Context, VerdictState},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[test]
fn an_observation_that_comes_again_changes_nothing() {
    let mut world = World::new(&[job("unit", &["main"])], &[job("deploy", &[])]);
    world.open(1, 'a', "main");
    world.push("topic", 'a');
    world.retarget(1, "dev");
    world.observe(&Observation::Config);
    let before = world.ledger.clone();
    let writes = world.writes.len();
    world.see(1);
    world.push_head(1, 'a');
    world.approve('a');
    world.restart();
    assert_eq!(world.ledger, before);
    assert_eq!(world.writes.len(), writes);
}

#[test]
fn a_head_is_named_by_the_branch_of_its_open_pull_request() {
    let mut world = World::new(&[job("unit", &[])], &[]);
    world.open(1, 'a', "main");
    world.open(2, 'a', "dev");
    assert_eq!(world.ledger.branch_of_head(&sha('a')), Some(&branch(1)));
    world.close(1);
    assert_eq!(world.ledger.branch_of_head(&sha('a')), Some(&branch(2)));
    world.push_head(2, 'b');
    assert_eq!(world.ledger.branch_of_head(&sha('a')), None);
}

#[test]
fn a_closed_pull_request_that_nothing_remembers_is_not_remembered() {
    let mut world = World::new(&[job("unit", &[])], &[]);
    world.open(1, 'a', "main");
    let mut closed = world.clone();
    closed.ledger = Ledger::default();
    closed.close(1);
    assert_eq!(closed.ledger, Ledger::default());
}

#[test]
fn a_status_is_due_until_what_it_should_say_was_taken() {
    let mut world = World::new(&[job("unit", &[])], &[]);
    world.sends_at_once = false;
    world.open_trusted(1, 'a', "main");
    let unit = Context::Job(name("unit"));
    let due = |world: &World| {
        world.ledger.due().map(|(_, _, decided)| decided.text.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(due(&world), ["queued"]);
    world.starts('a', "main", "unit");
    // The older write arrives late.
    assert!(!world.ledger.settle(&sha('a'), &unit, StatusState::Pending, "queued"));
    assert_eq!(due(&world), ["running"]);
    assert!(world.ledger.settle(&sha('a'), &unit, StatusState::Pending, "running"));
    assert_eq!(due(&world), [""; 0]);
    world.open_trusted(2, 'a', "dev");
    assert_eq!(due(&world), ["running for main (#1)"]);
}

#[test]
fn more_bases_than_are_remembered_fail_until_a_new_head_or_a_writers_test() {
    let mut world = World::new(&[job("unit", &["x*"])], &[]);
    world.open_trusted(1, 'a', "x0");
    for base in 1..=MAX_FORMER_BASES + 1 {
        world.retarget(1, &format!("x{base}"));
    }
    world.retarget(1, "dev");
    let too_many = format!("more than {MAX_FORMER_BASES} bases at this head: push a new commit");
    assert!(world.shown('a', "unit").starts_with("error: error for x"), "{}", world.shown('a', "unit"));
    assert!(world.shown('a', "unit").ends_with(&too_many));
    let mut tested = world.clone();
    tested.test(1, true);
    assert_eq!(tested.shown('a', "unit"), "success: skipped: branch dev is not among its branch patterns");
    world.push_head(1, 'b');
    assert_eq!(world.shown('b', "unit"), "success: skipped: branch dev is not among its branch patterns");
}

#[test]
fn the_largest_records_fit_into_half_an_object() {
    let long = |index: usize| format!("{index:02}{}", "j".repeat(38));
    let pre: Vec<_> = (0..50).map(|index| job(&long(index), &[])).collect();
    let post: Vec<_> = (50..100).map(|index| job(&long(index), &[])).collect();
    let mut world = World::new(&pre, &post);
    let base = |index: usize| format!("{index:02}{}", "b".repeat(242));
    world.open_trusted(1, 'a', &base(0));
    world.push(&base(99), 'a');
    for run in 0..world.runs.len() {
        for job in world.runs[run].jobs.keys().cloned().collect::<Vec<_>>() {
            world.set(run, &job, VerdictState::Failure, &"説".repeat(300));
        }
    }
    for index in 1..=MAX_FORMER_BASES {
        world.retarget(1, &base(index));
    }
    for record in world.ledger.records() {
        let size = serde_json::to_string(&record).expect("JSON").len();
        assert!(size < 128 * 1024, "{}: {size} bytes", record.key());
    }
    let longest = world.host.values().map(|(_, text)| text.chars().count()).max();
    assert_eq!(longest, Some(CommitStatus::MAX_DESCRIPTION));
}

#[test]
fn records_have_keys_of_their_own_and_make_the_ledger_again() {
    let mut world = World::new(&[job("unit", &[])], &[job("deploy", &[])]);
    world.open_trusted(1, 'a', "main");
    world.open(2, 'b', "dev");
    world.push("main", 'a');
    world.push("refs/tags/main", 'a');
    let records: Vec<Record<'_>> = world.ledger.records().collect();
    let keys: BTreeSet<String> = records.iter().map(|record| record.key().to_string()).collect();
    assert_eq!(keys.len(), records.len());
    assert_eq!(Ledger::from_records(records.into_iter().rev()), world.ledger);
}

#[test]
fn what_nothing_shows_is_forgotten_after_the_window_and_nothing_else() {
    let mut world = World::new(&[job("unit", &[])], &[job("deploy", &[])]);
    world.open_trusted(1, 'a', "main");
    world.open(2, 'b', "main");
    world.close(2);
    world.push("main", 'c');
    world.push("topic", 'd');
    world.delete_ref("topic");
    let all = world.ledger.clone();
    world.ledger.prune(DAY_MS, 2 * DAY_MS);
    assert_eq!(world.ledger, all, "within the window");
    world.ledger.prune(9 * DAY_MS, 2 * DAY_MS);
    let commits: Vec<_> = world.ledger.commits.keys().cloned().collect();
    // The push of `d` still has its run.
    assert_eq!(commits, [sha('a'), sha('c'), sha('d')]);
    assert_eq!(world.ledger.pull_requests.len(), 1);
    assert_eq!(world.ledger.refs.keys().cloned().collect::<Vec<_>>(), [reference("main")]);
    assert_eq!(world.ledger.targets.len(), 3);
}

#[test]
fn the_old_heads_of_a_stranger_are_forgotten_at_once_and_approved_ones_are_not() {
    let mut world = World::new(&[job("unit", &[])], &[]);
    for head in ['a', 'b', 'c', 'd'] {
        world.open(1, head, "main");
        if head == 'b' {
            world.approve('b');
        }
        world.push_head(1, 'e');
    }
    world.ledger.prune(1, DAY_MS);
    let commits: Vec<_> = world.ledger.commits.keys().cloned().collect();
    assert_eq!(commits, [sha('b'), sha('e')]);
}

#[test]
fn a_failure_whose_run_is_gone_outlives_the_window_while_its_commit_is_shown() {
    let mut world = World::new(&[], &[job("deploy", &["main"]), job("check", &["copy"])]);
    world.push("main", 'a');
    world.fails('a', "main", "deploy");
    world.push("copy", 'a');
    world.delete_run(0, crate::ledger::DeletedBy::Retention);
    world.ledger.prune(99 * DAY_MS, DAY_MS);
    world.push("copy", 'a');
    assert_eq!(world.shown('a', "deploy"), "failure: failed for branch main in 3s: exit code 1");
}

#[test]
fn a_status_that_the_host_does_not_know_is_never_forgotten() {
    let mut world = World::new(&[job("unit", &[])], &[]);
    world.sends_at_once = false;
    world.open(1, 'a', "main");
    world.close(1);
    world.ledger.prune(99 * DAY_MS, DAY_MS);
    assert_eq!(world.ledger.due().count(), 1);
    world.send_all();
    world.ledger.prune(99 * DAY_MS, DAY_MS);
    assert_eq!(world.ledger, Ledger::default());
}

#[test]
fn an_older_run_never_takes_the_place_of_a_newer_one() {
    let mut world = World::new(&[job("unit", &[])], &[]);
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.test(1, false);
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    world.set(0, &name("unit"), VerdictState::Success, "succeeded in 3s");
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    world.fails('a', "main", "unit");
    // A late look at the same run.
    world.starts('a', "main", "unit");
    assert_eq!(world.shown('a', "unit"), "failure: failed in 3s: exit code 1");
}

#[test]
fn a_run_of_some_jobs_leaves_the_verdicts_of_the_others() {
    let mut world = World::new(&[job("unit", &[]), job("lint", &[])], &[]);
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.succeeds('a', "main", "lint");
    let target = world.runs[0].target.clone();
    let lint: BTreeSet<JobName> = BTreeSet::from([name("lint")]);
    world.run(target, &lint, "test");
    assert_eq!(world.shown('a', "lint"), "pending: queued");
    assert_eq!(world.shown('a', "unit"), "failure: failed in 3s: exit code 1");
}

#[test]
fn a_job_whose_pattern_can_not_be_read_is_never_shown_as_skipped() {
    let broken = job("unit", &["[x"]);
    let mut world = World::new(std::slice::from_ref(&broken), &[]);
    world.configure(ConfigState::Invalid("no glob".to_owned()), &[broken], &[]);
    world.open_trusted(1, 'a', "main");
    assert_eq!(world.shown('a', "unit"), "");
    assert_eq!(world.shown('a', "c"), "error: config invalid: no glob");
}
