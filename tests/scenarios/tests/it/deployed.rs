//! What only a deployed cloud can show: its own queues, mappings and alarms.
//!
//! `audit` is the third-party plugin that infra/terraform/examples/custom-plugin adds (here with the integrator's
//! code): it wants pushes, and has a command queue of its own. All controllers but one scenario's don't drain that
//! queue: its messages stay there to be inspected.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tidegate_scenarios::{COMMANDS, Deployed, EVENTS, Scene, SignedHook, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, job, unit};

const EVENTS_OF_AUDIT: &str = "tidegate-audit-events";
const DEAD_EVENTS_OF_AUDIT: &str = "tidegate-audit-events-dead";
const COMMANDS_OF_AUDIT: &str = "tidegate-audit-commands";

const ASKS: &str = "it asks a deployed cloud";
const NO_AUDIT: &str = "its stack has no plugin audit";

/// A push as the webhook function sends it to plugins.
fn push(branch: &str) -> String {
    json!({
        "v": 1, "delivery": branch, "host": "gitea", "received_at_ms": 0,
        "source": {"kind": "config", "namespace": "ci", "name": "shop"},
        "body": {"kind": "push", "repository": "acme/shop", "ref": format!("refs/heads/{branch}"),
                 "after": "a".repeat(40), "sender": "dora"},
    })
    .to_string()
}

/// Waits until a queue has so many messages: SQS doesn't notify, so this polls, within a limit.
async fn wait_for_depth(scene: &Scene, queue: &str, depth: usize, limit: Duration) -> Result<()> {
    let asked = async {
        while scene.world.cloud.queue_depth(queue).await? != depth {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(limit, asked).await.with_context(|| format!("{queue} never had {depth} messages"))?
}

async fn empty(cloud: &Deployed) -> Result<()> {
    for queue in [EVENTS_OF_AUDIT, DEAD_EVENTS_OF_AUDIT] {
        cloud.purge(queue).await?;
    }
    cloud.feed_orphaned_polls(COMMANDS_OF_AUDIT).await
}

scenario!(
    a_third_party_plugin_starts_a_run_through_its_own_queue,
    only_on_deployed = ASKS,
    not_on_sam = NO_AUDIT
);
async fn a_third_party_plugin_starts_a_run_through_its_own_queue() -> Result<()> {
    let spec = WorldSpec { plugin_intentions: &["run_push"], ..gitea() };
    let scene = Scene::set(spec, &json!({"postSubmit": [job("deploy", "true")]})).await?;
    let cloud = scene.world.cloud.deployed()?;
    // Our own plugin would start the same run.
    let setting = "TIDEGATE_ROUTES";
    let routes = cloud.variable("tidegate-webhook", setting).await?;
    let mut to_audit: Vec<Value> = serde_json::from_str(&routes)?;
    to_audit.retain(|route| route["plugin"] == "audit");
    assert_eq!(to_audit.len(), 1, "{routes}");
    cloud.set_variable("tidegate-webhook", setting, &json!(to_audit).to_string()).await?;
    let pushed = scene.push("release", "dora", &[("ok", "yes\n")]).await?;
    let ran = scene.status(&pushed, "deploy", "success").await;
    cloud.set_variable("tidegate-webhook", setting, &routes).await?;
    ran?;
    scene.drained(&[COMMANDS_OF_AUDIT]).await?;
    scene.end().await
}

scenario!(
    an_unreadable_event_is_retried_alone_and_goes_to_the_dead_letter_queue_with_an_alarm,
    only_on_deployed = ASKS,
    not_on_sam = NO_AUDIT
);
async fn an_unreadable_event_is_retried_alone_and_goes_to_the_dead_letter_queue_with_an_alarm() -> Result<()>
{
    let scene = Scene::prepare(gitea()).await?;
    let cloud = scene.world.cloud.deployed()?;
    empty(cloud).await?;
    let alarm = "tidegate-audit-events-dead";
    assert_ne!(cloud.alarm_on_depth(alarm, DEAD_EVENTS_OF_AUDIT).await?, "ALARM");

    cloud.send(EVENTS_OF_AUDIT, &[&push("one"), "poison", &push("two")]).await?;
    // Visibility is six times the plugin's two seconds, and there are five receives.
    wait_for_depth(&scene, DEAD_EVENTS_OF_AUDIT, 1, Duration::from_mins(3)).await?;
    assert_eq!(scene.world.cloud.messages(DEAD_EVENTS_OF_AUDIT).await?, ["poison"]);
    assert_eq!(scene.world.cloud.queue_depth(EVENTS_OF_AUDIT).await?, 0);
    assert_eq!(cloud.alarm_on_depth(alarm, DEAD_EVENTS_OF_AUDIT).await?, "ALARM");

    // Each good one made its command once: nobody repeated it for the poison's sake.
    let mut deliveries = Vec::new();
    for command in scene.world.cloud.messages(COMMANDS_OF_AUDIT).await? {
        let command: Value = serde_json::from_str(&command)?;
        deliveries.push(command["delivery"].as_str().context("a delivery")?.to_owned());
    }
    deliveries.sort();
    assert_eq!(deliveries, ["one", "two"]);
    empty(cloud).await?;
    scene.end().await
}

scenario!(an_event_is_retried_until_its_plugin_starts, only_on_deployed = ASKS, not_on_sam = NO_AUDIT);
async fn an_event_is_retried_until_its_plugin_starts() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let cloud = scene.world.cloud.deployed()?;
    empty(cloud).await?;
    let setting = "TIDEGATE_LOG";
    let was = cloud.variable("tidegate-audit", setting).await?;
    cloud.set_variable("tidegate-audit", setting, "no=such=filter").await?;
    assert!(cloud.fails("tidegate-audit").await?, "the function starts all the same");
    cloud.send(EVENTS_OF_AUDIT, &[&push("later")]).await?;
    let taken = async {
        while cloud.in_flight(EVENTS_OF_AUDIT).await? == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_mins(1), taken).await.context("Lambda never took the event")??;
    // By the time that this has failed, so has the event.
    assert!(cloud.fails("tidegate-audit").await?);
    assert_eq!(cloud.in_flight(EVENTS_OF_AUDIT).await?, 1);
    assert_eq!(scene.world.cloud.queue_depth(COMMANDS_OF_AUDIT).await?, 0);
    cloud.set_variable("tidegate-audit", setting, &was).await?;
    wait_for_depth(&scene, COMMANDS_OF_AUDIT, 1, Duration::from_mins(1)).await?;
    wait_for_depth(&scene, EVENTS_OF_AUDIT, 0, Duration::from_mins(1)).await?;
    assert_eq!(scene.world.cloud.queue_depth(DEAD_EVENTS_OF_AUDIT).await?, 0);
    empty(cloud).await?;
    scene.end().await
}

scenario!(
    a_delivery_is_answered_503_while_a_queue_refuses_it_and_its_redelivery_runs,
    only_on_deployed = ASKS
);
async fn a_delivery_is_answered_503_while_a_queue_refuses_it_and_its_redelivery_runs() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let cloud = scene.world.cloud.deployed()?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.settle().await?;
    let hook = SignedHook::of(&scene).await?;
    let delivery = hook.opened(1, "fix", &head, "dora")?;

    let setting = "TIDEGATE_ROUTES";
    let routes = cloud.variable("tidegate-webhook", setting).await?;
    cloud.set_variable("tidegate-webhook", setting, &routes.replace(EVENTS[0], "no-such-queue")).await?;
    let refused = hook.send(&delivery).await;
    cloud.set_variable("tidegate-webhook", setting, &routes).await?;
    assert_eq!(refused?, 503);
    assert_eq!(scene.world.cloud.queue_depth(COMMANDS).await?, 0);

    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}
