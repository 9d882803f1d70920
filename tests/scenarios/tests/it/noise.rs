//! What strangers write delays nobody else, and gets a bounded number of answers.

use anyhow::Result;
use tidegate_scenarios::{REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(a_strangers_many_comments_get_a_few_answers_and_delay_no_other_pull_request);
async fn a_strangers_many_comments_get_a_few_answers_and_delay_no_other_pull_request() -> Result<()> {
    const COMMENTS: usize = 40;
    const ANSWERS: usize = 10;
    let scene = Scene::set(gitea(), &unit()).await?;
    scene.push("noisy", "dora", &[("ok", "yes\n")]).await?;
    let noisy = scene.open("dora", "noisy").await?;
    for _ in 0..COMMENTS {
        scene.comment("steve", noisy, "/help").await?;
    }
    let head = scene.push("quiet", "dora", &[("ok", "yes\n")]).await?;
    let quiet = scene.open("dora", "quiet").await?;
    scene.status(&head, "unit", "success").await?;
    let comment = scene.comment("dora", quiet, "/help").await?;
    scene.reply(quiet, "| comment |").await?;
    scene.settle().await?;

    let all = scene.world.forge.comments(REPOSITORY, noisy).await?;
    // On the real cluster each world has a Steve of its own.
    let help = all.iter().filter(|comment| comment.body.starts_with("@steve")).count();
    // One more comes every five minutes, where everything is slow.
    assert!((ANSWERS..=ANSWERS + 1).contains(&help), "{help} answers to {COMMENTS} comments");
    // Who may write has commands that do more than get an answer, on the noisy pull request, too.
    let test = scene.comment("dora", noisy, "/test unit").await?;
    scene.thumb(noisy, test).await?;
    assert_ne!(comment, test);
    scene.settle_jobs(3).await?;
    scene.end().await
}
