use super::*;

/// Two chains: `a` before `b`, and `c` alone.
fn tasks(on_error: Option<&str>) -> Vec<PipelineTask> {
    let task = |name: &str, after: &[&str]| PipelineTask {
        name: name.to_owned(),
        run_after: after.iter().map(ToString::to_string).collect(),
        on_error: on_error.map(ToOwned::to_owned),
        ..PipelineTask::default()
    };
    vec![task("a", &[]), task("b", &["a"]), task("c", &[])]
}

/// What starts, what is skipped, the reason and the message.
fn judge(
    states: [TaskState; 3],
    on_error: Option<&str>,
    cancelled: bool,
) -> (String, usize, &'static str, String) {
    let tasks = tasks(on_error);
    let plan = plan("run", &tasks, &states, cancelled);
    let start: Vec<&str> = plan.start.iter().map(|task| task.name.as_str()).collect();
    (start.join(","), plan.skipped.len(), plan.verdict.reason, plan.verdict.message)
}

use TaskState::{Cancelled, Failed, NotStarted, Running, Succeeded as Done};

#[test]
fn tasks_start_when_those_before_have_succeeded() {
    let (start, _, reason, message) = judge([NotStarted; 3], None, false);
    assert_eq!((start.as_str(), reason), ("a,c", "Running"));
    assert_eq!(message, "Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 3, Skipped: 0");
    assert_eq!(judge([Done, NotStarted, Running], None, false).0, "b");
    let (_, _, reason, message) = judge([Done; 3], None, false);
    assert_eq!(
        (reason, message.as_str()),
        ("Succeeded", "Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0")
    );
}

#[test]
fn a_failure_stops_new_tasks_and_waits_for_the_running() {
    let (start, skipped, reason, message) = judge([Failed, NotStarted, Running], None, false);
    assert_eq!((start.as_str(), skipped, reason), ("", 1, "PipelineRunStopping"));
    assert_eq!(message, "Tasks Completed: 1 (Failed: 1, Cancelled 0), Incomplete: 1, Skipped: 1");
    let (_, _, reason, message) = judge([Failed, NotStarted, Done], None, false);
    assert_eq!(
        (reason, message.as_str()),
        ("Failed", "Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1")
    );
}

#[test]
fn an_ignored_failure_stops_nothing() {
    assert_eq!(judge([Failed, NotStarted, Done], Some("continue"), false).0, "b");
    let (_, _, reason, message) = judge([Failed, Done, Done], Some("continue"), false);
    assert_eq!(
        (reason, message.as_str()),
        ("Succeeded", "Tasks Completed: 3 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0")
    );
}

#[test]
fn a_cancelled_run_waits_for_its_tasks_with_reason_cancelled() {
    let (start, skipped, reason, _) = judge([Running, NotStarted, NotStarted], None, true);
    assert_eq!((start.as_str(), skipped, reason), ("", 2, "CancelledRunningFinally"));
    let (_, _, reason, message) = judge([Cancelled, NotStarted, NotStarted], None, true);
    assert_eq!((reason, message.as_str()), ("Cancelled", "PipelineRun \"run\" was cancelled"));
    assert_eq!(judge([Cancelled, NotStarted, Done], None, false).2, "Cancelled");
}
