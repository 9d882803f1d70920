//! What becomes of a `PipelineRun` that runs to its end: processes, logs, results, statuses.

use crate::bench::{Bench, task, task_after};
use anyhow::Context as _;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt as _, api::PostParams};
use serde_json::{Value, json};

#[tokio::test]
async fn tasks_run_one_after_the_other_and_leave_results() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let first = json!({"name": "first", "taskSpec": {
        "steps": [
            {"name": "write", "image": "none", "workingDir": "/workspace/source", "command": ["sh", "-c"],
             "results": [{"name": "sha", "type": "string"}, {"name": "unwritten", "type": "string"}],
             "args": ["echo $GREETING > file; printf %s abc > $(step.results.sha.path)"],
             "env": [{"name": "GREETING", "value": "hello from $(context.taskRun.name)"}]},
            {"name": "read", "image": "none", "workingDir": "/workspace/source",
             "script": "#!/usr/bin/env sh\ncat file\necho \"$1 $HOME\"\nenv", "args": ["argument"]},
        ],
    }});
    let second = json!({"name": "second", "runAfter": ["first"], "taskSpec": {"steps": [
        {"name": "run", "image": "none", "script": "ls -A\npwd"},
    ]}});
    bench.create(json!([first, second])).await?;
    let (run, verdict) = bench.ended().await?;
    assert_eq!(verdict, "True Succeeded: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0");
    let status = run.status.context("no status")?;
    assert!(status.start_time.is_some() && status.completion_time.is_some());
    let children: Vec<_> = status
        .child_references
        .iter()
        .map(|child| (child.name.as_str(), child.pipeline_task_name.as_str(), child.kind.as_str()))
        .collect();
    assert_eq!(children, [("run-first", "first", "TaskRun"), ("run-second", "second", "TaskRun")]);

    let (first, verdict) = bench.task("first").await?;
    assert_eq!(verdict, "True Succeeded: All Steps have completed executing");
    let labels = first.labels();
    assert_eq!(labels["tekton.dev/pipelineRun"], "run");
    assert_eq!(labels["tekton.dev/pipelineTask"], "first");
    assert_eq!(labels["tidegate.dev/integration-job"], "job");
    let status = first.status.context("no status")?;
    assert_eq!(status.pod_name.as_deref(), Some("run-first-pod"));
    let results = &status.steps[0].results;
    assert_eq!(results.len(), 1);
    assert_eq!((results[0].name.as_str(), &results[0].value), ("sha", &json!("abc")));
    assert!(status.steps[1].results.is_empty());
    let steps: Vec<_> = status
        .steps
        .iter()
        .map(|step| {
            let terminated = step.terminated.clone().unwrap_or_default();
            (step.container.as_str(), terminated.exit_code, terminated.reason)
        })
        .collect();
    assert_eq!(steps, [("step-write", 0, "Completed".to_owned()), ("step-read", 0, "Completed".to_owned())]);

    let log = bench.log("first", "read")?;
    assert!(log.starts_with("hello from run-first\nargument /"), "{log}");
    assert!(!log.contains("CARGO"), "the environment is clean: {log}");
    let log = bench.log("second", "run")?;
    assert!(log.ends_with("/workspace\n") && log.lines().count() == 1, "nothing is shared: {log}");
    let work_dir = bench.work_dir.path().join("cluster/tasks");
    bench.cluster.stop().await?;
    assert_eq!(std::fs::read_dir(work_dir)?.count(), 0, "directories are left behind");
    Ok(())
}

#[tokio::test]
async fn a_failing_step_ends_its_task_and_keeps_the_results() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let fails = json!({"name": "fails", "taskSpec": {
        "steps": [
            {"name": "bad", "image": "none", "results": [{"name": "why", "type": "string"}],
             "script": "printf conflict > $(step.results.why.path)\nexit 3"},
            {"name": "never", "image": "none", "script": "echo no"},
        ],
    }});
    bench.create(json!([fails, task_after("fails", "after")])).await?;
    let (_, verdict) = bench.ended().await?;
    assert_eq!(verdict, "False Failed: Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 1");
    let (run, verdict) = bench.task("fails").await?;
    assert_eq!(verdict, "False Failed: \"step-bad\" exited with code 3: Error");
    let status = run.status.context("no status")?;
    assert_eq!(status.steps[0].results[0].value, json!("conflict"));
    let codes: Vec<_> = status
        .steps
        .iter()
        .map(|step| step.terminated.as_ref().map(|terminated| terminated.exit_code))
        .collect();
    assert_eq!(codes, [Some(3), Some(1)]);
    assert!(bench.log("fails", "never").is_err(), "a step behind a failed one ran");
    assert!(bench.task_runs.get_opt("run-after").await?.is_none());

    let request =
        http::Request::get("/apis/tekton.dev/v1/namespaces/default/pipelineruns/run").body(vec![])?;
    let run: Value = bench.cluster.client()?.request(request).await?;
    assert_eq!(
        run["status"]["skippedTasks"],
        json!([{"name": "after", "reason": "PipelineRun was stopping"}])
    );
    bench.cluster.stop().await
}

#[tokio::test]
async fn an_ignored_failure_lets_the_run_succeed() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let mut optional = task("optional", "exit 1");
    optional["onError"] = "continue".into();
    bench.create(json!([optional, task_after("optional", "after")])).await?;
    let (_, verdict) = bench.ended().await?;
    assert_eq!(
        verdict,
        "True Succeeded: Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0"
    );
    assert_eq!(
        bench.task("optional").await?.1,
        "False FailureIgnored: \"step-run\" exited with code 1: Error"
    );
    bench.cluster.stop().await
}

#[tokio::test]
async fn secrets_reach_the_environment_or_the_task_fails() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let secrets: Api<Secret> = Api::default_namespaced(bench.cluster.client()?);
    let secret = json!({"metadata": {"name": "present"}, "stringData": {"token": "s3cret"}});
    secrets.create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
    let with = |name: &str, secret: &str| {
        let mut task = task(name, "echo $TOKEN");
        task["taskSpec"]["steps"][0]["env"] =
            json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": "token"}}}]);
        task
    };
    bench.create(json!([with("good", "present"), with("bad", "missing")])).await?;
    let (run, verdict) = bench.task("bad").await?;
    assert_eq!(verdict, "False CreateContainerConfigError: Failed to create pod due to config error");
    let step = run.status.context("no status")?.steps.remove(0);
    assert_eq!(step.waiting.context("it waits")?.message, "secret \"missing\" not found");
    bench.task("good").await?;
    assert_eq!(bench.log("good", "run")?, "s3cret\n");
    assert!(bench.ended().await?.1.starts_with("False Failed"));
    bench.cluster.stop().await
}

#[tokio::test]
async fn a_result_that_is_too_long_fails_its_step() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let long = json!({"name": "long", "taskSpec": {
        "steps": [{"name": "run", "image": "none", "results": [{"name": "text", "type": "string"}],
                   "script": "printf %4096s x > $(step.results.text.path)"}],
    }});
    bench.create(json!([long])).await?;
    let (run, verdict) = bench.task("long").await?;
    assert_eq!(verdict, "False Failed: \"step-run\" exited with code 1: Error");
    assert!(run.status.context("no status")?.steps[0].results.is_empty());
    bench.cluster.stop().await
}

#[tokio::test]
async fn a_step_that_takes_too_long_fails_its_task() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let slow = json!({"name": "slow", "taskSpec": {
        "steps": [{"name": "run", "image": "none", "timeout": "1s", "script": "sleep 600"}],
    }});
    bench.create(json!([slow])).await?;
    let (_, verdict) = bench.task("slow").await?;
    assert_eq!(
        verdict,
        "False Failed: \"step-run\" exited because the step exceeded the specified timeout limit"
    );
    bench.cluster.stop().await
}

#[tokio::test]
async fn what_tekton_would_not_admit_is_refused() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let step = |step: Value| json!([{"name": "t", "taskSpec": {"steps": [step]}}]);
    for (tasks, expected) in [
        (step(json!({"name": "s", "image": "none"})), "the sandbox needs a command or a script"),
        (
            step(json!({"name": "s", "image": "none", "command": ["true"], "script": "true"})),
            "script cannot be used with command",
        ),
        (json!([task_after("b", "a"), task_after("a", "b")]), "cycle detected among tasks a, b"),
        (json!([task_after("none", "a")]), "task a depends on none but none wasn't present in Pipeline"),
        (json!([task("a", "true"), task("a", "true")]), "tasks[1].name"),
        (json!([]), "missing field(s): spec.pipelineSpec.tasks"),
    ] {
        let Err(error) = bench.create(tasks).await else {
            anyhow::bail!("accepted, without: {expected}");
        };
        assert!(format!("{error:#}").contains(expected), "expected {expected:?}, got {error:#}");
    }
    bench.cluster.stop().await
}
