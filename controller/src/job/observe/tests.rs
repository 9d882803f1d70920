use std::{collections::BTreeMap, sync::Arc};

use kube::core::DeserializeGuard;
use serde_json::{Value, json};

use super::*;
use crate::job::fixture::{self, ended, failed_step, pipeline_run, pull_request, running, task_run};

const NOW: &str = "2026-01-01T00:01:00Z";

fn tasks(progress: &[(&str, Value)]) -> Tasks {
    progress
        .iter()
        .map(|(name, status)| ((*name).to_owned(), Arc::new(DeserializeGuard(Ok(task_run(status))))))
        .collect()
}

fn seen<'a>(run: &'a PipelineRun, tasks: &'a Tasks, pods: &'a PodFacts) -> ObservedRun<'a> {
    ObservedRun { run, tasks, pods, is_complete: false, is_over: false }
}

fn observe_of(job: &IntegrationJob, run: &PipelineRun, progress: &[(&str, Value)]) -> IntegrationJobStatus {
    let (tasks, pods) = (tasks(progress), PodFacts::default());
    observe(job, seen(run, &tasks, &pods), NOW.parse().expect("a time")).expect("all ends are seen")
}

/// The same when the time of the run is over.
fn over(job: &IntegrationJob, run: &PipelineRun, progress: &[(&str, Value)]) -> IntegrationJobStatus {
    let (tasks, pods) = (tasks(progress), PodFacts::default());
    let seen = ObservedRun { is_over: true, ..seen(run, &tasks, &pods) };
    observe(job, seen, NOW.parse().expect("a time")).expect("nothing is awaited")
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

/// A task whose pod finds no node.
fn unplaced() -> Value {
    let message = "pod status \"PodScheduled\":\"False\"; message: \"0/1 nodes are available\"";
    json!({
        "conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Pending", "message": message}],
        "startTime": "2026-01-01T00:00:02Z",
    })
}

/// A task whose checkout has not ended.
fn checking_out() -> Value {
    let mut status = on();
    status["steps"] = json!([{"name": "checkout"}, {"name": "run"}]);
    status
}

fn started(status: &IntegrationJobStatus) -> Option<(bool, &str)> {
    let condition = status.conditions.iter().find(|condition| condition.type_ == limit::STARTED)?;
    Some((limit::has_started(status), &condition.message))
}

const NO_NODE: &str = "no node can take its pod: 0/1 nodes are available";

/// Phase, reason, and each job's phase and message.
fn story(status: &IntegrationJobStatus) -> (Phase, &str, Vec<(JobPhase, &str)>) {
    let jobs =
        status.jobs.iter().map(|job| (job.phase, job.message.as_deref().unwrap_or_default())).collect();
    (status.phase, &status.conditions[0].reason, jobs)
}

#[test]
fn jobs_are_followed_while_the_run_is_active() {
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
    let (tasks, pods) = (tasks(&progress), PodFacts::default());
    let seen = ObservedRun { is_complete: true, ..seen(&run, &tasks, &pods) };
    let first = observe(&job, seen, NOW.parse().expect("a time")).expect("complete");
    job.status = Some(first.clone());
    let second = observe(&job, seen, "2027-01-01T00:00:00Z".parse().expect("a time"));
    assert_eq!(second.as_ref(), Some(&first), "no time may move");
}

#[test]
fn a_task_that_a_restarted_controller_has_not_seen_yet_keeps_its_job_as_it_was() {
    let mut job = running(&json!([{"name": "a"}, {"name": "b"}]));
    let run = pipeline_run("Unknown", "Running", &["a"]);
    let known = observe_of(&job, &run, &[("a", on())]);
    job.status = Some(known.clone());
    assert_eq!(observe_of(&job, &run, &[]), known);
}

#[test]
fn all_good_is_success_and_names_what_was_built() {
    let job = running(&json!([{"name": "a"}, {"name": "b", "optional": true}]));
    let run = pipeline_run("True", "Completed", &["a", "b"]);
    let sha = "c".repeat(40);
    let a = ended("True", "Succeeded", "", &fixture::checked_out(&sha, &json!([])));
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
fn a_time_limit_is_reported_as_a_timeout_and_not_as_an_exit_code() {
    let job = running(&json!([{"name": "a", "timeout": "10m"}, {"name": "b"}]));
    let run = pipeline_run("False", "Failed", &["a", "b"]);
    let too_long = "\"step-run\" exited because the step exceeded the specified timeout limit";
    let timeout = ended("False", "Failed", too_long, &json!({}));
    let status = observe_of(&job, &run, &[("a", timeout), ("b", succeeded())]);
    let jobs = vec![(JobPhase::Failed, "timed out after 10m"), (JobPhase::Succeeded, "")];
    assert_eq!(story(&status), (Phase::Failed, "TimedOut", jobs));
}

#[test]
fn only_a_job_that_ran_fails_when_the_time_of_its_run_is_over() {
    let after = json!([{"name": "a"}, {"name": "b"}, {"name": "c", "after": ["b"]}]);
    let job = running(&after);
    let run = pipeline_run("Unknown", "Running", &["a", "b"]);
    let waits = (JobPhase::NotRun, "the run timed out after 1h");
    let no_place = format!("its pod did not start within 1h: {NO_NODE}");
    let no_checkout = (JobPhase::Error, "the checkout did not end within 1h");
    for (b, entry, phase, reason) in [
        (on(), (JobPhase::Failed, "timed out after 1h"), Phase::Failed, "TimedOut"),
        (unplaced(), (JobPhase::Error, no_place.as_str()), Phase::Error, "Unschedulable"),
        (checking_out(), no_checkout, Phase::Error, "CheckoutTimedOut"),
    ] {
        let status = over(&job, &run, &[("a", succeeded()), ("b", b)]);
        assert_eq!(story(&status), (phase, reason, vec![(JobPhase::Succeeded, ""), entry, waits]));
        assert_eq!(status.completed_at.as_deref(), Some(NOW));
    }
    // What ended in time keeps its end, and a person's order goes first.
    let all = [("a", succeeded()), ("b", succeeded()), ("c", succeeded())];
    assert_eq!(
        over(&job, &pipeline_run("True", "Succeeded", &["a", "b", "c"]), &all).phase,
        Phase::Succeeded
    );
    let mut cancelled = running(&after);
    let order = json!({"reason": "Superseded", "message": "superseded by cccc"});
    cancelled.spec.cancel = serde_json::from_value(order).expect("a cancel");
    assert_eq!(over(&cancelled, &run, &[("a", succeeded()), ("b", on())]).phase, Phase::Running);
}

#[test]
fn tekton_stops_what_nobody_stopped_with_the_same_verdicts() {
    let job = running(&json!([{"name": "a"}, {"name": "b"}]));
    let run = pipeline_run("False", "PipelineRunTimeout", &["a"]);
    let stopped = |steps: Value| ended("False", "TaskRunCancelled", "", &json!({"steps": steps}));
    let status = observe_of(&job, &run, &[("a", stopped(json!([{"name": "run"}])))]);
    let jobs =
        vec![(JobPhase::Failed, "timed out after 1h"), (JobPhase::NotRun, "the run timed out after 1h")];
    assert_eq!(story(&status), (Phase::Failed, "TimedOut", jobs));
    let status = observe_of(&job, &run, &[("a", stopped(json!([])))]);
    let jobs = vec![
        (JobPhase::Error, "its pod did not start within 1h"),
        (JobPhase::NotRun, "the run timed out after 1h"),
    ];
    assert_eq!(story(&status), (Phase::Error, "TimedOut", jobs));
}

#[test]
fn a_pod_without_a_place_is_pending_with_the_reason() {
    let job = running(&json!([{"name": "a"}, {"name": "b"}]));
    let run = pipeline_run("Unknown", "Running", &["a", "b"]);
    let status = observe_of(&job, &run, &[("a", unplaced())]);
    let jobs = vec![(JobPhase::Pending, NO_NODE), (JobPhase::Pending, "")];
    assert_eq!(story(&status), (Phase::Running, "Running", jobs));
    assert_eq!(started(&status), Some((false, NO_NODE)));
    // From the first pod on, the time of the run counts.
    let mut job = job;
    job.status = Some(status);
    let status = observe_of(&job, &run, &[("a", unplaced()), ("b", on())]);
    assert_eq!(story(&status).2, [(JobPhase::Pending, NO_NODE), (JobPhase::Running, "")]);
    assert_eq!(started(&status), Some((true, "")));
    job.status = Some(status);
    let status = observe_of(&job, &run, &[("a", unplaced()), ("b", succeeded())]);
    assert_eq!(started(&status), Some((true, "")));
}

#[test]
fn the_scheduler_says_why_no_node_has_room() {
    let job = running(&json!([{"name": "a"}]));
    let run = pipeline_run("Unknown", "Running", &["a"]);
    let mut no_room = unplaced();
    no_room["conditions"][0]["reason"] = "ExceededNodeResources".into();
    let tasks = tasks(&[("a", no_room)]);
    let said = "0/1 nodes are available: 1 Insufficient cpu.".to_owned();
    let pods = PodFacts { scheduler: BTreeMap::from([("a".to_owned(), said)]), ..PodFacts::default() };
    let status = observe(&job, seen(&run, &tasks, &pods), NOW.parse().expect("a time")).expect("complete");
    let message = "no node has room for its pod: 0/1 nodes are available: 1 Insufficient cpu.";
    assert_eq!(story(&status).2, [(JobPhase::Pending, message)]);
}

#[test]
fn a_job_behind_a_failed_one_ends_at_once() {
    let job = running(&json!([
        {"name": "a", "optional": true},
        {"name": "b", "after": ["a"]},
        {"name": "c", "after": ["b"]},
        {"name": "d"},
        {"name": "e", "after": ["d"]},
    ]));
    let failed = failed_step("run", 1, &json!([]));
    let progress = [("a", failed), ("d", on())];
    let behind = (JobPhase::NotRun, "a failed");
    let ran = [(JobPhase::Failed, "exit code 1"), behind, behind, (JobPhase::Running, "")];
    // Tekton has not said yet that it starts nothing more.
    let status = observe_of(&job, &pipeline_run("Unknown", "Running", &["a", "d"]), &progress);
    assert_eq!(status.phase, Phase::Running);
    assert_eq!(story(&status).2, [&ran[..], &[(JobPhase::Pending, "")]].concat());
    let stopping = pipeline_run("Unknown", "PipelineRunStopping", &["a", "d"]);
    assert_eq!(story(&observe_of(&job, &stopping, &progress)).2, [&ran[..], &[behind]].concat());
    // A task that was made before that does run, though it has not been seen.
    let made = pipeline_run("Unknown", "PipelineRunStopping", &["a", "d", "e"]);
    assert_eq!(story(&observe_of(&job, &made, &progress)).2, [&ran[..], &[(JobPhase::Pending, "")]].concat());
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
        (
            Phase::Error,
            "TaskRunImagePullFailed",
            vec![(JobPhase::Error, "image rust can't be pulled: no such image")]
        )
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
        let (tasks, pods) = (tasks(&progress), PodFacts::default());
        let incomplete = seen(&run, &tasks, &pods);
        assert_eq!(observe(&job, incomplete, now), None);
        assert!(observe(&job, ObservedRun { is_complete: true, ..incomplete }, now).is_some());
    }
}

#[test]
fn a_job_whose_pod_was_deleted_could_not_be_run_and_did_not_fail() {
    let job = running(&json!([{"name": "a"}]));
    let run = pipeline_run("False", "Failed", &["a"]);
    let tasks = tasks(&[("a", failed_step("a", 143, &json!([])))]);
    let lost = BTreeMap::from([("a".to_owned(), task::POD_DELETED.to_owned())]);
    let pods = PodFacts { lost, ..PodFacts::default() };
    let seen = ObservedRun { is_complete: true, ..seen(&run, &tasks, &pods) };
    let status = observe(&job, seen, NOW.parse().expect("a time")).expect("complete");
    assert_eq!(story(&status), (Phase::Error, "PodDeleted", vec![(JobPhase::Error, "its pod was deleted")]));
}
