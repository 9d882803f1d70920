//! How fast and how heavy: delivery accepted → `PipelineRun` created, and the controller's memory after many runs.
//!
//! Both figures come from one world: a pull request's head is pushed again and again, each push is one delivery. The clock
//! starts when the webhook function accepts it and stops when a watch shows the `PipelineRun`.
#![expect(clippy::print_stdout, reason = "this is a program for a terminal")]

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use futures::{StreamExt, TryStreamExt};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use tidegate_model::Host;
use tidegate_resources::{IntegrationJob, PipelineRun, annotation};
use tidegate_scenarios::{Scene, WorldSpec};

/// Measures Tidegate on the sandbox.
#[derive(Parser)]
struct Arguments {
    /// How many deliveries are timed.
    #[arg(long, default_value_t = 200)]
    deliveries: usize,
    /// After how many finished `IntegrationJob`s the controller's memory is read.
    #[arg(long, default_value_t = 1000)]
    jobs: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { deliveries, jobs } = Arguments::parse();
    let work = json!({"name": "unit", "image": "sandbox", "command": ["true"], "skipCheckout": true});
    let scene = Scene::set(WorldSpec::new(Host::Gitea), &json!({"preSubmit": [work]})).await?;
    let pid = scene
        .world
        .controller
        .as_ref()
        .and_then(tidegate_scenarios::Controller::pid)
        .context("no controller")?;
    println!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    println!("controller RSS idle: {:.1} MiB", resident_mib(pid)?);

    let integration_jobs: Api<IntegrationJob> = Api::namespaced(scene.world.client.clone(), "ci");
    let runs: Api<PipelineRun> = Api::all(scene.world.client.clone());
    let mut watch = Box::pin(watcher(runs, watcher::Config::default()).default_backoff().applied_objects());
    let mut seen: HashMap<String, Duration> = HashMap::new();
    scene.push("fix", "dora", &[("n", "0\n")]).await?;
    scene.open("dora", "fix").await?;
    for round in 1..=deliveries.max(jobs) {
        while seen.len() < round {
            let next = tokio::time::timeout(Duration::from_secs(30), watch.try_next()).await;
            let run = next.context("no PipelineRun within 30 s")??.context("the watch ended")?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
            // It has the name of its IntegrationJob, which knows when its delivery was accepted.
            let job = integration_jobs.get(&run.name_any()).await?;
            let accepted = job.annotations().get(annotation::RECEIVED_AT_MS).context("no annotation")?;
            let latency = now.saturating_sub(Duration::from_millis(accepted.parse()?));
            seen.entry(run.name_any()).or_insert(latency);
        }
        if round == deliveries {
            report(seen.values().copied().collect())?;
        }
        scene.push("fix", "dora", &[("n", &format!("{round}\n"))]).await?;
    }
    while seen.len() <= deliveries.max(jobs) {
        let run = watch.next().await.context("the watch ended")??;
        seen.entry(run.name_any()).or_default();
    }
    scene.settle_jobs(deliveries.max(jobs) + 1).await?;
    let reads = scene.world.forge.sandbox()?.api_calls().iter().filter(|call| call.method == "GET").count();
    let writes = scene.world.forge.sandbox()?.api_calls().iter().filter(|call| call.method == "POST").count();
    println!("controller RSS after {} finished IntegrationJobs: {:.1} MiB", seen.len(), resident_mib(pid)?);
    println!("calls to the host for {} deliveries: {reads} reads, {writes} writes", seen.len());
    println!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    scene.end().await
}

fn report(mut latencies: Vec<Duration>) -> Result<()> {
    ensure!(!latencies.is_empty(), "nothing was measured");
    latencies.sort();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_millis();
    println!(
        "delivery accepted -> PipelineRun created, {} deliveries: p50 {} ms, p90 {} ms, p99 {} ms, max {} ms",
        latencies.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    Ok(())
}

/// The memory that a process holds (`VmRSS` of /proc/PID/status).
fn resident_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
