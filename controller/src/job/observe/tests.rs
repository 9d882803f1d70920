use std::sync::Arc;

use kube::core::DeserializeGuard;
use serde_json::{Value, json};

use super::*;
use crate::job::fixture::{ended, failed_step, pipeline_run, pull_request, running, task_run};

const NOW: &str = "2026-01-01T00:01:00Z";

fn tasks(progress: &[(&str, Value)]) -> Tasks {
    progress
        .iter()
        .map(|(name, status)| ((*name).to_owned(), Arc::new(DeserializeGuard(Ok(task_run(status))))))
        .collect()
}

fn observe_of(job: &IntegrationJob, run: &PipelineRun, progress: &[(&str, Value)]) -> IntegrationJobStatus {
    let tasks = tasks(progress);
    let seen = Seen { run, tasks: &tasks, deleted: &BTreeSet::new(), is_complete: false };
    observe(job, seen, NOW.parse().expect("a time")).expect("all ends are seen")
}

fn succeeded() -> Value {
    ended("True", "Succeeded", "", &json!({}))
}

fn on() -> Value {
    json!({
        "conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Running"}],
        "startTime": "2026-01-01T00:00:02Z",
    })
}

/// Phase, reason, and each job's phase and message.
fn story(status: &IntegrationJobStatus) -> (Phase, &str, Vec<(JobPhase, &str)>) {
    let jobs =
        status.jobs.iter().map(|job| (job.phase, job.message.as_deref().unwrap_or_default())).collect();
    (status.phase, &status.conditions[0].reason, jobs)
}

#[test]
fn jobs_are_followed_while_the_run_goes_on() {
    let job = running(&json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]));
    let run = pipeline_run("Unknown", "Running", &["a", "b"]);
    let status = observe_of(&job, &run, &[("a", succeeded()), ("b", on())]);
    let jobs = vec![(JobPhase::Succeeded, ""), (JobPhase::Running, ""), (JobPhase::Pending, "")];
    assert_eq!(story(&status), (Phase::Running, "Running", jobs));
    assert_eq!(status.jobs[0].started_at.as_deref(), Some("2026-01-01T00:00:02Z"));
    assert_eq!(status.jobs[0].completed_at.as_deref(), Some("2026-01-01T00:00:07Z"));
    assert_eq!(status.pipeline_run, job.metadata.name);
    assert_eq!(status.completed_at, None);
}

#[test]
fn nothing_new_changes_nothing() {
    let mut job = running(&json!([{"name": "a"}, {"name": "b"}]));
    let run = pipeline_run("False", "Cancelled", &["a", "b"]);
    let progress = [("a", succeeded())];
    let tasks = tasks(&progress);
    let seen = Seen { run: &run, tasks: &tasks, deleted: &BTreeSet::new(), is_complete: true };
    let first = observe(&job, seen, NOW.parse().expect("a time")).expect("complete");
    job.status = Some(first.clone());
    let second = observe(&job, seen, "2027-01-01T00:00:00Z".parse().expect("a time"));
    assert_eq!(second.as_ref(), Some(&first), "no time may move");
}

#[test]
fn all_good_is_success_and_names_what_was_built() {
    let job = running(&json!([{"name": "a"}, {"name": "b", "optional": true}]));
    let run = pipeline_run("True", "Completed", &["a", "b"]);
    let sha = "c".repeat(40);
    let results = json!({"results": [{"name": "commit", "value": sha}, {"name": "tree", "value": sha}]});
    let a = ended("True", "Succeeded", "", &results);
    let status = observe_of(&job, &run, &[("a", a), ("b", failed_step("run", 1, &json!([])))]);
    let jobs = vec![(JobPhase::Succeeded, ""), (JobPhase::Failed, "exit code 1")];
    assert_eq!(story(&status), (Phase::Succeeded, "Succeeded", jobs));
    assert_eq!(status.merged_sha.as_ref().map(ToString::to_string), Some(sha));
    assert_eq!(status.completed_at.as_deref(), Some(NOW));
}

#[test]
fn what_comes_after_a_failed_job_is_not_run() {
    let job = running(&json!([
        {"name": "first"},
        {"name": "a"},
        {"name": "b", "after": ["a"]},
        {"name": "c", "after": ["b"]},
        {"name": "d"},
        {"name": "e", "after": ["d"]},
    ]));
    let run = pipeline_run("False", "Failed", &["first", "a", "d"]);
    let failed = failed_step("run", 1, &json!([]));
    let status = observe_of(&job, &run, &[("first", failed.clone()), ("a", failed), ("d", succeeded())]);
    let jobs = vec![
        (JobPhase::Failed, "exit code 1"),
        (JobPhase::Failed, "exit code 1"),
        (JobPhase::NotRun, "a failed"),
        (JobPhase::NotRun, "a failed"),
        (JobPhase::Succeeded, ""),
        // Tekton starts nothing more once a task failed.
        (JobPhase::NotRun, "first failed"),
    ];
    assert_eq!(story(&status), (Phase::Failed, "JobFailed", jobs));
    assert_eq!(status.conditions[0].message, "failed: first, a");
}

#[test]
fn a_required_job_that_an_optional_one_kept_from_running_is_no_success() {
    let job = running(&json!([{"name": "a", "optional": true}, {"name": "b", "after": ["a"]}]));
    let run = pipeline_run("False", "Failed", &["a"]);
    let status = observe_of(&job, &run, &[("a", failed_step("run", 1, &json!([])))]);
    assert_eq!((status.phase, &*status.conditions[0].reason), (Phase::Failed, "JobNotRun"));
}

#[test]
fn a_conflict_is_every_jobs_failure_but_of_those_without_code() {
    let job = running(
        &json!([{"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c", "skipCheckout": true, "after": ["a"]}]),
    );
    let run = pipeline_run("False", "Failed", &["a"]);
    let results =
        json!([{"name": "outcome", "value": "conflict"}, {"name": "detail", "value": "conflict in a.txt"}]);
    let status = observe_of(&job, &run, &[("a", failed_step("checkout", 1, &results))]);
    let message = "can't be merged: conflict in a.txt";
    let jobs = vec![(JobPhase::Failed, message), (JobPhase::Failed, message), (JobPhase::NotRun, "a failed")];
    assert_eq!(story(&status), (Phase::Failed, "MergeConflict", jobs));
    assert_eq!(status.conditions[0].message, message);
}

#[test]
fn a_head_that_is_gone_cancels_the_run() {
    let job = running(&json!([{"name": "a"}, {"name": "b"}]));
    let run = pipeline_run("False", "Failed", &["a"]);
    let results =
        json!([{"name": "outcome", "value": "superseded"}, {"name": "detail", "value": "#7 moved"}]);
    let status = observe_of(&job, &run, &[("a", failed_step("checkout", 1, &results))]);
    let jobs = vec![(JobPhase::Cancelled, "superseded: #7 moved"); 2];
    assert_eq!(story(&status), (Phase::Cancelled, "Superseded", jobs));
}

#[test]
fn an_unreadable_repository_is_an_error() {
    let job = running(&json!([{"name": "a"}]));
    let run = pipeline_run("False", "Failed", &["a"]);
    let results =
        json!([{"name": "outcome", "value": "unreadable"}, {"name": "detail", "value": "who are you"}]);
    let status = observe_of(&job, &run, &[("a", failed_step("checkout", 1, &results))]);
    assert_eq!(
        story(&status),
        (Phase::Error, "RepositoryUnreadable", vec![(JobPhase::Error, "who are you")])
    );
}

#[test]
fn time_limits_are_told_from_failures() {
    let job = running(&json!([{"name": "a", "timeout": "10m"}, {"name": "b"}]));
    let run = pipeline_run("False", "Failed", &["a", "b"]);
    let timeout = ended("False", "TaskRunTimeout", "", &json!({}));
    let status = observe_of(&job, &run, &[("a", timeout), ("b", succeeded())]);
    let jobs = vec![(JobPhase::Failed, "timed out after 10m"), (JobPhase::Succeeded, "")];
    assert_eq!(story(&status), (Phase::Failed, "TimedOut", jobs));

    let run = pipeline_run("False", "PipelineRunTimeout", &["a"]);
    let stopped = ended("False", "TaskRunCancelled", "", &json!({}));
    let status = observe_of(&job, &run, &[("a", stopped)]);
    let jobs =
        vec![(JobPhase::Failed, "timed out after 1h"), (JobPhase::NotRun, "the run timed out after 1h")];
    assert_eq!(story(&status), (Phase::Failed, "TimedOut", jobs));
}

#[test]
fn a_run_that_tekton_refuses_is_an_error_with_its_reason() {
    let job = running(&json!([{"name": "a"}]));
    let status = observe_of(&job, &pipeline_run("False", "CouldntGetTask", &[]), &[]);
    assert_eq!(story(&status), (Phase::Error, "CouldntGetTask", vec![(JobPhase::Error, "what Tekton says")]));
    assert!(status.conditions[0].message.contains("what Tekton says"));
}

#[test]
fn a_pod_that_cannot_start_is_an_error() {
    let job = running(&json!([{"name": "a"}]));
    let failed = ended("False", "TaskRunImagePullFailed", "no such image", &json!({}));
    let status = observe_of(&job, &pipeline_run("False", "Failed", &["a"]), &[("a", failed)]);
    assert_eq!(
        story(&status),
        (Phase::Error, "TaskRunImagePullFailed", vec![(JobPhase::Error, "no such image")])
    );
}

#[test]
fn a_cancelled_run_ends_with_the_reason_of_the_order() {
    let mut job = running(&json!([{"name": "a"}, {"name": "b"}]));
    let run = pipeline_run("False", "Cancelled", &["a"]);
    let progress = [("a", ended("False", "TaskRunCancelled", "", &json!({})))];
    let status = observe_of(&job, &run, &progress);
    assert_eq!((status.phase, &*status.conditions[0].reason), (Phase::Cancelled, "PipelineRunCancelled"));
    let order = json!({"reason": "Superseded", "message": "superseded by cccc"});
    job.spec.cancel = serde_json::from_value(order).expect("a cancel");
    let status = observe_of(&job, &run, &progress);
    assert_eq!(
        story(&status),
        (Phase::Cancelled, "Superseded", vec![(JobPhase::Cancelled, "superseded by cccc"); 2])
    );
}

#[test]
fn the_end_of_a_run_waits_for_the_ends_of_its_tasks() {
    let job = pull_request(&json!([{"name": "a"}]), &json!({"phase": "Running"}));
    let run = pipeline_run("True", "Succeeded", &["a"]);
    let now = NOW.parse().expect("a time");
    for progress in [vec![], vec![("a", on())]] {
        let tasks = tasks(&progress);
        assert_eq!(
            observe(
                &job,
                Seen { run: &run, tasks: &tasks, deleted: &BTreeSet::new(), is_complete: false },
                now
            ),
            None
        );
        assert!(
            observe(
                &job,
                Seen { run: &run, tasks: &tasks, deleted: &BTreeSet::new(), is_complete: true },
                now
            )
            .is_some()
        );
    }
}

#[test]
fn a_job_whose_pod_was_deleted_could_not_be_run_and_did_not_fail() {
    let job = running(&json!([{"name": "a"}]));
    let run = pipeline_run("False", "Failed", &["a"]);
    let tasks = tasks(&[("a", failed_step("a", 143, &json!([])))]);
    let deleted = BTreeSet::from(["a".to_owned()]);
    let seen = Seen { run: &run, tasks: &tasks, deleted: &deleted, is_complete: true };
    let status = observe(&job, seen, NOW.parse().expect("a time")).expect("complete");
    assert_eq!(story(&status), (Phase::Error, "PodDeleted", vec![(JobPhase::Error, "its pod was deleted")]));
}
