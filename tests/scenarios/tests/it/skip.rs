//! `[skip ci]`

use anyhow::Result;
use serde_json::json;
use tidegate_scenarios::{OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, unit};

scenario!(a_title_that_skips_ci_stays_pending_until_a_comment_tests_it);
async fn a_title_that_skips_ci_stays_pending_until_a_comment_tests_it() -> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let forge = &scene.world.forge;
    let number = forge.open_pull_request(REPOSITORY, "dora", "fix", "main", "Typo [Skip CI]").await?;
    let status = scene.status_with(&head, "unit", "left out").await?;
    assert_eq!(status.state, "pending");
    assert_eq!(status.description.as_deref(), Some("left out by [skip ci] in the title; comment /test"));
    scene.settle_jobs(1).await?;
    assert!(scene.pipeline_runs().await?.is_empty());

    let comment = scene.comment("dora", number, "/test").await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(a_push_whose_head_commit_skips_ci_runs_nothing_and_the_next_push_runs);
async fn a_push_whose_head_commit_skips_ci_runs_nothing_and_the_next_push_runs() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"postSubmit": [job("build", "true")]})).await?;
    let forge = &scene.world.forge;
    let skipped = forge.commit(REPOSITORY, "main", OWNER, &[("a", "1\n")], "Docs\n\n[ci skip]").await?;
    scene.settle_jobs(0).await?;
    assert!(scene.states(&skipped, "build").await?.is_empty(), "a push that runs nothing says nothing");
    // A tag is a release, whatever the commit says.
    forge.push_tag(REPOSITORY, "v1", &skipped, OWNER).await?;
    scene.status(&skipped, "build", "success").await?;
    let next = scene.push("main", OWNER, &[("b", "1\n")]).await?;
    scene.status(&next, "build", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}
