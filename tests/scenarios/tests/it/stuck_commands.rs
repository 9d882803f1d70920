//! Commands that can't be carried out: some are given up after a few tries, with a word to the person; none outlives its queue.

use std::time::Duration;

use anyhow::Result;
use tidegate_sandbox_forge::Fault;
use tidegate_scenarios::{COMMANDS, DEAD_LETTERS, Scene};
use tidegate_test_suite::scenario;

use crate::{
    bad_objects::{again, put_back},
    gitea, unit,
};

/// How often a command is tried when nothing is known to help.
const TRIES: u32 = 8;
/// Counted after the dead letter was sent, and the log line before.
const DEAD_LETTERED: &str =
    "tidegate_commands_total{intention=\"run_pull_request\",outcome=\"dead_lettered\"} 1";

scenario!(
    a_command_that_a_quota_refuses_is_given_up_after_a_few_tries_and_its_author_gets_a_reply,
    not_on_cluster = "the controller has rights there, and no quota"
);
async fn a_command_that_a_quota_refuses_is_given_up_after_a_few_tries_and_its_author_gets_a_reply()
-> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.expect_dead_letter("exceeded quota");
    let first = scene.push("first", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "first").await?;
    scene.status(&first, "unit", "success").await?;
    let quota = "exceeded quota: runs, requested: count/integrationjobs.tidegate.dev=1, used: 1, limited: 1";
    let (cluster, namespace) = (scene.world.sandbox_cluster()?, &scene.world.namespace);
    cluster.refuse("create integrationjobs", namespace, Some(quota));
    let comment = scene.comment("dora", number, "/test unit").await?;
    use_up_tries(&scene, "follow_comment").await?;
    let reply = scene.reply(number, "exceeded quota").await?;
    assert!(reply.starts_with("@dora: your comment was not followed"), "{reply}");
    assert_eq!(scene.world.cloud.messages(DEAD_LETTERS).await?.len(), 1);
    assert_eq!(scene.answers_on(number).await?, (1, 0));

    cluster.refuse("create integrationjobs", namespace, None);
    let letter = scene.world.cloud.messages(DEAD_LETTERS).await?.remove(0);
    scene.send_command(&letter).await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(
    an_answer_that_stays_unreadable_gives_a_command_up,
    not_on_cluster = "a real host can't be told to fail"
);
async fn an_answer_that_stays_unreadable_gives_a_command_up() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.expect_dead_letter("it failed 8 times in a row");
    scene.world.forge.sandbox()?.fail_next(1_000, Some("GET"), "pulls/1", Fault::Nonsense);
    scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    use_up_tries(&scene, "run_pull_request").await?;
    scene.logged("it failed 8 times in a row").await?;
    scene.wait_for_metric(DEAD_LETTERED).await?;
    assert_eq!(scene.world.cloud.messages(DEAD_LETTERS).await?.len(), 1);
    scene.end().await
}

scenario!(
    an_outage_of_a_host_is_waited_for_until_the_queue_would_delete_the_command,
    long,
    not_on_cluster = "a real host can't be told to fail"
);
async fn an_outage_of_a_host_is_waited_for_until_the_queue_would_delete_the_command() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.expect_dead_letter("it waited for 144 hours");
    scene.world.forge.sandbox()?.fail_next(1_000, Some("GET"), "pulls/1", Fault::Status(500));
    scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    for times in 1..=TRIES + 2 {
        put_back(&scene, "run_pull_request", times).await?;
        again(&scene).await?;
    }
    assert_eq!(scene.world.cloud.queue_depth(DEAD_LETTERS).await?, 0);
    scene.world.cloud.sandbox()?.set_age(COMMANDS, Duration::from_hours(6 * 24));
    again(&scene).await?;
    scene.logged("it waited for 144 hours").await?;
    scene.wait_for_metric(DEAD_LETTERED).await?;
    assert_eq!(scene.world.cloud.messages(DEAD_LETTERS).await?.len(), 1);
    scene.end().await
}

/// Lets a command fail until it is given up.
async fn use_up_tries(scene: &Scene, intention: &str) -> Result<()> {
    for times in 1..TRIES {
        put_back(scene, intention, times).await?;
        again(scene).await?;
    }
    scene
        .wait_for_metric(&format!(
            "tidegate_commands_total{{intention=\"{intention}\",outcome=\"dead_lettered\"}} 1"
        ))
        .await
}
