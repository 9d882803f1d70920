//! Delivery accepted → `PipelineRun` created, one delivery after another, and what each costs.
//!
//! A pull request's head is pushed again and again; each push is one delivery of the pull request (and one of the push,
//! which runs no job). The clock starts when the webhook function accepts it, and stops when a watch shows the run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use kube::{Api, ResourceExt};
use tidegate_model::Host;
use tidegate_resources::{IntegrationJob, PipelineRun, annotation};
use tidegate_scenarios::{
    Scene, WorldSpec,
    process::{cpu_seconds, resident_mib},
};

use crate::{controller, figures::percentiles, host_calls, tekton, watch::Appearing, work};

pub async fn measure(deliveries: usize) -> Result<()> {
    // Without Tekton no run ends, and each keeps its slot.
    let spec = WorldSpec { max_runs: 10_000, ..WorldSpec::new(Host::Gitea) };
    let scene = Scene::set(spec, &work()).await?;
    let client = scene.world.client.clone();
    tekton::scale(&client, 0).await?;
    let measured = one_after_another(&scene, deliveries).await;
    tekton::scale(&client, 1).await?;
    measured?;
    scene.end().await
}

async fn one_after_another(scene: &Scene, deliveries: usize) -> Result<()> {
    let (client, namespace) = (&scene.world.client, scene.world.namespace.as_str());
    let jobs: Api<IntegrationJob> = Api::namespaced(client.clone(), namespace);
    let mut runs = Appearing::<PipelineRun>::new(Api::namespaced(client.clone(), namespace));
    let pid = controller(scene)?.pid()?;
    println!("controller idle: {:.1} MiB", resident_mib(pid)?);
    scene.push("fix", "dora", &[("n", "first\n")]).await?;
    scene.open("dora", "fix").await?;
    runs.next().await?;
    scene.settle().await?;

    let (cpu, calls) = (cpu_seconds(pid)?, host_calls::count(scene).await?);
    let mut latencies = Vec::new();
    for round in 0..deliveries {
        scene.push("fix", "dora", &[("n", &format!("{round}\n"))]).await?;
        let run = runs.next().await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        // It has the name of its IntegrationJob, which knows when its delivery was accepted.
        let job = jobs.get(&run.name_any()).await?;
        let accepted = job.annotations().get(annotation::RECEIVED_AT_MS).context("no annotation")?;
        latencies.push(now.saturating_sub(Duration::from_millis(accepted.parse()?)));
    }
    scene.settle().await?;
    println!("delivery accepted -> PipelineRun created, {deliveries} deliveries: {}", percentiles(latencies));
    let calls = host_calls::count(scene).await?.since(&calls);
    println!("calls to the host for {deliveries} pull request events: {calls}");
    let cpu = cpu_seconds(pid)? - cpu;
    println!("controller after them: {:.1} MiB, {cpu:.2} s of processor time", resident_mib(pid)?);
    Ok(())
}
