//! A cluster with one `PipelineRun`, and waiting for what becomes of it.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use kube::{Api, api::PostParams, runtime::wait::await_condition};
use serde_json::{Value, json};
use tidegate_resources::{PipelineRun, RunCondition, TaskRun};
use tidegate_sandbox_cluster::{Cluster, ClusterSpec};

/// Far longer than any run here takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Bench {
    pub cluster: Cluster,
    pub runs: Api<PipelineRun>,
    pub task_runs: Api<TaskRun>,
    pub work_dir: tempfile::TempDir,
}

impl Bench {
    pub async fn start() -> anyhow::Result<Self> {
        let work_dir = tempfile::tempdir()?;
        let cluster = Cluster::start(ClusterSpec { work_dir: work_dir.path().join("cluster") }).await?;
        let client = cluster.client()?;
        Ok(Self {
            runs: Api::default_namespaced(client.clone()),
            task_runs: Api::default_namespaced(client),
            cluster,
            work_dir,
        })
    }

    /// Creates the run of these tasks.
    pub async fn create(&self, tasks: Value) -> anyhow::Result<()> {
        self.create_with(json!({"pipelineSpec": {"tasks": tasks}})).await
    }

    /// Creates the run of this spec.
    pub async fn create_with(&self, spec: Value) -> anyhow::Result<()> {
        let run: PipelineRun = serde_json::from_value(json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": {"name": "run", "labels": {"tidegate.dev/integration-job": "job"}},
            "spec": spec,
        }))?;
        self.runs.create(&PostParams::default(), &run).await?;
        Ok(())
    }

    /// The run once it has ended, with its verdict.
    pub async fn ended(&self) -> anyhow::Result<(PipelineRun, String)> {
        let done =
            |run: Option<&PipelineRun>| is_done(run.and_then(|run| run.status.as_ref()?.conditions.first()));
        let run = tokio::time::timeout(PATIENCE, await_condition(self.runs.clone(), "run", done))
            .await
            .context("the run did not end in time")??
            .context("the run is gone")?;
        let verdict = verdict(run.status.as_ref().and_then(|status| status.conditions.first()))?;
        Ok((run, verdict))
    }

    /// A task's `TaskRun` once it has ended, with its verdict.
    pub async fn task(&self, task: &str) -> anyhow::Result<(TaskRun, String)> {
        let done =
            |run: Option<&TaskRun>| is_done(run.and_then(|run| run.status.as_ref()?.conditions.first()));
        let name = format!("run-{task}");
        let run = tokio::time::timeout(PATIENCE, await_condition(self.task_runs.clone(), &name, done))
            .await
            .context("the task did not end in time")??
            .context("the task is gone")?;
        let verdict = verdict(run.status.as_ref().and_then(|status| status.conditions.first()))?;
        Ok((run, verdict))
    }

    pub fn log(&self, task: &str, step: &str) -> anyhow::Result<String> {
        self.cluster.step_log("default", "run", task, step)
    }

    /// Where an endless step says that it runs.
    pub fn mark(&self) -> std::path::PathBuf {
        self.work_dir.path().join("mark")
    }
}

fn is_done(condition: Option<&RunCondition>) -> bool {
    condition.is_some_and(|condition| condition.status != "Unknown")
}

fn verdict(condition: Option<&RunCondition>) -> anyhow::Result<String> {
    let condition = condition.context("no condition")?;
    Ok(format!("{} {}: {}", condition.status, condition.reason, condition.message))
}

/// A task of one step, `run`.
pub fn task(name: &str, script: &str) -> Value {
    json!({"name": name, "taskSpec": {"steps": [{"name": "run", "image": "none", "script": script}]}})
}

/// A task that comes after another.
pub fn task_after(parent: &str, name: &str) -> Value {
    let mut task = task(name, "true");
    task["runAfter"] = json!([parent]);
    task
}

/// A script that says that it runs, then waits to be killed together with a child of its own.
pub fn endless(mark: &Path) -> String {
    format!("sleep 1000 & echo $! > {0}.child\necho $$ > {0}.tmp\nmv {0}.tmp {0}\nwait", mark.display())
}

/// Waits for a file that a step makes, so that a test can act while the step runs.
pub async fn made(path: &Path) -> anyhow::Result<()> {
    becomes_true(|| path.exists()).await.with_context(|| format!("{} was not made in time", path.display()))
}

/// Waits for the end of an endless script and of its child.
pub async fn ensure_dead(mark: &Path) -> anyhow::Result<()> {
    for file in [mark.to_owned(), mark.with_extension("child")] {
        let pid = std::fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        let stat = Path::new("/proc").join(pid.trim()).join("stat");
        // Gone, or a zombie that only waits to be reaped.
        becomes_true(|| !std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")))
            .await
            .with_context(|| format!("process {} lives on", pid.trim()))?;
    }
    Ok(())
}

/// Files and processes send no notifications, so this polls.
async fn becomes_true(holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let look = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    Ok(tokio::time::timeout(PATIENCE, look).await?)
}
