//! A third-party plugin, with its own command queue.

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_scenarios::{PLUGIN_COMMANDS, PLUGIN_DEAD_LETTERS, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(
    a_third_party_plugin_may_send_only_the_commands_that_it_declared,
    not_on_deployed = "the queue of a plugin admits its function alone"
);
async fn a_third_party_plugin_may_send_only_the_commands_that_it_declared() -> Result<()> {
    let spec = WorldSpec { plugin_intentions: &["run_pull_request"], ..gitea() };
    let mut scene = Scene::prepare(spec).await?;
    // Opened before there is a hook: our own plugins never hear of them.
    let first = scene.push("first", "dora", &[("ok", "yes\n")]).await?;
    let second = scene.push("second", "dora", &[("ok", "yes\n")]).await?;
    let numbers = [scene.open("dora", "first").await?, scene.open("dora", "second").await?];
    scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;
    let command = |intention: &str, number: u64, more: Value| {
        let mut body = json!({"repository": scene.world.forge.repository(REPOSITORY), "intention": intention, "pull_request": number});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let source = json!({"kind": "config", "namespace": scene.world.namespace, "name": "shop"});
        json!({
            "v": 1, "delivery": format!("{intention}-{number}"), "host": "gitea", "received_at_ms": 0,
            "source": source, "body": body,
        })
        .to_string()
    };
    let run = |number, head: &tidegate_model::CommitSha| {
        command("run_pull_request", number, json!({"head": head.as_str()}))
    };

    scene.send_to(PLUGIN_COMMANDS, &run(numbers[0], &first)).await?;
    scene.status(&first, "unit", "success").await?;

    let undeclared = command("cancel", numbers[1], json!({}));
    let second_run = run(numbers[1], &second);
    let reason = "plugin audit may not ask for cancel: it has declared run_pull_request";
    scene.expect_dead_letter_in(PLUGIN_DEAD_LETTERS, reason);
    scene.send_to(PLUGIN_COMMANDS, &undeclared).await?;
    scene.drained(&[PLUGIN_COMMANDS]).await?;
    assert_eq!(scene.world.cloud.messages(PLUGIN_DEAD_LETTERS).await?, [undeclared]);
    // On a real cluster the environment of the command line is in the controller's pod.
    if let Ok(mut tidegate) = scene.world.tidegate(&[
        "dlq",
        "list",
        "--dead-letters",
        &scene.world.cloud.queue_url(PLUGIN_DEAD_LETTERS),
    ]) {
        let listed = String::from_utf8(tidegate.output().await?.stdout)?;
        assert!(listed.contains(reason), "{listed}");
    }

    scene.send_to(PLUGIN_COMMANDS, &second_run).await?;
    scene.status(&second, "unit", "success").await?;
    scene.drained(&[PLUGIN_COMMANDS]).await?;
    scene.end().await
}
