//! `tidegate retest` runs the failed jobs of a push again.

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt;
use serde_json::json;
use tidegate_resources::{IntegrationJob, Trigger, annotation};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, job};

/// What the command says, and whether it succeeded.
async fn retest(scene: &Scene, run: &str) -> Result<(bool, String)> {
    let arguments = ["retest", run, "--namespace", &scene.world.namespace];
    let output = scene.world.tidegate(&arguments)?.output().await.context("failed to start tidegate")?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8(said)?))
}

scenario!(
    the_failed_jobs_of_a_push_run_again_when_an_operator_asks_for_it,
    not_on_cluster = "the command runs in the environment of the sandbox's controller"
);
async fn the_failed_jobs_of_a_push_run_again_when_an_operator_asks_for_it() -> Result<()> {
    // The second job fails after a push, so the third doesn't run.
    let deploy = job("deploy", "test \"$TIDEGATE_TRIGGER\" = Manual");
    let mut smoke = job("smoke", "true");
    smoke["after"] = json!(["deploy"]);
    let jobs = json!({"postSubmit": [job("build", "true"), deploy, smoke]});
    let mut scene = Scene::set(gitea(), &jobs).await?;
    let sha = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    scene.status(&sha, "deploy", "failure").await?;
    scene.status_with(&sha, "smoke", "not run").await?;
    scene.settle_jobs(1).await?;
    let first = scene.only_job().await?;

    let (succeeded, said) = retest(&scene, &first).await?;
    ensure!(succeeded && said.starts_with(&format!("requested deploy, smoke of {first} again: ")), "{said}");
    scene.status(&sha, "deploy", "success").await?;
    scene.status(&sha, "smoke", "success").await?;
    scene.settle_jobs(2).await?;
    let made = scene.integration_jobs().await?;
    let again = made.iter().find(|job| job.name_any() != first).context("no second run")?;
    ensure!(said.contains(&again.name_any()), "it names the run: {said}");
    assert!(matches!(again.spec.trigger, Trigger::Manual { retest: Some(_) }), "{:?}", again.spec.trigger);
    let names: Vec<_> = again.spec.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["deploy", "smoke"]);
    let is_settled = |job: &IntegrationJob| !job.annotations().contains_key(annotation::RETEST);
    scene.wait_for_job(&first, "its request is followed", is_settled).await?;

    // A restart repeats nothing.
    scene.restart_controller().await?;
    let (succeeded, said) = retest(&scene, &again.name_any()).await?;
    ensure!(!succeeded && said.contains("none of its jobs failed"), "{said}");
    let (succeeded, said) = retest(&scene, "nowhere").await?;
    ensure!(!succeeded && said.contains("failed to read IntegrationJob nowhere"), "{said}");

    // What is not on its branch any more doesn't run.
    let second = scene.push("side", "dora", &[("side", "1\n")]).await?;
    scene.status(&second, "deploy", "failure").await?;
    scene.settle_jobs(3).await?;
    let of_side = |job: &&IntegrationJob| job.spec.base.sha.as_ref() == Some(&second);
    let of_side = scene.integration_jobs().await?.iter().find(of_side).context("no run")?.name_any();
    scene.world.forge.delete_branch(REPOSITORY, "side", OWNER).await?;
    scene.settle().await?;
    scene.wait_until_forgotten("refs/heads/side").await?;
    ensure!(retest(&scene, &of_side).await?.0, "the controller decides");
    scene.wait_for_job(&of_side, "its request is refused", is_settled).await?;
    let notes = scene.events("RetestRefused").await?;
    assert!(notes.iter().any(|note| note.contains("is not on refs/heads/side any more")), "{notes:?}");
    scene.settle_jobs(3).await?;
    scene.end().await
}
