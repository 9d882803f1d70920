//! Pushes of branches and tags.

use anyhow::Result;
use serde_json::json;
use tidegate_model::Host;
use tidegate_resources::{Phase, Trigger};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{github, job, on};

scenario!(a_push_runs_the_jobs_of_its_branch_or_tag, on_hosts);
async fn a_push_runs_the_jobs_of_its_branch_or_tag(host: Host) -> Result<()> {
    let mut deploy = job("deploy", "test \"$TIDEGATE_BASE_REF\" = refs/heads/main");
    deploy["when"] = json!({"branches": ["main"]});
    let mut release = job(
        "release",
        "git describe --exact-match --tags HEAD || true; test \"$TIDEGATE_BASE_REF\" = refs/tags/v1.0",
    );
    release["when"] = json!({"tags": ["v*"], "skipTags": ["*-rc*"]});
    let scene = Scene::set(on(host), &json!({"postSubmit": [deploy, release]})).await?;

    let side = scene.push("side", "dora", &[("a", "1\n")]).await?;
    let main = scene.push("main", OWNER, &[("b", "1\n")]).await?;
    scene.status(&main, "deploy", "success").await?;
    scene.world.forge.push_tag(REPOSITORY, "v1.0-rc1", &side, OWNER).await?;
    scene.world.forge.push_tag(REPOSITORY, "v1.0", &main, OWNER).await?;
    scene.status(&main, "release", "success").await?;
    scene.settle().await?;

    let mut refs: Vec<_> =
        scene.integration_jobs().await?.iter().map(|job| job.spec.base.reference.to_string()).collect();
    refs.sort();
    assert_eq!(refs, ["refs/heads/main", "refs/tags/v1.0"]);
    assert!(scene.states(&side, "deploy").await?.is_empty(), "a push that runs nothing says nothing");
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(a_deleted_branch_runs_nothing_and_the_same_commit_on_another_branch_runs, on_hosts);
async fn a_deleted_branch_runs_nothing_and_the_same_commit_on_another_branch_runs(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &json!({"postSubmit": [job("build", "true")]})).await?;
    let sha = scene.push("one", "dora", &[("a", "1\n")]).await?;
    scene.status(&sha, "build", "success").await?;
    scene.world.forge.force_branch(REPOSITORY, "two", &sha, "dora").await?;
    scene.settle_jobs(2).await?;
    scene.world.forge.delete_branch(REPOSITORY, "two", "dora").await?;
    scene.settle().await?;
    let jobs = scene.integration_jobs().await?;
    assert_eq!(jobs.len(), 2);
    assert!(jobs.iter().all(|job| job.spec.trigger == Trigger::Push && scene.phase(job) == Phase::Succeeded));
    scene.end().await
}

scenario!(a_branch_pushed_back_to_an_older_commit_is_built_again, on_hosts);
async fn a_branch_pushed_back_to_an_older_commit_is_built_again(host: Host) -> Result<()> {
    let mut deploy = job("deploy", "true");
    deploy["when"] = json!({"branches": ["main"]});
    let scene = Scene::set(on(host), &json!({"postSubmit": [deploy]})).await?;
    let first = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    scene.status(&first, "deploy", "success").await?;
    let second = scene.push("main", OWNER, &[("b", "1\n")]).await?;
    scene.status(&second, "deploy", "success").await?;
    scene.settle_jobs(2).await?;
    // A clone holds only what a branch leads to.
    scene.world.forge.force_branch(REPOSITORY, "kept", &second, OWNER).await?;
    for (back, count) in [(&first, 3), (&second, 4)] {
        scene.world.forge.force_branch(REPOSITORY, "main", back, OWNER).await?;
        scene.settle_jobs(count).await?;
    }
    let built: Vec<_> = scene.integration_jobs().await?.into_iter().map(|job| job.spec.base.sha).collect();
    assert_eq!(built.iter().filter(|sha| sha.as_ref() == Some(&first)).count(), 2);
    scene.end().await
}

scenario!(
    a_redelivered_push_runs_nothing_again,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn a_redelivered_push_runs_nothing_again() -> Result<()> {
    let scene = Scene::set(github(), &json!({"postSubmit": [job("deploy", "true")]})).await?;
    let first = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    scene.status(&first, "deploy", "success").await?;
    scene.push("main", OWNER, &[("b", "1\n")]).await?;
    scene.settle_jobs(2).await?;
    scene.world.forge.force_branch(REPOSITORY, "main", &first, OWNER).await?;
    scene.settle_jobs(3).await?;
    let forge = scene.world.forge.sandbox()?;
    for delivery in forge.deliveries(REPOSITORY)?.iter().filter(|delivery| delivery.event == "push") {
        forge.redeliver(REPOSITORY, &delivery.id)?;
    }
    scene.settle_jobs(3).await?;
    scene.end().await
}
