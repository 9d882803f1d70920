//! What was said last is corrected when a run, a job or a config goes, also while no controller ran.

use anyhow::{Context as _, Result};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;
use tidegate_model::CommitSha;
use tidegate_resources::{IntegrationConfig, IntegrationJob, Phase};
use tidegate_scenarios::{REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, unit};

/// Dora's pull request, whose run is active until somebody stops it.
async fn running(spec: WorldSpec) -> Result<(Scene, String, CommitSha)> {
    let scene = Scene::set(spec, &json!({"preSubmit": [job("unit", "sleep 600")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status_with(&head, "unit", "running").await?;
    let name = scene.only_job().await?;
    scene.wait_for_job(&name, "it runs", |job| scene.phase(job) == Phase::Running).await?;
    Ok((scene, name, head))
}

async fn delete_run(scene: &Scene, name: &str) -> Result<()> {
    let jobs: Api<IntegrationJob> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    jobs.delete(name, &DeleteParams::default()).await.context("failed to delete the run")?;
    Ok(())
}

scenario!(a_deleted_run_leaves_no_pending_status_on_gitea);
async fn a_deleted_run_leaves_no_pending_status_on_gitea() -> Result<()> {
    let (scene, name, head) = running(gitea()).await?;
    delete_run(&scene, &name).await?;
    let status = scene.status(&head, "unit", "error").await?;
    assert_eq!(status.description.as_deref(), Some("deleted; comment /test"));
    scene.end().await
}

scenario!(
    a_run_that_was_deleted_while_no_controller_ran_leaves_no_pending_status_on_github,
    not_on_cluster = "there is no GitHub"
);
async fn a_run_that_was_deleted_while_no_controller_ran_leaves_no_pending_status_on_github() -> Result<()> {
    let (mut scene, name, head) = running(github()).await?;
    scene.world.stop_controller().await?;
    delete_run(&scene, &name).await?;
    scene.world.start_controller().await?;
    let status = scene.status(&head, "unit", "error").await?;
    assert_eq!(status.description.as_deref(), Some("deleted; comment /test"));
    scene.end().await
}

scenario!(a_job_that_left_the_config_is_shown_as_skipped_on_open_pull_requests);
async fn a_job_that_left_the_config_is_shown_as_skipped_on_open_pull_requests() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "no\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "failure").await?;
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let renamed = json!({"spec": {"jobs": {"preSubmit": [job("check", "true")]}}});
    configs.patch("shop", &PatchParams::default(), &Patch::Merge(renamed)).await?;
    let status = scene.status(&head, "unit", "success").await?;
    assert_eq!(status.description.as_deref(), Some("skipped: no longer in the config"));
    scene.end().await
}

scenario!(a_deleted_config_leaves_no_pending_status);
async fn a_deleted_config_leaves_no_pending_status() -> Result<()> {
    let (scene, _, head) = running(gitea()).await?;
    scene.delete_config().await?;
    let status = scene.status(&head, "unit", "error").await?;
    assert_eq!(status.description.as_deref(), Some("the config was removed"));
    scene.end().await
}

scenario!(a_mark_that_leaves_the_title_lets_the_head_run_on_gitea);
async fn a_mark_that_leaves_the_title_lets_the_head_run_on_gitea() -> Result<()> {
    mark_removed(gitea()).await
}

scenario!(a_mark_that_leaves_the_title_lets_the_head_run_on_github, not_on_cluster = "there is no GitHub");
async fn a_mark_that_leaves_the_title_lets_the_head_run_on_github() -> Result<()> {
    mark_removed(github()).await
}

async fn mark_removed(spec: WorldSpec) -> Result<()> {
    let scene = Scene::set(spec, &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let forge = &scene.world.forge;
    let number = forge.open_pull_request(REPOSITORY, "dora", "fix", "main", "Typo [skip ci]").await?;
    scene.status_with(&head, "unit", "left out by [skip ci]").await?;
    forge.set_title(REPOSITORY, number, "Typo", "dora").await?;
    scene.status(&head, "unit", "success").await?;
    // The mark comes back: it changes no result.
    forge.set_title(REPOSITORY, number, "Typo [skip ci]", "dora").await?;
    scene.settle().await?;
    assert_eq!(scene.states(&head, "unit").await?.last().map(String::as_str), Some("success"));
    scene.end().await
}
