//! A status is computed from everything that shows the commit: no pull request, branch or tag covers another's result.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tidegate_model::{CommitSha, Host};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{OWN_CONTEXT, gitea, github, job, on, unit};

/// The job `unit` for pull requests into main only.
fn unit_for_main() -> Value {
    let mut jobs = unit();
    jobs["preSubmit"][0]["when"] = json!({"branches": ["main"]});
    jobs
}

/// Dora's head fails for main; a branch `other` exists, for which `unit` doesn't run.
async fn failed_for_main(spec: WorldSpec) -> Result<(Scene, u64, CommitSha)> {
    let scene = Scene::set(spec, &unit_for_main()).await?;
    scene.push("other", OWNER, &[("other", "1\n")]).await?;
    let head = scene.push("fix", "dora", &[("ok", "no\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "failure").await?;
    Ok((scene, number, head))
}

async fn open_into_other(scene: &Scene, author: &str) -> Result<u64> {
    scene.world.forge.open_pull_request(REPOSITORY, author, "fix", "other", "The same again").await
}

/// The states of `unit` once everything that was due is written.
async fn written(scene: &mut Scene, head: &CommitSha) -> Result<Vec<String>> {
    scene.settle().await?;
    scene.restart_controller().await?;
    scene.states(head, "unit").await
}

fn last(states: &[String]) -> Option<&str> {
    states.last().map(String::as_str)
}

scenario!(a_second_pull_request_of_a_failed_head_does_not_cover_the_failure, on_hosts);
async fn a_second_pull_request_of_a_failed_head_does_not_cover_the_failure(host: Host) -> Result<()> {
    no_cover(on(host)).await
}

async fn no_cover(spec: WorldSpec) -> Result<()> {
    let (mut scene, _, head) = failed_for_main(spec).await?;
    let second = open_into_other(&scene, "dora").await?;
    scene.settle_jobs(2).await?;
    let states = written(&mut scene, &head).await?;
    assert!(!states.contains(&"success".to_owned()) && last(&states) == Some("failure"), "{states:?}");
    scene.world.forge.close_pull_request(REPOSITORY, second, "dora").await?;
    let states = written(&mut scene, &head).await?;
    assert!(!states.contains(&"success".to_owned()) && last(&states) == Some("failure"), "{states:?}");
    scene.end().await
}

scenario!(closing_the_failed_one_leaves_what_the_other_shows_and_reopening_it_runs_nothing);
async fn closing_the_failed_one_leaves_what_the_other_shows_and_reopening_it_runs_nothing() -> Result<()> {
    let (scene, first, head) = failed_for_main(gitea()).await?;
    open_into_other(&scene, "dora").await?;
    scene.settle_jobs(2).await?;
    scene.world.forge.close_pull_request(REPOSITORY, first, "dora").await?;
    let skipped = scene.status(&head, "unit", "success").await?.description.unwrap_or_default();
    assert!(skipped.starts_with("skipped: "), "{skipped}");
    scene.world.forge.reopen_pull_request(REPOSITORY, first, "dora").await?;
    let failed = scene.status(&head, "unit", "failure").await?.description.unwrap_or_default();
    assert!(failed.contains("for main"), "it names the target: {failed}");
    scene.settle().await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(a_retarget_to_a_filtered_branch_and_back_keeps_the_failure, on_hosts);
async fn a_retarget_to_a_filtered_branch_and_back_keeps_the_failure(host: Host) -> Result<()> {
    retarget(on(host)).await
}

async fn retarget(spec: WorldSpec) -> Result<()> {
    let (mut scene, number, head) = failed_for_main(spec).await?;
    scene.world.forge.change_base(REPOSITORY, number, "other", "dora").await?;
    scene.status_with(&head, "unit", "for main").await?;
    scene.world.forge.change_base(REPOSITORY, number, "main", "dora").await?;
    let states = written(&mut scene, &head).await?;
    assert!(!states.contains(&"success".to_owned()) && last(&states) == Some("failure"), "{states:?}");
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(a_failed_deploy_of_main_stays_failed_when_its_commit_is_pushed_as_another_branch);
async fn a_failed_deploy_of_main_stays_failed_when_its_commit_is_pushed_as_another_branch() -> Result<()> {
    let mut deploy = job("deploy", "exit 1");
    deploy["when"] = json!({"branches": ["main"]});
    let mut scene = Scene::set(gitea(), &json!({"postSubmit": [deploy, job("build", "true")]})).await?;
    let head = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    scene.status(&head, "deploy", "failure").await?;
    scene.world.forge.force_branch(REPOSITORY, "copy", &head, OWNER).await?;
    scene.settle_jobs(2).await?;
    scene.settle().await?;
    scene.restart_controller().await?;
    let states = scene.states(&head, "deploy").await?;
    assert!(!states.contains(&"success".to_owned()) && last(&states) == Some("failure"), "{states:?}");
    scene.end().await
}

scenario!(
    a_strangers_pull_request_of_a_trusted_head_changes_nothing,
    not_on_cluster = "Gitea refuses a second pull request of one branch into one base"
);
async fn a_strangers_pull_request_of_a_trusted_head_changes_nothing() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let before = scene.states(&head, "unit").await?;
    scene.world.forge.open_pull_request(REPOSITORY, "steve", "fix", "main", "Mine").await?;
    assert_eq!(written(&mut scene, &head).await?, before);
    assert!(scene.world.forge.statuses(REPOSITORY, &head).await?.iter().all(|s| s.context != OWN_CONTEXT));
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(an_approved_head_says_who_approved_it_and_the_next_one_waits);
async fn an_approved_head_says_who_approved_it_and_the_next_one_waits() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    let fork = scene.world.forge.fork(REPOSITORY, "steve").await?;
    let old = scene.world.forge.commit(&fork, "fix", "steve", &[("ok", "yes\n")], "Fix").await?;
    let number = scene.open("steve", "steve:fix").await?;
    scene.status_of(&old, OWN_CONTEXT, "pending").await?;
    let comment = scene.comment("dora", number, &format!("/ok-to-test {old}")).await?;
    scene.thumb(number, comment).await?;
    let approved = scene.status_of(&old, OWN_CONTEXT, "success").await?.description.unwrap_or_default();
    assert_eq!(approved, format!("approved by {}", scene.world.forge.login("dora")));
    scene.status(&old, "unit", "success").await?;
    let new = scene.world.forge.commit(&fork, "fix", "steve", &[("more", "1\n")], "More").await?;
    scene.status_of(&new, OWN_CONTEXT, "pending").await?;
    assert!(written(&mut scene, &new).await?.is_empty(), "a waiting head has its own status alone");
    assert_eq!(last(&scene.states(&old, "unit").await?), Some("success"));
    scene.end().await
}

scenario!(
    a_pull_request_of_a_stack_is_judged_by_the_base_of_the_stack,
    not_on_cluster = "only GitHub has stacks"
);
async fn a_pull_request_of_a_stack_is_judged_by_the_base_of_the_stack() -> Result<()> {
    let scene = Scene::set(github(), &unit_for_main()).await?;
    scene.push("step-1", "dora", &[("step", "1\n")]).await?;
    let first = scene.push("step-2", "dora", &[("ok", "no\n")]).await?;
    let forge = &scene.world.forge;
    let number = forge.open_pull_request(REPOSITORY, "dora", "step-2", "step-1", "Step 2").await?;
    scene.status_with(&first, "unit", "skipped").await?;
    forge.sandbox()?.set_stack_base(REPOSITORY, number, "main")?;
    let second = scene.push("step-2", "dora", &[("more", "1\n")]).await?;
    scene.status(&second, "unit", "failure").await?;
    let jobs = scene.integration_jobs().await?;
    let of_second = jobs.iter().find(|job| job.spec.pulls.first().is_some_and(|pull| pull.sha == second));
    let base = &of_second.context("a run of the second head")?.spec.base.reference;
    assert_eq!(base.to_string(), "refs/heads/main");
    scene.end().await
}
