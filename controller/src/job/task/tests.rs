use serde_json::{Value, json};

use super::*;
use crate::job::fixture::{self, ended, failed_step, task_run};

fn state_of(status: &Value) -> TaskState {
    read(&task_run(status), "docker.io/library/busybox:1", None)
}

fn end_of(status: &Value) -> TaskEnd {
    match state_of(status) {
        TaskState::Ended(end) => end,
        state => panic!("{state:?}"),
    }
}

fn checkout_result(outcome: &str, detail: &str) -> Value {
    json!([{"name": "outcome", "value": outcome}, {"name": "detail", "value": detail}])
}

/// The status of an active `TaskRun`, with this reason.
fn active(reason: &str, message: &str, steps: &Value) -> Value {
    let condition = json!([{"type": "Succeeded", "status": "Unknown", "reason": reason, "message": message}]);
    json!({"conditions": condition, "startTime": "2026-01-01T00:00:00Z", "steps": steps})
}

#[test]
fn a_task_waits_until_its_pod_runs() {
    let unplaced = "pod status \"PodScheduled\":\"False\"; message: \"0/1 nodes are available\"";
    let cause = Cause::new("Unschedulable", "no node can take its pod: 0/1 nodes are available");
    let checkout = |ended: &Value| json!([{"name": "checkout", "terminated": ended}, {"name": "run"}]);
    let ended = json!({"exitCode": 0, "reason": "Completed"});
    for (status, expected) in [
        (json!({}), TaskState::Waiting(None)),
        (active("Started", "", &json!([])), TaskState::Waiting(None)),
        (active("Pending", "Pending", &json!([])), TaskState::Waiting(None)),
        (active("Pending", unplaced, &json!([])), TaskState::Waiting(Some(cause))),
        (active("Running", "", &checkout(&Value::Null)), TaskState::CheckingOut),
        (active("Running", "", &checkout(&ended)), TaskState::Running),
        (active("Running", "", &json!([{"name": "run"}])), TaskState::Running),
    ] {
        assert_eq!(state_of(&status), expected, "{status}");
    }
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
    let too_long = "\"step-run\" exited because the step exceeded the specified timeout limit";
    assert_eq!(end_of(&ended("False", "Failed", too_long, &json!({}))), TaskEnd::TimedOut);
}

#[test]
fn a_task_that_tekton_stopped_counts_as_run_once_its_checkout_had_ended() {
    let stopped = json!({"exitCode": 1, "reason": "TaskRunTimeout"});
    let done = json!({"exitCode": 0, "reason": "Completed"});
    let run = |ended: &Value| json!({"name": "run", "terminated": ended});
    let checkout = |ended: &Value| json!({"name": "checkout", "terminated": ended});
    for (steps, had_started) in [
        (json!([]), false),
        (json!([checkout(&stopped), run(&stopped)]), false),
        (json!([checkout(&done), run(&stopped)]), true),
        (json!([run(&stopped)]), true),
    ] {
        let of = |reason: &str| end_of(&ended("False", reason, "", &json!({"steps": steps})));
        assert_eq!(of("TaskRunCancelled"), TaskEnd::Cancelled { had_started }, "{steps}");
        assert_eq!(of("TaskRunTimeout") == TaskEnd::TimedOut, had_started, "{steps}");
    }
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
    let of_node = |reason: &str| {
        ended("False", "Failed", &format!("\"step-run\" exited with code 137: {reason}"), &json!({}))
    };
    let admission = "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\"";
    let admission = ended("False", "PodAdmissionFailed", admission, &json!({}));
    let init = ended("False", "Failed", "init container failed, \"prepare\" exited with code 1", &json!({}));
    for (status, reason) in [
        (evicted, "Failed"),
        (no_image, "TaskRunImagePullFailed"),
        (init, "Failed"),
        (admission, "PodAdmissionFailed"),
        (of_node("ContainerStatusUnknown"), "ContainerStatusUnknown"),
        (of_node("StartError"), "StartError"),
        (of_node("ContainerCannotRun"), "ContainerCannotRun"),
    ] {
        let end = end_of(&status);
        assert!(matches!(&end, TaskEnd::Error { reason: found, .. } if found == reason), "{end:?}");
    }
}

#[test]
fn a_failed_checkout_says_why() {
    let of = |outcome: &str| end_of(&failed_step("checkout", 1, &checkout_result(outcome, "because")));
    assert_eq!(of("conflict"), TaskEnd::Conflict("because".to_owned()));
    assert_eq!(of("superseded"), TaskEnd::Superseded("because".to_owned()));
    let odd = "conflict in \u{202e}説明書\u{85}.md\u{9b}2J\u{7}\u{2028}, ünal.rs";
    assert_eq!(
        end_of(&failed_step("checkout", 1, &checkout_result("conflict", odd))),
        TaskEnd::Conflict("conflict in 説明書.md2J, ünal.rs".to_owned())
    );
    for (outcome, reason) in
        [("unreadable", "RepositoryUnreadable"), ("error", "CheckoutFailed"), ("nonsense", "CheckoutFailed")]
    {
        let error = TaskEnd::Error { reason: reason.to_owned(), message: "because".to_owned() };
        assert_eq!(of(outcome), error);
    }
}

#[test]
fn a_checkout_that_says_nothing_ends_as_an_error_with_its_exit() {
    for (exit, expected) in [
        ("with code 137: OOMKilled", "the checkout ran out of memory"),
        ("with code 128: Error", "the checkout failed with exit code 128"),
        ("because the step exceeded the specified timeout limit", "the checkout took too long"),
    ] {
        let message = format!("\"step-checkout\" exited {exit}");
        let error = TaskEnd::Error { reason: "CheckoutFailed".to_owned(), message: expected.to_owned() };
        assert_eq!(end_of(&ended("False", "Failed", &message, &json!({}))), error);
    }
}

#[test]
fn a_missing_secret_and_a_missing_image_are_named() {
    let waiting = json!({"reason": "CreateContainerConfigError", "message": "secret \"deploy\" not found"});
    let steps = json!({"steps": [{"name": "checkout"}, {"name": "run", "waiting": waiting}]});
    let refused =
        ended("False", "CreateContainerConfigError", "Failed to create pod due to config error", &steps);
    let back_off = "the step \"run\" in TaskRun \"x\" failed to pull the image \"\". The pod errored with the message: \"no such host.\"";
    for (status, expected) in [
        (refused, "its container can't be made: secret \"deploy\" not found"),
        (
            ended("False", "TaskRunImagePullFailed", back_off, &json!({})),
            "image docker.io/library/busybox:1 can't be pulled: no such host",
        ),
    ] {
        let end = end_of(&status);
        assert!(matches!(&end, TaskEnd::Error { message, .. } if message == expected), "{end:?}");
    }
}

#[test]
fn a_job_cannot_pretend_that_its_checkout_failed_or_that_it_did_not() {
    let forged = checkout_result("superseded", "forged");
    assert_eq!(end_of(&failed_step("run", 1, &forged)), TaskEnd::Failed("exit code 1".to_owned()));
    // A step can write the exit code that Tekton shows of it, and results of any name.
    for exit_code in [0, 137] {
        let mut status = failed_step("run", 1, &forged);
        status["steps"][0]["terminated"] = json!({"exitCode": exit_code, "reason": "Error"});
        status["results"] = forged.clone();
        assert_eq!(end_of(&status), TaskEnd::Failed("exit code 1".to_owned()));
    }
}

#[test]
fn the_commit_that_was_built_is_read_from_the_checkouts_own_results() {
    let (sha, forged) = ("c".repeat(40), "f".repeat(40));
    let of_job = json!([{"name": "commit", "value": forged}, {"name": "tree", "value": forged}]);
    let commit = |status: &Value| checked_out(&task_run(status)).map(|(commit, _)| commit.to_string());
    let mut status = ended("True", "Succeeded", "", &fixture::checked_out(&sha, &of_job));
    // What a job writes as a result of the task is shown in the same object.
    status["results"] = of_job.clone();
    assert_eq!(commit(&status), Some(sha));
    let no_checkout = json!({"steps": [{"name": "run", "terminated": {"exitCode": 0}, "results": of_job}]});
    assert_eq!(commit(&ended("True", "Succeeded", "", &no_checkout)), None);
    assert_eq!(commit(&failed_step("checkout", 1, &of_job)), None, "a checkout that failed built nothing");
    let nonsense = json!({"steps": [{"name": "checkout", "terminated": {"exitCode": 0}, "results": [
        {"name": "commit", "value": "$(rm -rf /)"}, {"name": "tree", "value": 3},
    ]}]});
    assert_eq!(commit(&ended("True", "Succeeded", "", &nonsense)), None);
}

#[test]
fn only_a_step_that_ended_by_its_exit_code_may_have_been_killed() {
    assert!(end_of(&failed_step("run", 143, &json!([]))).is_by_a_step());
    assert!(end_of(&failed_step("checkout", 143, &json!([]))).is_by_a_step());
    let conflict = checkout_result("conflict", "a.txt");
    assert!(!end_of(&failed_step("checkout", 1, &conflict)).is_by_a_step());
    assert!(!end_of(&ended("False", "TaskRunImagePullFailed", "", &json!({}))).is_by_a_step());
}
