use serde_json::{Value, json};
use tidegate_resources::SkippedJob;

use super::*;
use crate::job::fixture::pull_request;

fn said(job: &IntegrationJob) -> Vec<(StatusState, String)> {
    plan(job).into_iter().map(|desired| (desired.status.state, desired.status.description)).collect()
}

fn with_job(phase: &str, message: Option<&str>) -> IntegrationJob {
    let mut entry = json!({
        "name": "unit",
        "phase": phase,
        "startedAt": "2026-01-01T00:00:00Z",
        "completedAt": "2026-01-01T00:01:05Z",
    });
    if let Some(message) = message {
        entry["message"] = message.into();
    }
    pull_request(&json!([{"name": "unit"}]), &json!({"phase": "Running", "jobs": [entry]}))
}

fn skipped(name: &str, reason: &str, undecided: bool) -> SkippedJob {
    SkippedJob { name: name.parse().expect("a name"), reason: reason.to_owned(), undecided }
}

#[test]
fn each_job_is_shown_under_its_own_context() {
    let mut job = pull_request(&json!([{"name": "unit"}, {"name": "lint"}]), &json!({}));
    job.spec.skipped =
        vec![skipped("docs", "branch main", false), skipped("e2e", "[skip ci] in the title", true)];
    let contexts: Vec<String> = plan(&job).into_iter().map(|desired| desired.context).collect();
    let expected = ["unit", "lint", "docs", "e2e"].map(|job| format!("tidegate/shop/{job}"));
    assert_eq!(contexts, expected);
    assert_eq!(
        said(&job),
        [
            (StatusState::Pending, "queued".to_owned()),
            (StatusState::Pending, "queued".to_owned()),
            (StatusState::Success, "skipped: branch main".to_owned()),
            (StatusState::Pending, "left out by [skip ci] in the title; comment /test".to_owned()),
        ]
    );
}

#[test]
fn a_run_that_waits_for_approval_says_for_what() {
    let mut job = pull_request(&json!([{"name": "unit"}]), &json!({}));
    job.spec.awaits_approval = true;
    let desired = plan(&job)[0].clone();
    assert_eq!(desired.status.state, StatusState::Pending);
    assert!(desired.status.description.contains("/ok-to-test"), "{desired:?}");
    // Whoever may write runs can write this, too.
    job.spec.approved = serde_json::from_value(json!({"id": 5, "author": "dora"})).expect("an approval");
    assert_eq!(plan(&job)[0].status, desired.status);
}

#[test]
fn every_end_of_a_job_has_its_state_and_text() {
    for (phase, message, state, description) in [
        ("Pending", None, StatusState::Pending, "waits for its turn"),
        ("Pending", Some("no node can take its pod"), StatusState::Pending, "no node can take its pod"),
        ("Running", None, StatusState::Pending, "running"),
        ("Succeeded", None, StatusState::Success, "succeeded in 1m5s"),
        ("Failed", Some("exit code 2"), StatusState::Failure, "failed in 1m5s: exit code 2"),
        ("Failed", Some("timed out after 30m"), StatusState::Failure, "timed out after 30m"),
        (
            "Failed",
            Some("can't be merged: conflict in a"),
            StatusState::Failure,
            "can't be merged: conflict in a",
        ),
        ("NotRun", Some("unit failed"), StatusState::Error, "not run: unit failed"),
        ("Cancelled", Some("superseded by abc"), StatusState::Error, "cancelled: superseded by abc"),
        ("Error", Some("needs secret x"), StatusState::Error, "could not be run: needs secret x"),
    ] {
        assert_eq!(said(&with_job(phase, message)), [(state, description.to_owned())], "{phase} {message:?}");
    }
}

#[test]
fn a_description_fits_every_host() {
    let job = with_job("Error", Some(&"ö".repeat(200)));
    let description = said(&job).remove(0).1;
    assert_eq!(description.chars().count(), CommitStatus::MAX_DESCRIPTION);
    assert!(description.ends_with('…'), "{description}");
}

#[test]
fn durations_are_short() {
    for (end, text) in [
        ("2026-01-01T00:00:00Z", " in less than a second"),
        ("2026-01-01T00:00:59Z", " in 59s"),
        ("2026-01-01T01:02:03Z", " in 1h2m"),
        ("2025-01-01T00:00:00Z", " in less than a second"),
    ] {
        let entry: Value = json!({"name": "a", "phase": "Succeeded", "startedAt": "2026-01-01T00:00:00Z", "completedAt": end});
        assert_eq!(duration(&serde_json::from_value(entry).expect("a job's status")), text);
    }
}
