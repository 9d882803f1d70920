//! `PipelineRun` done → commit status visible on the host.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::TryStreamExt as _;
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt as _, watcher},
};
use tidegate_model::{CommitSha, Host};
use tidegate_resources::PipelineRun;
use tidegate_scenarios::{REPOSITORY, Scene, WorldSpec};
use tokio::time::Instant;

use crate::{figures::percentiles, work};

/// How often the host is polled: it sends no notification, and this bounds the figure's error.
const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_mins(2);

pub async fn measure(verdicts: usize) -> Result<()> {
    let scene = Scene::set(WorldSpec::new(Host::Gitea), &work()).await?;
    let runs: Api<PipelineRun> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let changes = watcher(runs, watcher::Config::default()).default_backoff().applied_objects();
    let mut changes = std::pin::pin!(changes);
    let mut ended = std::collections::HashSet::new();
    let mut latencies = Vec::new();
    for round in 0..verdicts {
        let head = scene.push("fix", "dora", &[("n", &format!("{round}\n"))]).await?;
        if round == 0 {
            scene.open("dora", "fix").await?;
        }
        let done = loop {
            let next = tokio::time::timeout(PATIENCE, changes.try_next()).await;
            let run = next.context("no PipelineRun ended in time")??.context("the watch ended")?;
            let condition =
                run.status.iter().flat_map(|status| &status.conditions).find(|c| c.type_ == "Succeeded");
            if condition.is_some_and(|condition| condition.status == "True") && ended.insert(run.name_any()) {
                break Instant::now();
            }
        };
        let shown = tokio::time::timeout(PATIENCE, shown(&scene, &head)).await;
        latencies.push(shown.context("no status in time")??.saturating_duration_since(done));
    }
    ensure!(latencies.len() == verdicts, "something was not measured");
    println!("PipelineRun done -> status on the host, {verdicts} runs: {}", percentiles(latencies));
    scene.settle().await?;
    scene.end().await
}

async fn shown(scene: &Scene, head: &CommitSha) -> Result<Instant> {
    loop {
        let statuses = scene.world.forge.statuses(REPOSITORY, head).await?;
        if statuses.iter().any(|status| status.state == "success") {
            return Ok(Instant::now());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
