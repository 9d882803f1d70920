use serde_json::json;

use super::*;
use crate::job::fixture::{BASE, HEAD, pull_request};

fn unit() -> JobName {
    "unit".parse().expect("a name")
}

fn seen(job: &IntegrationJob) -> RunFacts {
    RunFacts::of(job).expect("something to show")
}

fn verdict_of(job: &IntegrationJob) -> Option<VerdictState> {
    let run = seen(job).run.expect("a run");
    run.jobs[&unit()].as_ref().map(|verdict| verdict.state)
}

fn with_job(phase: &str, message: &str) -> IntegrationJob {
    let jobs = json!([{"name": "unit", "phase": phase, "message": message}]);
    pull_request(&json!([{"name": "unit"}]), &json!({"phase": "Failed", "jobs": jobs}))
}

#[test]
fn a_run_of_a_pull_request_is_judged_for_its_head_and_base() {
    let run = seen(&pull_request(&json!([{"name": "unit"}]), &json!({}))).run.expect("a run");
    assert_eq!((run.target.kind, run.target.commit.as_str()), (JobKind::PreSubmit, HEAD));
    assert_eq!(run.target.reference.to_string(), "refs/heads/main");
    assert_eq!((run.id.attempt, &*run.id.name), (1, "shop-0123456789abcdef-1"));
    let verdict = run.jobs[&unit()].as_ref().expect("a verdict");
    assert_eq!((verdict.state, &*verdict.text), (VerdictState::Queued, "queued"));
}

#[test]
fn a_run_of_a_push_is_judged_for_its_commit() {
    let mut job = pull_request(&json!([{"name": "unit"}]), &json!({}));
    job.spec.pulls.clear();
    job.spec.base.sha = Some(BASE.parse().expect("a SHA"));
    let target = seen(&job).run.expect("a run").target;
    assert_eq!((target.kind, target.commit.as_str()), (JobKind::PostSubmit, BASE));
}

#[test]
fn several_pull_requests_together_say_nothing_about_one() {
    let mut job = pull_request(&json!([{"name": "unit"}]), &json!({}));
    job.spec.pulls.push(job.spec.pulls[0].clone());
    assert!(RunFacts::of(&job).is_none());
}

#[test]
fn a_run_that_waits_for_approval_shows_nothing_whatever_it_says_of_an_approval() {
    let mut job = pull_request(&json!([{"name": "unit"}]), &json!({}));
    job.spec.awaits_approval = true;
    assert!(seen(&job).run.is_none());
    job.spec.approved = serde_json::from_value(json!({"id": 5, "author": "dora"})).expect("an approval");
    assert!(seen(&job).run.is_none());
}

#[test]
fn a_run_for_another_repository_or_host_than_its_configs_says_nothing_about_its_commits() {
    let job = pull_request(&json!([{"name": "unit"}]), &json!({}));
    let config = |host: &str, repository: &str| {
        serde_json::from_value::<IntegrationConfig>(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": "ci"},
            "spec": {"git": {"type": host, "repository": repository}},
        }))
        .expect("a config")
    };
    let (host, own) = (job.spec.host.as_str(), job.spec.repository.as_str());
    assert!(seen(&job).is_of_repository(&config(host, &own.to_uppercase())));
    assert!(!seen(&job).is_of_repository(&config(host, "evil/shop")));
    let other = if host == "gitea" { "github" } else { "gitea" };
    assert!(!seen(&job).is_of_repository(&config(other, own)));
}

#[test]
fn every_end_of_a_job_has_its_verdict() {
    for (phase, message, expected) in [
        ("Pending", "", VerdictState::Running),
        ("Running", "", VerdictState::Running),
        ("Succeeded", "", VerdictState::Success),
        ("Failed", "exit code 1", VerdictState::Failure),
        ("NotRun", "unit failed", VerdictState::Error),
        ("Cancelled", "stopped by dora", VerdictState::Error),
        (
            "Error",
            "needs secret x: only a writer's pull request from a branch of the repository gets it",
            VerdictState::NeedsSecret,
        ),
        ("Error", "the node went away", VerdictState::Error),
    ] {
        assert_eq!(verdict_of(&with_job(phase, message)), Some(expected), "{phase} {message}");
    }
}

#[test]
fn a_run_that_tidegate_stopped_has_no_verdict_for_what_had_not_ended() {
    for (reason, phase, expected) in [
        ("Superseded", "Cancelled", None),
        ("PullRequestClosed", "NotRun", None),
        ("Superseded", "Failed", Some(VerdictState::Failure)),
        ("Requested", "Cancelled", Some(VerdictState::Error)),
    ] {
        let mut job = with_job(phase, "");
        job.spec.cancel =
            serde_json::from_value(json!({"reason": reason, "message": ""})).expect("a cancellation");
        assert_eq!(verdict_of(&job), expected, "{reason} {phase}");
    }
}
