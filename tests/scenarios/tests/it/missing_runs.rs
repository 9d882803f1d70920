//! Runs that open pull requests lack are made without waiting for an event.

use anyhow::{Context as _, Result};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tidegate_resources::{IntegrationConfig, IntegrationJob, Phase};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, unit};

async fn change_jobs(scene: &Scene, jobs: &Value) -> Result<()> {
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let patch = Patch::Merge(json!({"spec": {"jobs": jobs}}));
    configs.patch("shop", &PatchParams::default(), &patch).await?;
    Ok(())
}

fn names(job: &IntegrationJob) -> Vec<&str> {
    job.spec.jobs.iter().map(|job| job.name.as_str()).collect()
}

scenario!(a_job_that_is_added_to_the_config_runs_alone_on_open_pull_requests_on_gitea, long);
async fn a_job_that_is_added_to_the_config_runs_alone_on_open_pull_requests_on_gitea() -> Result<()> {
    added_job(gitea()).await
}

scenario!(
    a_job_that_is_added_to_the_config_runs_alone_on_open_pull_requests_on_github,
    long,
    not_on_cluster = "there is no GitHub"
);
async fn a_job_that_is_added_to_the_config_runs_alone_on_open_pull_requests_on_github() -> Result<()> {
    added_job(github()).await
}

async fn added_job(spec: WorldSpec) -> Result<()> {
    let sleeps = job("unit", "test \"$(cat ok)\" = yes || sleep 600");
    let mut scene = Scene::set(spec, &json!({"preSubmit": [sleeps]})).await?;
    let closed = scene.push("closed", "dora", &[("ok", "yes\n"), ("closed", "1\n")]).await?;
    let number = scene.open("dora", "closed").await?;
    scene.status(&closed, "unit", "success").await?;
    scene.world.forge.close_pull_request(REPOSITORY, number, "dora").await?;
    let good = scene.push("good", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "good").await?;
    scene.status(&good, "unit", "success").await?;
    let stopped = scene.push("stopped", "dora", &[("ok", "no\n")]).await?;
    let number = scene.open("dora", "stopped").await?;
    scene.status_with(&stopped, "unit", "running").await?;
    let comment = scene.comment("dora", number, "/cancel").await?;
    scene.thumb(number, comment).await?;
    scene.status_with(&stopped, "unit", "stopped by").await?;
    let deleted = scene.push("deleted", "dora", &[("ok", "no\n"), ("deleted", "1\n")]).await?;
    scene.open("dora", "deleted").await?;
    scene.status_with(&deleted, "unit", "running").await?;
    let jobs: Api<IntegrationJob> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let is_of_deleted =
        |job: &&IntegrationJob| job.spec.pulls.first().is_some_and(|pull| pull.sha == deleted);
    let run = scene.integration_jobs().await?.iter().find(is_of_deleted).context("no run")?.name_any();
    jobs.delete(&run, &DeleteParams::default()).await?;
    scene.status_with(&deleted, "unit", "deleted; comment /test").await?;
    scene.settle_jobs(3).await?;

    let mut lint = job("lint", "true");
    lint["after"] = json!(["unit"]);
    change_jobs(&scene, &json!({"preSubmit": [job("unit", "exit 1"), lint]})).await?;
    for head in [&good, &stopped, &deleted] {
        scene.status(head, "lint", "success").await?;
    }
    scene.settle_jobs(6).await?;
    let made = scene.integration_jobs().await?;
    let of_lint: Vec<_> = made.iter().filter(|job| names(job) == ["lint"]).collect();
    assert_eq!(of_lint.len(), 3, "the new job runs alone");
    assert_eq!(scene.states(&good, "unit").await?.last().map(String::as_str), Some("success"));
    for head in [&stopped, &deleted] {
        assert_eq!(scene.states(head, "unit").await?.last().map(String::as_str), Some("error"));
    }
    assert!(scene.states(&closed, "lint").await?.is_empty(), "nothing starts for a closed pull request");
    // What was made up for is known after a restart, too.
    scene.restart_controller().await?;
    scene.push("last", "dora", &[("ok", "yes\n"), ("last", "1\n")]).await?;
    scene.open("dora", "last").await?;
    scene.settle_jobs(7).await?;
    scene.end().await
}

scenario!(an_approved_head_runs_for_its_other_pull_requests_too);
async fn an_approved_head_runs_for_its_other_pull_requests_too() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    scene.push("other", OWNER, &[("other", "1\n")]).await?;
    let fork = scene.world.forge.fork(REPOSITORY, "steve").await?;
    let head = scene.world.forge.commit(&fork, "fix", "steve", &[("ok", "yes\n")], "Fix").await?;
    let first = scene.open("steve", "steve:fix").await?;
    scene.world.forge.open_pull_request(REPOSITORY, "steve", "steve:fix", "other", "The same").await?;
    scene.settle().await?;
    scene.wait_for_jobs(2).await?;
    let comment = scene.comment("dora", first, &format!("/ok-to-test {head}")).await?;
    scene.thumb(first, comment).await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(4).await?;
    let succeeded = scene.integration_jobs().await?.into_iter();
    let succeeded = succeeded.filter(|job| scene.phase(job) == Phase::Succeeded);
    let mut bases: Vec<_> = succeeded.map(|job| job.spec.base.reference.to_string()).collect();
    bases.sort();
    assert_eq!(bases, ["refs/heads/main", "refs/heads/other"]);
    scene.end().await
}
