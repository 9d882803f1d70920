//! Whose code runs.

use anyhow::Result;
use serde_json::json;
use tidegate_model::{Host, Permission};
use tidegate_resources::Phase;
use tidegate_scenarios::{REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{OWN_CONTEXT, job, on, unit};

scenario!(a_strangers_fork_waits_for_approval_and_nothing_of_it_runs, on_hosts,);
async fn a_strangers_fork_waits_for_approval_and_nothing_of_it_runs(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &unit()).await?;
    let fork = scene.world.forge.fork(REPOSITORY, "steve").await?;
    let head = scene.world.forge.commit(&fork, "fix", "steve", &[("ok", "yes\n")], "Fix").await?;
    scene.open("steve", "steve:fix").await?;
    let status = scene.status_of(&head, OWN_CONTEXT, "pending").await?;
    let description = status.description.unwrap_or_default();
    assert!(description.contains("/ok-to-test"), "{description}");
    assert!(scene.states(&head, "unit").await?.is_empty(), "a required check that is missing blocks");

    let name = scene.only_job().await?;
    let job = scene
        .wait_for_job(&name, "it waits", |job| scene.reason(job).as_deref() == Some("AwaitingApproval"))
        .await?;
    assert_eq!(scene.phase(&job), Phase::Queued);
    scene.settle().await?;
    assert!(scene.pipeline_runs().await?.is_empty(), "a stranger's code was run");
    scene.end().await
}

scenario!(a_fork_of_somebody_who_may_write_runs_the_forks_head, on_hosts,);
async fn a_fork_of_somebody_who_may_write_runs_the_forks_head(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &unit()).await?;
    let fork = scene.world.forge.fork(REPOSITORY, "dora").await?;
    let head = scene.world.forge.commit(&fork, "fix", "dora", &[("ok", "yes\n")], "Fix").await?;
    scene.open("dora", "dora:fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(a_fork_never_gets_a_secret, on_hosts,);
async fn a_fork_never_gets_a_secret(host: Host) -> Result<()> {
    let mut deploy = job("unit", "true");
    deploy["env"] = json!([{"name": "TOKEN", "secretKeyRef": {"name": "git", "key": "token"}}]);
    let scene = Scene::set(on(host), &json!({"preSubmit": [deploy]})).await?;
    let fork = scene.world.forge.fork(REPOSITORY, "dora").await?;
    let head = scene.world.forge.commit(&fork, "fix", "dora", &[("ok", "yes\n")], "Fix").await?;
    scene.open("dora", "dora:fix").await?;
    let description = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    assert!(description.contains("needs secret git"), "{description}");
    assert!(scene.pipeline_runs().await?.is_empty());

    // The same code from the repository itself gets it.
    scene.world.forge.set_permission(REPOSITORY, "dora", Permission::Admin).await?;
    let own = scene.push("own", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "own").await?;
    scene.status(&own, "unit", "success").await?;
    scene.end().await
}
