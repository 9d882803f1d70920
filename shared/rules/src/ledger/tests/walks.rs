//! The walks of the specification: one history a test, with what the host shows after each step.

use super::world::{FAILED, SKIPPED, World, job, unit_for_main};
use crate::{ledger::DeletedBy, status::ConfigState};

#[test]
fn a_second_pull_request_into_a_filtered_branch_does_not_cover_a_failure() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    world.fails('a', "main", "unit");
    assert_eq!(world.shown('a', "unit"), FAILED);
    world.open_trusted(2, 'a', "dev");
    assert_eq!(world.shown('a', "unit"), "failure: failed for main (#1) in 3s: exit code 1");
    world.close(2);
    assert_eq!(world.shown('a', "unit"), FAILED);
}

#[test]
fn a_reopened_pull_request_shows_its_failure_again_without_a_run() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.open_trusted(2, 'a', "dev");
    world.close(1);
    assert_eq!(world.shown('a', "unit"), SKIPPED);
    world.reopen(1);
    assert_eq!(world.shown('a', "unit"), "failure: failed for main (#1) in 3s: exit code 1");
    assert_eq!(world.runs.len(), 1);
}

#[test]
fn a_retarget_to_a_filtered_branch_and_back_keeps_the_failure_without_a_run() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.retarget(1, "dev");
    assert_eq!(world.shown('a', "unit"), "failure: failed for main in 3s: exit code 1");
    world.retarget(1, "main");
    assert_eq!(world.shown('a', "unit"), FAILED);
    assert_eq!(world.runs.len(), 1);
}

#[test]
fn a_strangers_head_waits_with_one_status_and_a_new_head_waits_again() {
    let mut world = unit_for_main();
    world.open(1, 'a', "main");
    assert_eq!(world.shown('a', "c"), "pending: waits for /ok-to-test by someone with write permission");
    assert_eq!(world.shown('a', "unit"), "");
    assert_eq!(world.runs.len(), 0);
    world.approve('a');
    assert_eq!(world.shown('a', "c"), "success: approved by dora");
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    world.succeeds('a', "main", "unit");
    world.push_head(1, 'b');
    assert_eq!(world.shown('b', "c"), "pending: waits for /ok-to-test by someone with write permission");
    assert_eq!(world.shown('b', "unit"), "");
    assert_eq!(world.shown('a', "c"), "success: approved by dora");
    assert_eq!(world.shown('a', "unit"), "success: succeeded in 3s");
}

#[test]
fn a_failed_deploy_is_not_skipped_by_another_branch_at_its_commit() {
    let mut world = World::new(&[], &[job("deploy", &["main"]), job("check", &["copy"])]);
    world.push("main", 'a');
    world.starts('a', "main", "deploy");
    assert_eq!(world.shown('a', "deploy"), "pending: running");
    world.push("main", 'b');
    world.fails('a', "main", "deploy");
    assert_eq!(world.shown('a', "deploy"), FAILED);
    world.push("copy", 'a');
    assert_eq!(world.shown('a', "deploy"), "failure: failed for branch main in 3s: exit code 1");
    assert_eq!(world.shown('a', "check"), "pending: queued for branch copy");
}

#[test]
fn a_failed_deploy_stays_though_its_run_was_removed_before_the_copy_was_pushed() {
    let mut world = World::new(&[], &[job("deploy", &["main"]), job("check", &["copy"])]);
    world.push("main", 'a');
    world.fails('a', "main", "deploy");
    world.delete_run(0, DeletedBy::Retention);
    assert_eq!(world.shown('a', "deploy"), FAILED);
    world.push("copy", 'a');
    assert_eq!(world.shown('a', "deploy"), "failure: failed for branch main in 3s: exit code 1");
}

#[test]
fn a_red_head_that_is_pushed_to_main_stays_red() {
    let mut world = World::new(&[job("unit", &[])], &[job("deploy", &[])]);
    world.open_trusted(1, 'a', "main");
    world.fails('a', "main", "unit");
    world.push("main", 'a');
    world.close(1);
    assert_eq!(world.shown('a', "unit"), FAILED);
    assert_eq!(world.shown('a', "deploy"), "pending: queued");
}

#[test]
fn a_tag_at_a_branchs_commit_keeps_the_failure() {
    let mut release = job("release", &[]);
    release.when.tags = vec!["v*".to_owned()];
    let mut world = World::new(&[], &[release, job("deploy", &["main"])]);
    world.push("refs/tags/v1", 'a');
    world.fails('a', "refs/tags/v1", "release");
    world.push("main", 'a');
    assert_eq!(world.shown('a', "release"), "failure: failed for tag v1 in 3s: exit code 1");
}

#[test]
fn a_run_that_a_person_stopped_is_an_error_until_somebody_tests_again() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    world.stop(0, Some("dora"));
    assert_eq!(world.shown('a', "unit"), "error: stopped by dora");
    world.test(1, true);
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    world.succeeds('a', "main", "unit");
    assert_eq!(world.shown('a', "unit"), "success: succeeded in 3s");
}

#[test]
fn a_waiting_head_that_becomes_a_branch_head_runs_and_stays_trusted() {
    let mut world = unit_for_main();
    world.open(1, 'a', "main");
    world.push("topic", 'a');
    assert_eq!(world.shown('a', "c"), "success: trusted: head of topic");
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    world.delete_ref("topic");
    assert_eq!(world.shown('a', "c"), "success: trusted: head of topic");
    world.succeeds('a', "main", "unit");
    assert_eq!(world.shown('a', "unit"), "success: succeeded in 3s");
}

#[test]
fn a_stranger_who_opens_a_trusted_head_into_the_same_base_changes_nothing() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'a', "main");
    world.succeeds('a', "main", "unit");
    let before = (world.host.clone(), world.runs.len());
    world.open(2, 'a', "main");
    world.mark(2, Some("[skip ci] in the title"));
    world.close(2);
    assert_eq!((world.host, world.runs.len()), before);
}

#[test]
fn a_mark_leaves_the_head_pending_and_its_removal_runs_it() {
    let mut world = unit_for_main();
    world.open_trusted(1, 'b', "main");
    world.mark(1, Some("[skip ci] in the title"));
    assert_eq!(world.shown('b', "unit"), "pending: queued");
    world.push_head(1, 'a');
    assert_eq!(world.shown('a', "unit"), "pending: left out by [skip ci] in the title; comment /test");
    assert_eq!(world.runs.len(), 1);
    world.mark(1, None);
    assert_eq!(world.shown('a', "unit"), "pending: queued");
    assert_eq!(world.runs.len(), 2);
}

#[test]
fn a_renamed_job_is_skipped_under_its_old_name_and_runs_under_its_new_one() {
    let mut world = World::new(&[job("unit", &[]), job("lint", &[])], &[]);
    world.open_trusted(1, 'a', "main");
    world.open_trusted(2, 'b', "main");
    world.fails('a', "main", "unit");
    world.fails('b', "main", "unit");
    world.close(2);
    world.configure(ConfigState::Valid, &[job("tests", &[]), job("lint", &[])], &[]);
    assert_eq!(world.shown('a', "unit"), "success: skipped: no longer in the config");
    assert_eq!(world.shown('a', "tests"), "pending: queued");
    assert_eq!(world.shown('b', "unit"), FAILED);
    assert_eq!(world.shown('b', "tests"), "");
    assert_eq!(world.shown('b', "lint"), "error: pull request 2 was closed");
}
