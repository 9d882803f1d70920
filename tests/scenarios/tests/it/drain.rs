//! Commands that are poison, forged, or come at a bad time.

use anyhow::Result;
use serde_json::json;
use tidegate_scenarios::{REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(
    unreadable_and_forged_commands_go_to_the_dead_letter_queue_with_their_reason_and_later_commands_run
);
async fn unreadable_and_forged_commands_go_to_the_dead_letter_queue_with_their_reason_and_later_commands_run()
-> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.expect_dead_letter("failed to decode a message of 15 bytes");
    let own = scene.world.forge.repository(REPOSITORY);
    scene.expect_dead_letter(&format!("the config is for {own}, not for evil/repo"));
    scene.send_command("not JSON at all").await?;
    let forged = json!({
        "v": 1, "delivery": "forged", "host": "gitea", "received_at_ms": 0,
        "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
        "body": {"repository": "evil/repo", "intention": "run_pull_request", "pull_request": 1, "head": "a".repeat(40)},
    });
    scene.send_command(&forged.to_string()).await?;
    scene.settle().await?;
    assert_eq!(
        scene.dead_letters().await?,
        ["not JSON at all", &forged.to_string()],
        "their texts stay as they are"
    );

    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(
    a_controller_killed_with_commands_in_the_queue_loses_none,
    not_on_deployed = "the emulator hands commands to the killed controller's poll for a minute and a half"
);
async fn a_controller_killed_with_commands_in_the_queue_loses_none() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.world.kill_controller().await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.delivered().await?;
    scene.world.start_controller().await?;
    scene.status(&head, "unit", "success").await?;
    assert_eq!(scene.world.forge.hooks(REPOSITORY).await?.len(), 1);
    scene.end().await
}
