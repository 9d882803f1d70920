//! What was given up is looked at, and sent back when its cause is gone.

use anyhow::{Context as _, Result};
use serde_json::json;
use tidegate_scenarios::{DEAD_LETTERS, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

async fn tidegate(scene: &Scene, arguments: &[&str]) -> Result<(i32, String, String)> {
    let output = scene.world.tidegate(arguments)?.output().await.context("failed to run tidegate")?;
    let code = output.status.code().context("no exit code")?;
    Ok((code, String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
}

scenario!(
    a_replayed_command_runs_when_the_cause_of_its_refusal_is_gone_and_an_unreadable_one_stays,
    not_on_cluster = "the controller's environment is in its pod"
);
async fn a_replayed_command_runs_when_the_cause_of_its_refusal_is_gone_and_an_unreadable_one_stays()
-> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.expect_dead_letter("failed to decode a message of 15 bytes");
    // Without a webhook nothing but the replay can start the job.
    let hook = scene.world.forge.hooks(REPOSITORY).await?.pop().context("a hook")?;
    scene.world.forge.delete_hook(REPOSITORY, hook.id).await?;
    let early = json!({
        "v": 1, "delivery": "early", "host": "gitea", "received_at_ms": 0,
        "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
        "body": {"repository": REPOSITORY, "intention": "run_pull_request", "pull_request": 1, "head": "a".repeat(40)},
    });
    scene.send_command(&early.to_string()).await?;
    scene.send_command("not JSON at all").await?;
    scene.settle().await?;
    assert_eq!(scene.world.cloud.queue_depth(DEAD_LETTERS).await?, 2);

    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let (code, listed, stderr) = tidegate(&scene, &["dlq", "list"]).await?;
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(listed.contains("acme/shop") && listed.contains("there is no pull request 1"), "{listed}");

    let (code, replayed, stderr) = tidegate(&scene, &["dlq", "replay", "--all"]).await?;
    assert_eq!(code, 1, "one can't be read: {replayed}{stderr}");
    assert!(replayed.contains("run_pull_request acme/shop\n"), "{replayed}");
    assert!(
        replayed.ends_with("replayed to tidegate-commands: 1, left in tidegate-commands-dead: 1\n"),
        "{replayed}"
    );
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    assert_eq!(scene.dead_letters().await?, ["not JSON at all"]);
    scene.end().await
}
