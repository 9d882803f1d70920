//! Deliveries that are repeated, and their trace.

use anyhow::{Context as _, Result};
use kube::ResourceExt;
use tidegate_model::TraceParent;
use tidegate_resources::annotation;
use tidegate_scenarios::{REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, github, unit};

scenario!(
    a_redelivered_webhook_makes_no_second_job,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn a_redelivered_webhook_makes_no_second_job() -> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let name = scene.only_job().await?;
    scene.settle_jobs(1).await?;

    let deliveries = scene.world.forge.sandbox()?.deliveries(REPOSITORY)?;
    let opened = deliveries.iter().find(|delivery| delivery.event == "pull_request").context("a delivery")?;
    scene.world.forge.sandbox()?.redeliver(REPOSITORY, &opened.id)?;
    let answers = scene.answers().await?;
    assert_eq!(answers.len(), deliveries.len() + 1);
    assert!(answers.iter().all(|code| (200..300).contains(code)), "{answers:?}");
    scene.settle().await?;
    assert_eq!(scene.only_job().await?, name);
    assert_eq!(scene.pipeline_runs().await?.len(), 1);
    scene.end().await
}

scenario!(the_trace_of_a_delivery_reaches_its_pipeline_run);
async fn the_trace_of_a_delivery_reaches_its_pipeline_run() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let runs = scene.pipeline_runs().await?;
    let run = runs.first().context("a PipelineRun")?;
    let trace: TraceParent = run.annotations().get(annotation::TRACEPARENT).context("no trace")?.parse()?;
    let delivery = run.annotations().get(annotation::DELIVERY).context("no delivery")?;
    let lines = scene.world.cloud.logs().await?;
    for function in ["tidegate-webhook", "tidegate-integrator"] {
        let logged = lines.iter().any(|line| {
            line.function == function && line.text.contains(delivery) && line.text.contains(trace.trace_id())
        });
        assert!(logged, "{function} logged another trace for {delivery}");
    }
    // The controller's own log may come a moment later where it is a pod.
    for step in ["command", "run"] {
        scene.logged_in(step, trace.trace_id()).await?;
    }
    scene.end().await
}
