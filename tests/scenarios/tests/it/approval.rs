//! A stranger's code runs when somebody who may write has approved it, and only what was approved.

use anyhow::{Context as _, Result};
use kube::ResourceExt;
use serde_json::json;
use tidegate_model::{CommitSha, Host};
use tidegate_resources::Phase;
use tidegate_scenarios::{REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{OWN_CONTEXT, github, job, on, unit};

/// Steve's pull request from his fork, shown as waiting for approval since a second that is over.
async fn waiting(scene: &Scene) -> Result<(u64, CommitSha)> {
    let fork = scene.world.forge.fork(REPOSITORY, "steve").await?;
    let head = scene.world.forge.commit(&fork, "fix", "steve", &[("ok", "yes\n")], "Fix").await?;
    let number = scene.open("steve", "steve:fix").await?;
    let shown = scene.status_of(&head, OWN_CONTEXT, "pending").await?;
    scene.after_second_of(&shown.created_at).await?;
    Ok((number, head))
}

scenario!(
    ok_to_test_runs_the_head_that_was_shown,
    on_hosts,
    not_on_gitlab = "a fork's head has no status, which an approval without a SHA needs",
    not_on_bitbucket = "a fork's head has no status, which an approval without a SHA needs"
);
async fn ok_to_test_runs_the_head_that_was_shown(host: Host) -> Result<()> {
    ok_to_test(on(host)).await
}

async fn ok_to_test(spec: WorldSpec) -> Result<()> {
    let scene = Scene::set(spec, &unit()).await?;
    let (number, head) = waiting(&scene).await?;
    // Neither the author nor anybody without approval makes it run.
    scene.comment("steve", number, "/ok-to-test").await?;
    scene.reply(number, "`/ok-to-test`: only people with write permission").await?;
    for (by, command) in [("steve", "/test"), ("dora", "/retest")] {
        scene.comment(by, number, command).await?;
        scene.reply(number, &format!("`{command}`: `{head}` is not approved")).await?;
    }
    assert!(scene.pipeline_runs().await?.is_empty(), "a stranger's code was run");

    let comment = scene.comment("dora", number, "Looks good.\n\n/ok-to-test").await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;
    // The run that waited has ended, and the approved head has one of its own.
    scene.settle_jobs(2).await?;

    // Approved, it is its author's to test.
    let comment = scene.comment("steve", number, "/test").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(3).await?;
    assert_eq!(scene.answers_on(number).await?, (3, 2));
    scene.end().await
}

scenario!(an_approval_is_valid_for_its_head_and_for_no_later_one, on_hosts,);
async fn an_approval_is_valid_for_its_head_and_for_no_later_one(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &unit()).await?;
    let (number, old) = waiting(&scene).await?;
    let comment = scene.comment("dora", number, &format!("/ok-to-test {old}")).await?;
    scene.thumb(number, comment).await?;
    scene.status(&old, "unit", "success").await?;

    let new = scene.world.forge.commit("steve/shop", "fix", "steve", &[("more", "1\n")], "More").await?;
    scene.status_of(&new, OWN_CONTEXT, "pending").await?;
    scene.comment("dora", number, &format!("/ok-to-test {old}")).await?;
    scene.reply(number, &format!("not approved: the head is `{new}`")).await?;
    scene.settle().await?;
    assert_eq!(scene.pipeline_runs().await?.len(), 1);
    let comment = scene.comment("dora", number, &format!("/ok-to-test {new}")).await?;
    scene.thumb(number, comment).await?;
    scene.status(&new, "unit", "success").await?;
    scene.settle_jobs(4).await?;
    scene.end().await
}

scenario!(a_bare_approval_of_a_head_that_was_not_shown_is_refused_and_names_the_head, on_hosts,);
async fn a_bare_approval_of_a_head_that_was_not_shown_is_refused_and_names_the_head(
    host: Host,
) -> Result<()> {
    let mut scene = Scene::set(on(host), &unit()).await?;
    let (number, _) = waiting(&scene).await?;
    // Steve pushes while dora writes: nobody has shown her the new head.
    if let Some(controller) = scene.world.controller.take() {
        controller.stop().await?;
    }
    let new = scene.world.forge.commit("steve/shop", "fix", "steve", &[("evil", "1\n")], "Evil").await?;
    scene.comment("dora", number, "/ok-to-test").await?;
    scene.delivered().await?;
    scene.world.start_controller().await?;
    scene.reply(number, &format!("the head is `{new}`, and it was not shown as waiting yet")).await?;
    scene.status_of(&new, OWN_CONTEXT, "pending").await?;
    scene.settle().await?;
    assert!(scene.pipeline_runs().await?.is_empty(), "a head was run that nobody has seen");
    scene.end().await
}

scenario!(an_approved_head_runs_again_when_its_pull_request_is_reopened);
async fn an_approved_head_runs_again_when_its_pull_request_is_reopened() -> Result<()> {
    let jobs = json!({"preSubmit": [job("unit", "test -f done || sleep 600")]});
    let scene = Scene::set(github(), &jobs).await?;
    let (number, head) = waiting(&scene).await?;
    let comment = scene.comment("dora", number, "/ok-to-test").await?;
    scene.thumb(number, comment).await?;
    let jobs = scene.integration_jobs().await?;
    let run = jobs.iter().find(|job| !job.spec.awaits_approval).context("the run of the approved head")?;
    let name = run.name_any();
    scene.wait_for_job(&name, "it runs", |job| scene.phase(job) == Phase::Running).await?;
    scene.world.forge.close_pull_request(REPOSITORY, number, "steve").await?;
    scene.wait_for_job(&name, "it was stopped", |job| scene.phase(job) == Phase::Cancelled).await?;
    scene.push("main", "dora", &[("done", "yes\n")]).await?;
    scene.world.forge.reopen_pull_request(REPOSITORY, number, "steve").await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(3).await?;
    scene.end().await
}
