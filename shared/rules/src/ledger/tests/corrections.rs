//! Corrections, and what a base that was left still owes: one history a test.

use std::collections::BTreeSet;

use super::world::{FAILED, SKIPPED, World, job, name, reference, sha, unit_for_main};
use crate::{
    ledger::{DeletedBy, TargetKey},
    status::{ConfigState, JobKind, VerdictState},
};

#[test]
fn a_deleted_branch_ends_a_queued_run_and_shows_a_running_one() {
    let mut world = World::new(&[], &[job("deploy", &[])]);
    world.push("x", 'a');
    world.push("y", 'b');
    world.starts('b', "y", "deploy");
    world.delete_ref("x");
    world.delete_ref("y");
    assert_eq!(world.shown('a', "deploy"), "error: branch x was deleted");
    assert_eq!(world.shown('b', "deploy"), "pending: running");
    world.fails('b', "y", "deploy");
    assert_eq!(world.shown('b', "deploy"), FAILED);
    // The run ends as stopped by Tidegate, and the branch comes back at another commit.
    world.stop(0, None);
    world.push("x", 'c');
    world.restart();
    assert_eq!(world.shown('a', "deploy"), "error: branch x was deleted");
    assert_eq!(world.shown('c', "deploy"), "pending: queued");
}

#[test]
fn a_branch_that_is_deleted_and_pushed_again_shows_its_new_run() {
    let mut world = World::new(&[], &[job("deploy", &[])]);
    world.push("x", 'a');
    world.delete_ref("x");
    world.push("x", 'a');
    assert_eq!(world.shown('a', "deploy"), "pending: queued");
    world.succeeds('a', "x", "deploy");
    assert_eq!(world.shown('a', "deploy"), "success: succeeded in 3s");
}

#[test]
fn a_deleted_run_ends_what_was_pending_and_starts_nothing() {
    let mut world = World::new(&[job("unit", &[]), job("lint", &[])], &[job("deploy", &[])]);
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "lint");
    world.delete_run(0, DeletedBy::Person);
    assert_eq!(world.shown('a', "unit"), "error: deleted; comment /test");
    assert_eq!(world.shown('a', "lint"), FAILED);
    assert_eq!(world.runs.len(), 0);
    world.push("x", 'b');
    world.delete_run(0, DeletedBy::Person);
    assert_eq!(world.shown('b', "deploy"), "error: the run was deleted");
}

#[test]
fn an_invalid_config_shows_on_open_heads_until_it_is_valid_and_changes_no_result() {
    let unit = [job("unit", &["main"])];
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    world.open_trusted(2, 'b', "main");
    world.close(2);
    world.configure(ConfigState::Invalid("job unit: unknown job".to_owned()), &unit, &[]);
    assert_eq!(world.shown('a', "c"), "error: config invalid: job unit: unknown job");
    assert_eq!(world.shown('b', "c"), "");
    world.fails('a', "main", "unit");
    assert_eq!(world.shown('a', "unit"), FAILED);
    world.open_trusted(3, 'c', "main");
    assert_eq!(world.shown('c', "c"), "error: config invalid: job unit: unknown job");
    assert_eq!(world.shown('c', "unit"), "");
    world.configure(ConfigState::Valid, &unit, &[]);
    assert_eq!(world.shown('a', "c"), "success: config valid");
    assert_eq!(world.shown('c', "c"), "success: config valid");
    assert_eq!(world.shown('c', "unit"), "pending: queued");
}

#[test]
fn a_green_head_is_not_green_for_a_new_base_while_the_config_is_invalid() {
    let unit = [job("unit", &[])];
    let mut world = World::new(&unit, &[]);
    world.open_trusted(1, 'a', "main");
    world.succeeds('a', "main", "unit");
    world.configure(ConfigState::Invalid("x".to_owned()), &unit, &[]);
    world.open(2, 'a', "dev");
    assert_eq!(world.shown('a', "unit"), "pending: waits for a valid config");
}

#[test]
fn a_removed_config_ends_what_was_pending() {
    let mut world = World::new(&[job("unit", &[]), job("lint", &[])], &[]);
    world.open_trusted(1, 'a', "main");
    world.open(2, 'b', "main");
    world.succeeds('a', "main", "lint");
    world.configure(ConfigState::Removed, &[], &[]);
    assert_eq!(world.shown('a', "unit"), "error: the config was removed");
    assert_eq!(world.shown('a', "lint"), "success: succeeded in 3s");
    assert_eq!(world.shown('b', "c"), "error: the config was removed");
}

#[test]
fn a_closed_waiting_head_is_an_error_and_a_closed_running_one_too() {
    let mut world = unit_for_main();
    world.open(1, 'a', "main");
    world.close(1);
    assert_eq!(world.shown('a', "c"), "error: pull request 1 was closed");
    world.reopen(1);
    assert_eq!(world.shown('a', "c"), "pending: waits for /ok-to-test by someone with write permission");
    world.push_head(1, 'b');
    assert_eq!(world.shown('a', "c"), "error: superseded by a new head of pull request 1");
    world.open_trusted(2, 'c', "main");
    world.close(2);
    assert_eq!(world.shown('c', "unit"), "error: pull request 2 was closed");
    world.reopen(2);
    assert_eq!(world.shown('c', "unit"), "pending: queued");
    assert_eq!(world.runs.len(), 2);
}

#[test]
fn what_a_former_base_owes_ends_with_a_success_a_writers_test_or_a_new_head() {
    let jobs = [job("unit", &["main", "next"])];
    let failed_for_main = || {
        let mut world = World::new(&jobs, &[]);
        world.open_trusted(1, 'a', "main");
        world.fails('a', "main", "unit");
        world.retarget(1, "dev");
        assert!(world.shown('a', "unit").starts_with("failure: failed for main"));
        world
    };
    let mut world = failed_for_main();
    world.test(1, false);
    assert!(world.shown('a', "unit").starts_with("failure: failed for main"), "a stranger's /test");
    world.test(1, true);
    assert_eq!(world.shown('a', "unit"), SKIPPED, "a writer's /test");
    let mut world = failed_for_main();
    world.push_head(1, 'b');
    assert_eq!(world.shown('b', "unit"), SKIPPED, "a new head");
    let mut world = failed_for_main();
    world.close(1);
    world.reopen(1);
    assert!(world.shown('a', "unit").starts_with("failure: failed for main"), "closed and reopened");
    world.retarget(1, "next");
    world.succeeds('a', "next", "unit");
    assert_eq!(world.shown('a', "unit"), "success: succeeded in 3s", "a success for a present target");
    world.retarget(1, "dev");
    assert_eq!(world.shown('a', "unit"), SKIPPED, "the success made up for it");
}

#[test]
fn an_old_bases_run_still_counts_after_a_retarget() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    world.starts('a', "main", "unit");
    world.retarget(1, "dev");
    assert_eq!(world.shown('a', "unit"), "pending: running for main");
    world.succeeds('a', "main", "unit");
    assert_eq!(world.shown('a', "unit"), SKIPPED);
}

#[test]
fn a_passing_base_does_not_cover_a_failing_one() {
    let mut world = World::new(&[job("unit", &[])], &[]);
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.open_trusted(2, 'a', "dev");
    assert_eq!(world.runs.len(), 2);
    world.succeeds('a', "dev", "unit");
    assert_eq!(world.shown('a', "unit"), "failure: failed for main (#1) in 3s: exit code 1");
    world.test(2, true);
    world.succeeds('a', "dev", "unit");
    assert_eq!(world.shown('a', "unit"), "failure: failed for main (#1) in 3s: exit code 1");
    world.test(1, true);
    assert_eq!(world.shown('a', "unit"), "pending: queued for main (#1)");
    world.succeeds('a', "main", "unit");
    assert_eq!(world.shown('a', "unit"), "success: succeeded for dev (#2) in 3s");
}

#[test]
fn a_more_trusted_pull_request_runs_again_what_needed_a_secret() {
    let mut world = unit_for_main();
    world.open(1, 'a', "main");
    world.approve('a');
    world.set(0, &name("unit"), VerdictState::NeedsSecret, "could not be run: needs secret key");
    assert_eq!(world.shown('a', "unit"), "error: could not be run: needs secret key");
    world.open_trusted(2, 'a', "main");
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    assert_eq!(world.runs.len(), 2);
    world.succeeds('a', "main", "unit");
    world.close(2);
    assert_eq!(world.shown('a', "unit"), "success: succeeded in 3s");
}

#[test]
fn a_removed_post_submit_job_keeps_its_result_and_one_that_runs_ends_first() {
    let mut world = World::new(&[], &[job("deploy", &[]), job("scan", &[])]);
    world.push("main", 'a');
    world.fails('a', "main", "scan");
    world.starts('a', "main", "deploy");
    world.configure(ConfigState::Valid, &[], &[job("other", &[])]);
    assert_eq!(world.shown('a', "scan"), FAILED);
    assert_eq!(world.shown('a', "deploy"), "pending: running");
    assert_eq!(world.shown('a', "other"), "");
    world.succeeds('a', "main", "deploy");
    assert_eq!(world.shown('a', "deploy"), "success: succeeded in 3s");
}

#[test]
fn retention_changes_nothing_and_a_newer_run_of_the_job_takes_the_place_of_the_one_that_is_gone() {
    let mut world = World::new(&[], &[job("deploy", &["main", "release"]), job("check", &["copy"])]);
    world.push("main", 'a');
    world.fails('a', "main", "deploy");
    world.push("copy", 'a');
    let before = world.host.clone();
    world.delete_run(0, DeletedBy::Retention);
    assert_eq!(world.host, before);
    world.push("release", 'a');
    world.succeeds('a', "release", "deploy");
    assert_eq!(world.shown('a', "deploy"), "success: succeeded for branch release in 3s");
}

#[test]
fn a_job_that_moves_between_the_lists_keeps_no_red_status_on_open_heads_and_its_running_push_ends_first() {
    let mut world = World::new(&[job("unit", &[])], &[job("deploy", &[])]);
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.push("main", 'b');
    world.starts('b', "main", "deploy");
    world.configure(ConfigState::Valid, &[job("deploy", &[])], &[job("unit", &[])]);
    assert_eq!(world.shown('a', "unit"), "success: skipped: it runs after pushes only");
    assert_eq!(world.shown('a', "deploy"), "pending: queued");
    assert_eq!(world.shown('b', "deploy"), "pending: running");
    world.fails('b', "main", "deploy");
    assert_eq!(world.shown('b', "deploy"), FAILED);
}

#[test]
fn a_config_whose_contexts_are_another_ones_writes_nothing_until_that_is_solved() {
    let unit = [job("unit", &["main"])];
    let mut world = unit_for_main();
    world.configure(ConfigState::Conflicting, &unit, &[]);
    world.open_trusted(1, 'a', "main");
    world.open(2, 'b', "main");
    assert_eq!((world.writes.len(), world.runs.len()), (0, 0));
    world.configure(ConfigState::Valid, &unit, &[]);
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    assert_eq!(world.shown('b', "c"), "pending: waits for /ok-to-test by someone with write permission");
}

#[test]
fn a_head_that_was_approved_while_the_config_was_invalid_says_who_approved_it() {
    let unit = [job("unit", &["main"])];
    let mut world = unit_for_main();
    world.configure(ConfigState::Invalid("x".to_owned()), &unit, &[]);
    world.open(1, 'a', "main");
    world.approve('a');
    assert_eq!(world.shown('a', "c"), "error: config invalid: x");
    world.configure(ConfigState::Valid, &unit, &[]);
    assert_eq!(world.shown('a', "c"), "success: approved by dora");
}

#[test]
fn a_push_behind_its_branch_shows_its_result_and_a_waiting_head_nothing_of_its_pull_request() {
    let mut world = World::new(&[job("unit", &[])], &[job("deploy", &[])]);
    world.push("main", 'b');
    world.open(1, 'a', "main");
    // The ledger never saw the branch at this commit.
    let target = TargetKey { commit: sha('a'), kind: JobKind::PostSubmit, reference: reference("main") };
    world.run(target, &BTreeSet::from([name("deploy")]), "push");
    world.fails('a', "main", "deploy");
    assert_eq!(world.shown('a', "deploy"), FAILED);
    assert_eq!(world.shown('a', "unit"), "");
    assert_eq!(world.shown('a', "c"), "pending: waits for /ok-to-test by someone with write permission");
}

#[test]
fn a_result_that_closing_kept_is_not_skipped_by_a_pull_request_into_a_filtered_branch() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.close(1);
    assert_eq!(world.shown('a', "unit"), FAILED);
    world.open_trusted(2, 'a', "dev");
    assert_eq!(world.shown('a', "unit"), FAILED);
    // An error that only says that the pull request was closed is no result.
    world.open_trusted(3, 'b', "main");
    world.close(3);
    assert_eq!(world.shown('b', "unit"), "error: pull request 3 was closed");
    world.open_trusted(4, 'b', "dev");
    assert_eq!(world.shown('b', "unit"), SKIPPED);
}

#[test]
fn one_mark_of_two_pull_requests_that_share_a_run_leaves_nothing_out() {
    let mut world = unit_for_main();
    world.writers.extend([1, 2]);
    world.next_mark = Some("[skip ci] in the title".to_owned());
    world.open(1, 'a', "main");
    assert_eq!(world.shown('a', "unit"), "pending: left out by [skip ci] in the title; comment /test");
    world.open(2, 'a', "main");
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    world.close(2);
    world.reopen(2);
    world.mark(2, Some("[skip ci] in the title"));
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    assert_eq!(world.runs.len(), 1);
}

#[test]
fn a_strangers_head_waits_for_nothing_where_no_job_runs_for_pull_requests() {
    let post = [job("deploy", &[])];
    let mut world = World::new(&[], &post);
    world.open(1, 'a', "main");
    assert_eq!(world.writes, []);
    world.configure(ConfigState::Valid, &[job("unit", &[])], &post);
    assert_eq!(world.shown('a', "c"), "pending: waits for /ok-to-test by someone with write permission");
    world.configure(ConfigState::Valid, &[], &post);
    assert_eq!(world.shown('a', "c"), "success: no job runs for pull requests");
}
