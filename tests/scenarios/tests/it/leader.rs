//! Two replicas, of which one leads.

use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate_resources::Phase;
use tidegate_scenarios::Scene;
use tidegate_test_suite::scenario;

use crate::{gitea, job, unit};

scenario!(a_second_replica_takes_over_within_20_seconds_of_a_kill, long);
async fn a_second_replica_takes_over_within_20_seconds_of_a_kill() -> Result<()> {
    let mut scene = Scene::set(gitea(), &serde_json::json!({"preSubmit": [job("unit", "sleep 2")]})).await?;
    scene.world.start_standby().await?;
    let before = scene.push("before", "dora", &[("a", "1\n")]).await?;
    scene.open("dora", "before").await?;
    scene.status(&before, "unit", "pending").await?;

    scene.world.kill_controller().await?;
    let killed = Instant::now();
    let after = scene.push("after", "dora", &[("b", "1\n")]).await?;
    scene.open("dora", "after").await?;
    scene.status(&after, "unit", "pending").await?;
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(20), "the second replica took over after {took:?}");
    assert!(took > Duration::from_secs(5), "it did not wait for the lease to expire: {took:?}");
    scene.status(&before, "unit", "success").await?;
    scene.status(&after, "unit", "success").await?;
    each_ran_once(&scene, 2).await?;
    scene.end().await
}

scenario!(a_second_replica_takes_over_within_2_seconds_of_a_graceful_stop);
async fn a_second_replica_takes_over_within_2_seconds_of_a_graceful_stop() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.world.start_standby().await?;
    for round in ["one", "two"] {
        let before = scene.push(&format!("{round}-before"), "dora", &[("ok", "yes\n")]).await?;
        scene.open("dora", &format!("{round}-before")).await?;
        scene.world.stop_controller().await?;
        let stopped = Instant::now();
        scene.wait_for_metric("tidegate_leader 1").await?;
        let took = stopped.elapsed();
        assert!(took < Duration::from_secs(2), "the second replica took over after {took:?}");
        let after = scene.push(&format!("{round}-after"), "dora", &[("ok", "yes\n")]).await?;
        scene.open("dora", &format!("{round}-after")).await?;
        scene.status(&before, "unit", "success").await?;
        scene.status(&after, "unit", "success").await?;
        scene.world.start_standby().await?;
    }
    each_ran_once(&scene, 4).await?;
    scene.end().await
}

scenario!(
    a_controller_that_is_stopped_while_it_starts_exits,
    not_on_cluster = "a pod has listed everything by the time it is ready"
);
async fn a_controller_that_is_stopped_while_it_starts_exits() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    // The moment of the stop is random; at some of them it has not listed its objects yet.
    for _ in 0..10 {
        scene.restart_controller().await?;
    }
    scene.end().await
}

scenario!(both_replicas_are_ready_and_only_the_leader_reports_that_it_leads);
async fn both_replicas_are_ready_and_only_the_leader_reports_that_it_leads() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.world.start_standby().await?;
    let replicas = [scene.world.controller.as_ref(), scene.world.standby.as_ref()];
    for (replica, leads) in replicas.into_iter().flatten().zip(["tidegate_leader 1", "tidegate_leader 0"]) {
        let address = replica.address().await?;
        let ask = async |path: &str| {
            reqwest::Client::new().get(format!("http://{address}/{path}")).send().await?.error_for_status()
        };
        ask("readyz").await?;
        let metrics = ask("metrics").await?.text().await?;
        assert!(metrics.lines().any(|line| line == leads), "not {leads}:\n{metrics}");
    }
    scene.end().await
}

/// Every event was run once: one `IntegrationJob`, one `PipelineRun`, and a verdict as the last status. The verdict
/// may be sent twice: the last status is sent again if its answer was lost.
async fn each_ran_once(scene: &Scene, count: usize) -> Result<()> {
    scene.settle_jobs(count).await?;
    let jobs = scene.integration_jobs().await?;
    assert!(jobs.iter().all(|job| scene.phase(job) == Phase::Succeeded), "{}", scene.situation().await);
    assert_eq!(scene.pipeline_runs().await?.len(), count);
    for job in &jobs {
        for pull in &job.spec.pulls {
            let states = scene.states(&pull.sha, "unit").await?;
            let verdicts = states.iter().skip_while(|state| *state == "pending").collect::<Vec<_>>();
            let is_one =
                (1..=2).contains(&verdicts.len()) && verdicts.iter().all(|state| *state == "success");
            assert!(is_one, "{states:?}\n{}", scene.situation().await);
        }
    }
    Ok(())
}
