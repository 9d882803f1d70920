//! What becomes of a `PipelineRun` that is stopped: no process is left, and the status says why.

use crate::bench::{Bench, endless, ensure_dead, made, task, task_after};
use anyhow::{Context as _, ensure};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

#[tokio::test]
async fn a_task_that_takes_too_long_is_killed() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let mut slow = task("slow", &endless(&bench.mark()));
    slow["timeout"] = "1s".into();
    bench.create(json!([slow])).await?;
    let (_, verdict) = bench.ended().await?;
    assert_eq!(verdict, "False Failed: Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0");
    let (run, verdict) = bench.task("slow").await?;
    assert_eq!(verdict, "False TaskRunTimeout: TaskRun \"run-slow\" failed to finish within \"1s\"");
    let terminated = run.status.context("no status")?.steps[0].terminated.clone();
    assert_eq!(terminated.context("not terminated")?.reason, "TaskRunTimeout");
    ensure_dead(&bench.mark()).await?;
    bench.cluster.stop().await
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_killed() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let tasks = [task("slow", &endless(&bench.mark()))];
    bench.create_with(json!({"timeouts": {"pipeline": "1s"}, "pipelineSpec": {"tasks": tasks}})).await?;
    let (_, verdict) = bench.ended().await?;
    assert_eq!(verdict, "False PipelineRunTimeout: PipelineRun \"run\" failed to finish within \"1s\"");
    let (_, verdict) = bench.task("slow").await?;
    assert_eq!(
        verdict,
        "False TaskRunCancelled: TaskRun \"run-slow\" was cancelled. \
         TaskRun cancelled as the PipelineRun it belongs to has timed out."
    );
    ensure_dead(&bench.mark()).await?;
    bench.cluster.stop().await
}

#[tokio::test]
async fn a_cancelled_run_kills_its_processes() -> anyhow::Result<()> {
    for how in ["CancelledRunFinally", "Cancelled"] {
        let bench = Bench::start().await?;
        let slow = task("slow", &endless(&bench.mark()));
        bench.create(json!([slow, task_after("slow", "after")])).await?;
        made(&bench.mark()).await?;
        let cancel = Patch::Merge(json!({"spec": {"status": how}}));
        bench.runs.patch("run", &PatchParams::default(), &cancel).await?;
        let (_, verdict) = bench.ended().await?;
        assert_eq!(verdict, "False Cancelled: PipelineRun \"run\" was cancelled", "{how}");
        let (_, verdict) = bench.task("slow").await?;
        assert_eq!(
            verdict,
            "False TaskRunCancelled: TaskRun \"run-slow\" was cancelled. \
             TaskRun cancelled as the PipelineRun it belongs to has been cancelled."
        );
        ensure_dead(&bench.mark()).await?;
        bench.cluster.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_deleted_run_takes_tasks_and_processes_along() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    bench.create(json!([task("slow", &endless(&bench.mark()))])).await?;
    made(&bench.mark()).await?;
    bench.runs.delete("run", &DeleteParams::default()).await?;
    ensure!(bench.task_runs.list(&ListParams::default()).await?.items.is_empty());
    ensure_dead(&bench.mark()).await?;
    bench.cluster.stop().await
}

#[tokio::test]
async fn stopping_the_cluster_leaves_no_process() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    bench.create(json!([task("slow", &endless(&bench.mark()))])).await?;
    let mark = bench.mark();
    made(&mark).await?;
    let Bench { cluster, work_dir, .. } = bench;
    cluster.stop().await?;
    ensure_dead(&mark).await?;
    work_dir.close()?;
    Ok(())
}
