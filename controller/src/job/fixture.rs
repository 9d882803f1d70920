//! Objects for the tests of the loops.

use serde_json::{Value, json};
use tidegate_resources::{IntegrationJob, PipelineRun, TaskRun};

pub(crate) const HEAD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const BASE: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// An `IntegrationJob` of pull request 7 with these jobs (each at least `{"name": …}`) and this status.
pub(crate) fn pull_request(jobs: &Value, status: &Value) -> IntegrationJob {
    let jobs: Vec<Value> = jobs
        .as_array()
        .expect("a list")
        .iter()
        .map(|job| merged(json!({"image": "rust", "script": "cargo test"}), job))
        .collect();
    from(json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "IntegrationJob",
        "metadata": {
            "name": "shop-0123456789abcdef-1",
            "namespace": "ci",
            "uid": "job-uid",
            "resourceVersion": "1",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"tidegate.dev/repository": "digest-of-repository", "tidegate.dev/ref": "digest-of-ref"},
            "annotations": {
                "tidegate.dev/repository": "acme/shop",
                "tidegate.dev/ref": "refs/heads/main",
                "tidegate.dev/delivery": "d-1",
                "tidegate.dev/traceparent": "00-00000000000000000000000000000001-0000000000000002-01",
                "tidegate.dev/received-at-ms": "7",
            },
        },
        "spec": {
            "config": {"name": "shop", "uid": "config-uid"},
            "host": "gitea",
            "repository": "acme/shop",
            "trigger": {"type": "PullRequest"},
            "base": {"ref": "refs/heads/main"},
            "pulls": [{"number": 7, "sha": HEAD, "author": "dev"}],
            "jobs": jobs,
            "timeout": "1h",
        },
        "status": merged(json!({"phase": "Queued"}), status),
    }))
}

/// The same, with a slot.
pub(crate) fn running(jobs: &Value) -> IntegrationJob {
    pull_request(jobs, &json!({"phase": "Running", "baseSha": BASE, "startedAt": "2026-01-01T00:00:01Z"}))
}

/// Its `PipelineRun`, whose condition has this status and reason, with the tasks of these jobs.
pub(crate) fn pipeline_run(status: &str, reason: &str, tasks: &[&str]) -> PipelineRun {
    let children: Vec<Value> =
        tasks.iter().map(|task| json!({"name": format!("run-{task}"), "pipelineTaskName": task})).collect();
    from(json!({
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": "shop-0123456789abcdef-1", "namespace": "ci"},
        "spec": {"pipelineSpec": {"tasks": []}},
        "status": {
            "conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": "what Tekton says"}],
            "childReferences": children,
        },
    }))
}

/// A `TaskRun` with this status.
pub(crate) fn task_run(status: &Value) -> TaskRun {
    from(json!({
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"name": "run", "namespace": "ci"},
        "spec": {},
        "status": status,
    }))
}

/// The status of a `TaskRun` that ended.
pub(crate) fn ended(status: &str, reason: &str, message: &str, more: &Value) -> Value {
    let base = json!({
        "conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": message}],
        "startTime": "2026-01-01T00:00:02Z",
        "completionTime": "2026-01-01T00:00:07Z",
    });
    merged(base, more)
}

/// The status of a `TaskRun` whose step failed, with what that step wrote as results.
pub(crate) fn failed_step(step: &str, exit_code: i32, results: &Value) -> Value {
    ended(
        "False",
        "Failed",
        &format!("\"step-{step}\" exited with code {exit_code}: Error"),
        &json!({
            "steps": [{
                "name": step,
                "container": format!("step-{step}"),
                "terminated": {"exitCode": exit_code, "reason": "Error"},
                "results": results,
            }],
        }),
    )
}

/// The steps of a task whose checkout built this commit and tree, and whose job wrote these results and ended.
pub(crate) fn checked_out(sha: &str, of_job: &Value) -> Value {
    let results = json!([{"name": "commit", "value": sha}, {"name": "tree", "value": sha}]);
    let ended = json!({"exitCode": 0, "reason": "Completed"});
    json!({"steps": [
        {"name": "checkout", "terminated": ended, "results": results},
        {"name": "run", "terminated": ended, "results": of_job},
    ]})
}

fn merged(mut base: Value, more: &Value) -> Value {
    let fields = base.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    base
}

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a valid object")
}
