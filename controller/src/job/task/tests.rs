use serde_json::{Value, json};

use super::*;
use crate::job::fixture::{ended, failed_step, task_run};

fn end_of(status: &Value) -> TaskEnd {
    match read(&task_run(status)) {
        TaskState::Ended(end) => end,
        state => panic!("{state:?}"),
    }
}

fn checkout_result(outcome: &str, detail: &str) -> Value {
    json!([{"name": "outcome", "value": outcome}, {"name": "detail", "value": detail}])
}

#[test]
fn a_task_waits_until_its_pod_started() {
    let condition = json!([{"type": "Succeeded", "status": "Unknown", "reason": "Pending"}]);
    assert_eq!(read(&task_run(&json!({}))), TaskState::Waiting);
    assert_eq!(read(&task_run(&json!({"conditions": condition}))), TaskState::Waiting);
    let started = json!({"conditions": condition, "startTime": "2026-01-01T00:00:00Z"});
    assert_eq!(read(&task_run(&started)), TaskState::Running);
}

#[test]
fn the_codes_own_faults_are_failures() {
    assert_eq!(end_of(&ended("True", "Succeeded", "", &json!({}))), TaskEnd::Succeeded);
    assert_eq!(end_of(&failed_step("run", 3, &json!([]))), TaskEnd::Failed("exit code 3".to_owned()));
    let ignored = ended(
        "False",
        "FailureIgnored",
        "\"step-run\" exited with code 137: OOMKilled",
        &json!({"steps": [{"name": "run", "terminated": {"exitCode": 137, "reason": "OOMKilled"}}]}),
    );
    assert_eq!(end_of(&ignored), TaskEnd::Failed("out of memory".to_owned()));
    assert_eq!(end_of(&ended("False", "TaskRunTimeout", "", &json!({}))), TaskEnd::TimedOut);
    assert_eq!(end_of(&ended("False", "TaskRunCancelled", "", &json!({}))), TaskEnd::Cancelled);
}

#[test]
fn what_fails_around_the_code_is_an_error() {
    let evicted = ended(
        "False",
        "Failed",
        "The node was low on resource: memory.",
        &json!({"steps": [{"name": "run", "terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}]}),
    );
    let no_image = ended("False", "TaskRunImagePullFailed", "the image can't be pulled", &json!({}));
    let init = ended("False", "Failed", "init container failed, \"prepare\" exited with code 1", &json!({}));
    for (status, reason) in [(evicted, "Failed"), (no_image, "TaskRunImagePullFailed"), (init, "Failed")] {
        let end = end_of(&status);
        assert!(matches!(&end, TaskEnd::Error { reason: found, .. } if found == reason), "{end:?}");
    }
}

#[test]
fn a_failed_checkout_says_why() {
    let of = |outcome: &str| end_of(&failed_step("checkout", 1, &checkout_result(outcome, "because")));
    assert_eq!(of("conflict"), TaskEnd::Conflict("because".to_owned()));
    assert_eq!(of("superseded"), TaskEnd::Superseded("because".to_owned()));
    for (outcome, reason) in
        [("unreadable", "RepositoryUnreadable"), ("error", "CheckoutFailed"), ("nonsense", "CheckoutFailed")]
    {
        let error = TaskEnd::Error { reason: reason.to_owned(), message: "because".to_owned() };
        assert_eq!(of(outcome), error);
    }
}

#[test]
fn a_job_cannot_pretend_that_its_checkout_failed() {
    let status = failed_step("run", 1, &checkout_result("superseded", "forged"));
    assert_eq!(end_of(&status), TaskEnd::Failed("exit code 1".to_owned()));
}

#[test]
fn the_commit_that_was_built_is_read_from_the_results() {
    let sha = "c".repeat(40);
    let results = json!([{"name": "commit", "value": sha}, {"name": "tree", "value": sha}]);
    let run = task_run(&ended("True", "Succeeded", "", &json!({"results": results})));
    assert_eq!(checked_out(&run).map(|(commit, _)| commit.to_string()), Some(sha));
    let nonsense = json!([{"name": "commit", "value": "$(rm -rf /)"}, {"name": "tree", "value": 3}]);
    assert_eq!(checked_out(&task_run(&ended("True", "Succeeded", "", &json!({"results": nonsense})))), None);
}

#[test]
fn only_a_step_that_ended_by_its_exit_code_may_have_been_killed() {
    assert!(end_of(&failed_step("run", 143, &json!([]))).is_by_a_step());
    assert!(end_of(&failed_step("checkout", 143, &json!([]))).is_by_a_step());
    let conflict = checkout_result("conflict", "a.txt");
    assert!(!end_of(&failed_step("checkout", 1, &conflict)).is_by_a_step());
    assert!(!end_of(&ended("False", "TaskRunImagePullFailed", "", &json!({}))).is_by_a_step());
}
