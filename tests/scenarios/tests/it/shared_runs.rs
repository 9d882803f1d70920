//! Pull requests of one head and base share a run: a comment on any of them finds it.

use anyhow::Result;
use serde_json::json;
use tidegate_scenarios::{OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, unit};

scenario!(a_comment_on_the_second_pull_request_of_a_head_finds_the_run_that_it_shares);
async fn a_comment_on_the_second_pull_request_of_a_head_finds_the_run_that_it_shares() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"preSubmit": [job("unit", "sleep 600")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status_with(&head, "unit", "running").await?;
    scene.world.forge.force_branch(REPOSITORY, "same", &head, "dora").await?;
    let second = scene.open("dora", "same").await?;
    scene.settle().await?;
    let comment = scene.comment("dora", second, "/cancel").await?;
    scene.thumb(second, comment).await?;
    scene.status_with(&head, "unit", "stopped by").await?;
    scene.settle_jobs(1).await?;
    let comment = scene.comment("dora", second, "/retest").await?;
    scene.thumb(second, comment).await?;
    scene.status_with(&head, "unit", "running").await?;
    scene.wait_for_jobs(2).await?;
    scene.end().await
}

scenario!(a_writers_test_ends_a_failure_for_a_former_base);
async fn a_writers_test_ends_a_failure_for_a_former_base() -> Result<()> {
    let mut jobs = unit();
    jobs["preSubmit"][0]["when"] = json!({"branches": ["main"]});
    let scene = Scene::set(github(), &jobs).await?;
    scene.push("other", OWNER, &[("other", "1\n")]).await?;
    let head = scene.push("fix", "dora", &[("ok", "no\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "failure").await?;
    scene.world.forge.change_base(REPOSITORY, number, "other", "dora").await?;
    scene.status_with(&head, "unit", "for main").await?;
    scene.comment("dora", number, "/test").await?;
    scene.reply(number, "no job runs for other").await?;
    scene.status_with(&head, "unit", "skipped: ").await?;
    scene.end().await
}
