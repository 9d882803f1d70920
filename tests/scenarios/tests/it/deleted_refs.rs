//! A deleted branch or tag: what waits for it ends, and a push after it is a new act.

use anyhow::{Context as _, Result};
use kube::{Api, ResourceExt, api::DeleteParams};
use serde_json::json;
use tidegate_model::CommitSha;
use tidegate_resources::{IntegrationJob, Phase, PipelineRun};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job};

scenario!(a_tag_or_branch_that_is_deleted_and_pushed_again_runs_again_on_gitea);
async fn a_tag_or_branch_that_is_deleted_and_pushed_again_runs_again_on_gitea() -> Result<()> {
    pushed_again(gitea()).await?.end().await
}

scenario!(
    a_tag_or_branch_that_is_deleted_and_pushed_again_runs_again_on_github,
    not_on_cluster = "there is no GitHub"
);
async fn a_tag_or_branch_that_is_deleted_and_pushed_again_runs_again_on_github() -> Result<()> {
    pushed_again(github()).await?.end().await
}

/// A tag and a branch that were deleted and pushed again at the same commit: four runs.
async fn pushed_again(spec: WorldSpec) -> Result<Scene> {
    let mut build = job("build", "true");
    build["when"] = json!({"branches": ["copy"], "tags": ["v*"]});
    let scene = Scene::set(spec, &json!({"postSubmit": [build]})).await?;
    let forge = &scene.world.forge;
    let sha = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    forge.push_tag(REPOSITORY, "v1", &sha, OWNER).await?;
    scene.settle_jobs(1).await?;
    forge.delete_tag(REPOSITORY, "v1", OWNER).await?;
    scene.settle().await?;
    scene.wait_until_forgotten("refs/tags/v1").await?;
    forge.push_tag(REPOSITORY, "v1", &sha, OWNER).await?;
    scene.settle_jobs(2).await?;
    forge.force_branch(REPOSITORY, "copy", &sha, OWNER).await?;
    scene.settle_jobs(3).await?;
    forge.delete_branch(REPOSITORY, "copy", OWNER).await?;
    scene.settle().await?;
    scene.wait_until_forgotten("refs/heads/copy").await?;
    forge.force_branch(REPOSITORY, "copy", &sha, OWNER).await?;
    scene.settle_jobs(4).await?;
    scene.status(&sha, "build", "success").await?;
    Ok(scene)
}

scenario!(
    replayed_and_late_deliveries_of_a_tag_that_was_pushed_again_start_nothing,
    long,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn replayed_and_late_deliveries_of_a_tag_that_was_pushed_again_start_nothing() -> Result<()> {
    for spec in [gitea(), github()] {
        let mut scene = Box::pin(pushed_again(spec)).await?;
        let forge = scene.world.forge.sandbox()?.clone();
        // Everything comes twice, the deletions long after the pushes that followed them.
        for delivery in forge.deliveries(REPOSITORY)? {
            forge.redeliver(REPOSITORY, &delivery.id)?;
        }
        scene.settle_jobs(4).await?;
        scene.restart_controller().await?;
        for delivery in forge.deliveries(REPOSITORY)?.iter().filter(|delivery| !delivery.redelivery).rev() {
            forge.redeliver(REPOSITORY, &delivery.id)?;
        }
        scene.settle_jobs(4).await?;
        // A deletion is still one afterwards.
        let sha = forge.branch(REPOSITORY, "copy")?;
        forge.delete_branch(REPOSITORY, "copy", OWNER).await?;
        scene.settle().await?;
        forge.force_branch(REPOSITORY, "copy", &sha, OWNER).await?;
        scene.settle_jobs(5).await?;
        scene.end().await?;
    }
    Ok(())
}

/// The run of a branch.
async fn run_of(scene: &Scene, branch: &str) -> Result<IntegrationJob> {
    let reference = format!("refs/heads/{branch}");
    let jobs = scene.integration_jobs().await?;
    jobs.into_iter().find(|job| job.spec.base.reference.to_string() == reference).context("no run")
}

/// A branch whose run sleeps in the only slot, and one whose run waits for it.
async fn one_runs_and_one_waits(spec: WorldSpec) -> Result<(Scene, CommitSha, CommitSha)> {
    let scene = Scene::prepare(spec).await?;
    let mut build = job("build", "sleep 600");
    build["when"] = json!({"branches": ["one", "two"]});
    let mut config = scene.config(&json!({"postSubmit": [build]}));
    config["spec"]["maxConcurrentRuns"] = json!(1);
    scene.apply(config).await?;
    scene.wait_until_registered().await?;
    let runs = scene.push("one", OWNER, &[("one", "1\n")]).await?;
    scene.status_with(&runs, "build", "running").await?;
    let waits = scene.push("two", OWNER, &[("two", "1\n")]).await?;
    scene.status_with(&waits, "build", "queued").await?;
    Ok((scene, runs, waits))
}

scenario!(a_queued_run_of_a_deleted_branch_ends_and_a_running_one_is_shown_on_gitea);
async fn a_queued_run_of_a_deleted_branch_ends_and_a_running_one_is_shown_on_gitea() -> Result<()> {
    deleted_branches(gitea()).await
}

scenario!(
    a_queued_run_of_a_deleted_branch_ends_and_a_running_one_is_shown_on_github,
    not_on_cluster = "there is no GitHub"
);
async fn a_queued_run_of_a_deleted_branch_ends_and_a_running_one_is_shown_on_github() -> Result<()> {
    deleted_branches(github()).await
}

async fn deleted_branches(spec: WorldSpec) -> Result<()> {
    let (scene, runs, waits) = one_runs_and_one_waits(spec).await?;
    // So that the host keeps the commit.
    scene.world.forge.force_branch(REPOSITORY, "kept", &waits, OWNER).await?;
    for branch in ["one", "two"] {
        scene.world.forge.delete_branch(REPOSITORY, branch, OWNER).await?;
    }
    let said = scene.status(&waits, "build", "error").await?.description.unwrap_or_default();
    assert!(said.contains("branch two was deleted"), "{said}");
    let name = run_of(&scene, "two").await?.name_any();
    let ended = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    assert_eq!(
        (scene.phase(&ended), scene.reason(&ended).as_deref()),
        (Phase::Cancelled, Some("RefDeleted"))
    );
    scene.settle().await?;
    let going = run_of(&scene, "one").await?;
    assert_eq!((scene.phase(&going), &going.spec.cancel), (Phase::Running, &None), "it ends by itself");
    assert_eq!(scene.states(&runs, "build").await?.last().map(String::as_str), Some("pending"));
    let pipelines: Api<PipelineRun> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    pipelines.delete(&going.name_any(), &DeleteParams::background()).await?;
    let said = scene.status(&runs, "build", "error").await?.description.unwrap_or_default();
    assert!(said.contains("the PipelineRun was deleted"), "{said}");
    // The branch comes back: its run is made again, and has the slot.
    scene.world.forge.force_branch(REPOSITORY, "two", &waits, OWNER).await?;
    scene.status_with(&waits, "build", "running").await?;
    scene.wait_for_jobs(3).await?;
    scene.end().await
}
