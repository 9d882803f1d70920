//! Many signed deliveries within one second: none is lost, whatever happens to the controller meanwhile.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::Api;
use tidegate_model::Host;
use tidegate_resources::{IntegrationJob, PipelineRun};
use tidegate_scenarios::{
    Delivery, REPOSITORY, Scene, SignedHook, WorldSpec,
    process::{cpu_seconds, peak_mib},
};
use tokio::{task::JoinSet, time::Instant};

use crate::{controller, figures::percentiles, tekton, watch::Appearing, work};

const SLOTS: u32 = 20;

/// Sends as many deliveries as `size` in one second. With `kill` the controller is killed amid them, and started again.
pub async fn measure(size: usize, kill: bool) -> Result<()> {
    let spec = WorldSpec { max_runs: SLOTS, ..WorldSpec::new(Host::Gitea) };
    let scene = Scene::prepare(spec).await?;
    // Opened before there is a hook, so that the host delivers none of them.
    let branches: Vec<String> = (0..size).map(|index| format!("burst-{index}")).collect();
    let heads = scene.world.forge.commit_branches(REPOSITORY, "dora", &branches).await?;
    let mut numbers = Vec::new();
    for branch in &branches {
        numbers.push(scene.open("dora", branch).await?);
    }
    scene.apply(scene.config(&work())).await?;
    scene.wait_until_registered().await?;
    let hook = SignedHook::of(&scene).await?;
    let author = scene.world.forge.login("dora");
    let deliveries = numbers
        .iter()
        .zip(&branches)
        .zip(&heads)
        .map(|((number, branch), head)| hook.opened(*number, branch, head, &author))
        .collect::<Result<Vec<_>>>()?;

    let client = scene.world.client.clone();
    tekton::scale(&client, 0).await?;
    let measured = Box::pin(burst(scene, &hook, deliveries, kill)).await;
    tekton::scale(&client, 1).await?;
    measured
}

async fn burst(mut scene: Scene, hook: &SignedHook, deliveries: Vec<Delivery>, kill: bool) -> Result<()> {
    let size = deliveries.len();
    let (client, namespace) = (scene.world.client.clone(), scene.world.namespace.clone());
    let jobs = Appearing::<IntegrationJob>::new(Api::namespaced(client.clone(), &namespace));
    let runs = Appearing::<PipelineRun>::new(Api::namespaced(client, &namespace));
    let pid = controller(&scene)?.pid()?;
    let cpu = cpu_seconds(pid)?;

    let first = deliveries.first().context("no delivery")?.clone();
    let start = Instant::now();
    let send = send(&mut scene, hook, deliveries, start, kill);
    let (answers, jobs_at, runs_at) =
        tokio::try_join!(send, jobs.reach(size), runs.reach(size.min(SLOTS as usize)))?;
    let seconds = |at: Instant| at.duration_since(start).as_secs_f64();
    let what = if kill { ", the controller killed after 0.7 s and started again" } else { "" };
    println!("burst of {size} deliveries in one second{what}:");
    println!("  answers: all 2xx, {}", percentiles(answers));
    println!(
        "  all {size} IntegrationJobs after {:.2} s, {SLOTS} PipelineRuns after {:.2} s",
        seconds(jobs_at),
        seconds(runs_at)
    );
    if !kill {
        let used = cpu_seconds(pid)? - cpu;
        println!("  controller: {:.1} MiB at its peak, {used:.2} s of processor time", peak_mib(pid)?);
    }

    ensure!(hook.send(&first).await?.is_success(), "a repeated delivery was refused");
    scene.settle().await?;
    let jobs = scene.integration_jobs().await?.len();
    ensure!(jobs == size, "{size} deliveries and one of them again made {jobs} IntegrationJobs");
    println!("  the first delivery again: still {jobs} IntegrationJobs");
    scene.end().await
}

/// Sends all within one second, each at its time, and returns how long each answer took. All must be 2xx.
async fn send(
    scene: &mut Scene,
    hook: &SignedHook,
    deliveries: Vec<Delivery>,
    start: Instant,
    kill: bool,
) -> Result<Vec<Duration>> {
    let size = u32::try_from(deliveries.len())?;
    let mut sent = JoinSet::new();
    for (index, delivery) in (0..).zip(deliveries) {
        let (hook, at) = (hook.clone(), start + Duration::from_secs(1) * index / size);
        sent.spawn(async move {
            tokio::time::sleep_until(at).await;
            let start = Instant::now();
            let code = hook.send(&delivery).await?;
            ensure!(code.is_success(), "a delivery was answered with {code}");
            anyhow::Ok(start.elapsed())
        });
    }
    if kill {
        // Amid the burst, as the clock says: there is no condition to wait for.
        tokio::time::sleep_until(start + Duration::from_millis(700)).await;
        scene.world.controller.take().context("the controller is down")?.kill().await?;
        scene.world.start_controller().await?;
    }
    let mut answers = Vec::new();
    while let Some(answer) = sent.join_next().await {
        answers.push(answer??);
    }
    Ok(answers)
}
