//! The operator's limits hold whatever a config or a run asks for.

use anyhow::{Context as _, Result};
use kube::{Api, ResourceExt, api::PostParams};
use serde_json::{Value, json};
use tidegate_model::Timeout;
use tidegate_resources::{ConditionStatus, IntegrationConfig, IntegrationJob, Phase};
use tidegate_scenarios::{Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, job};

/// Another repository, with a config of its own.
const OTHER: &str = "acme/other";

scenario!(a_config_that_asks_for_every_slot_gets_the_operators_limit_and_its_condition_says_so);
async fn a_config_that_asks_for_every_slot_gets_the_operators_limit_and_its_condition_says_so() -> Result<()>
{
    let spec = WorldSpec { max_runs: 2, repository_runs_limit: Some(1), ..gitea() };
    let scene = Scene::prepare(spec).await?;
    let mut config = scene.config(&json!({"preSubmit": [job("slow", "test -f done || sleep 600")]}));
    config["spec"]["maxConcurrentRuns"] = 1000.into();
    config["spec"]["timeout"] = "168h".into();
    scene.apply(config).await?;
    scene.wait_until_registered().await?;
    let clamped = scene.wait_for_condition("WithinLimits", ConditionStatus::False).await?;
    assert_eq!(
        clamped,
        "maxConcurrentRuns 1000 clamped to 1, timeout 168h clamped to 6h: the operator's limits"
    );

    let mut runs = Vec::new();
    for branch in ["one", "two"] {
        scene.push(branch, "dora", &[(branch, "x\n")]).await?;
        scene.open("dora", branch).await?;
        scene.wait_for_jobs(runs.len() + 1).await?;
        let all = scene.integration_jobs().await?;
        let new = all.iter().map(ResourceExt::name_any).find(|name| !runs.contains(name));
        runs.push(new.context("no new run")?);
        let is_running = |job: &IntegrationJob| scene.phase(job) == Phase::Running;
        scene.wait_for_job(&runs[0], "it has a slot", is_running).await?;
    }

    // A run that a person makes, younger than the one that waits, gets the slot which that one may not have.
    let by_hand = by_hand(&scene).await?;
    let has_slot = |job: &IntegrationJob| job.status.as_ref().is_some_and(|s| s.started_at.is_some());
    let by_hand = scene.wait_for_job(&by_hand, "it has a slot", has_slot).await?;
    let timeout = |job: &IntegrationJob| job.status.as_ref().and_then(|s| s.timeout).map(|t| t.to_string());
    assert_eq!(timeout(&by_hand).as_deref(), Some("6h"), "of a run that a person made for 168h");
    let is_queued = |job: &IntegrationJob| scene.phase(job) == Phase::Queued;
    scene.wait_for_job(&runs[1], "it waits", is_queued).await?;

    let first = scene.wait_for_job(&runs[0], "it goes on", |job| timeout(job).is_some()).await?;
    assert_eq!(timeout(&first).as_deref(), Some("6h"));
    let pipelines = scene.pipeline_runs().await?;
    let run = pipelines.iter().find(|run| run.name_any() == runs[0]).context("no PipelineRun")?;
    let pipeline = run.spec.timeouts.as_ref().context("no time limit")?;
    // Tekton writes the same time in other units.
    assert_eq!(pipeline.pipeline.parse::<Timeout>()?, Timeout::from_minutes(2 * 6 * 60 + 5));
    for branch in ["one", "two"] {
        scene.push(branch, "dora", &[("done", "yes\n")]).await?;
    }
    scene.settle_jobs(5).await?;
    scene.end().await
}

/// Makes a run of another repository's config by hand, and returns its name.
async fn by_hand(scene: &Scene) -> Result<String> {
    let forge = &scene.world.forge;
    forge.create_repository(OTHER).await?;
    let head = forge.commit(OTHER, "main", "acme", &[("done", "yes\n")], "Start").await?;
    // The host may report the first push after the config exists.
    let mut of_config = job("build", "test -f done");
    of_config["when"] = json!({"branches": ["release"]});
    let jobs = json!({"postSubmit": [of_config]});
    let mut config = scene.config(&jobs);
    config["metadata"]["name"] = "other".into();
    config["spec"]["git"]["repository"] = serde_json::to_value(forge.repository(OTHER))?;
    let config: IntegrationConfig = scene.apply(config).await?;
    let run = json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationJob",
        "metadata": {"name": "by-hand", "namespace": scene.world.namespace},
        "spec": {
            "config": {"name": "other", "uid": config.uid()},
            "host": config.spec.git.type_, "repository": config.spec.git.repository,
            "trigger": {"type": "Push"}, "base": {"ref": "refs/heads/main", "sha": head},
            "jobs": [job("build", "test -f done")], "timeout": "168h",
        },
    });
    create(scene, run).await?;
    Ok("by-hand".to_owned())
}

async fn create(scene: &Scene, run: Value) -> Result<()> {
    let runs: Api<IntegrationJob> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    runs.create(&PostParams::default(), &serde_json::from_value(run)?).await?;
    Ok(())
}
