//! What becomes of an `IntegrationConfig`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use tidegate_model::Host;
use tidegate_resources::ConditionStatus;
use tidegate_scenarios::{REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, on, unit};

scenario!(the_webhook_is_registered_once_and_removed_with_the_config, on_hosts);
async fn the_webhook_is_registered_once_and_removed_with_the_config(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &unit()).await?;
    let hooks = scene.world.forge.hooks(REPOSITORY).await?;
    assert_eq!(hooks.len(), 1);
    let host = scene.world.forge.dialect(host);
    let prefix = format!("{}/hooks/{host}/{}/shop/", scene.world.cloud.gateway(), scene.world.namespace);
    assert!(hooks[0].url.starts_with(&prefix), "{}", hooks[0].url);
    scene.delete_config().await?;
    assert_eq!(scene.world.forge.hooks(REPOSITORY).await?.len(), 0);
    scene.end().await
}

scenario!(a_removed_webhook_is_registered_again, on_hosts);
async fn a_removed_webhook_is_registered_again(host: Host) -> Result<()> {
    let spec = WorldSpec { webhook_check_interval: "1s", ..on(host) };
    let scene = Scene::set(spec, &unit()).await?;
    let hook = scene.world.forge.hooks(REPOSITORY).await?.remove(0);
    scene.world.forge.delete_hook(REPOSITORY, hook.id).await?;
    let mended = scene.world.forge.wait_for_hook(REPOSITORY, Duration::from_secs(30)).await?;
    assert_eq!((&mended.url, mended.secret), (&hook.url, hook.secret));
    scene.end().await
}

scenario!(a_config_whose_secret_is_gone_is_deleted_and_an_event_names_the_leftover_hook);
async fn a_config_whose_secret_is_gone_is_deleted_and_an_event_names_the_leftover_hook() -> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    let hook = scene.world.forge.hooks(REPOSITORY).await?.remove(0);
    scene.delete_secret("git").await?;
    // The controller may keep using its cached token for a minute: a new one starts without it.
    let mut scene = scene;
    scene.restart_controller().await?;
    scene.delete_config().await?;
    let notes = scene.events("WebhookLeftBehind").await?;
    let [note] = &notes[..] else { anyhow::bail!("expected one Event, got {notes:?}") };
    assert!(note.starts_with(&format!("hook {} ({})", hook.id, hook.url)), "{note}");
    assert!(note.ends_with("Secret git does not exist"), "{note}");
    scene.end().await
}

scenario!(a_cycle_of_jobs_is_named_in_the_condition_ready_and_in_the_reply_to_a_comment);
async fn a_cycle_of_jobs_is_named_in_the_condition_ready_and_in_the_reply_to_a_comment() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let (mut a, mut b) = (job("a", "true"), job("b", "true"));
    a["after"] = json!(["b"]);
    b["after"] = json!(["a"]);
    scene.apply(scene.config(&json!({"preSubmit": [a, b]}))).await?;
    let message = scene.wait_for_condition("Ready", ConditionStatus::False).await?;
    assert_eq!(message, "spec.jobs.preSubmit: dependency cycle: a -> b -> a");

    scene.wait_until_registered().await?;
    scene.push("circle", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "circle").await?;
    scene.comment("dora", number, "/test a").await?;
    let reply = scene.reply(number, "nothing can run").await?;
    assert!(reply.contains("dependency cycle: a -> b -> a"), "{reply}");
    scene.settle().await?;
    assert_eq!(scene.answers_on(number).await?, (1, 0), "one answer to one comment");

    scene.delete_config().await?;
    a_good_config_works(scene).await
}

scenario!(a_script_with_a_tekton_variable_makes_the_config_unready_before_anything_runs);
async fn a_script_with_a_tekton_variable_makes_the_config_unready_before_anything_runs() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    scene.apply(scene.config(&json!({"preSubmit": [job("a", "echo $(params.x)")]}))).await?;
    let message = scene.wait_for_condition("Ready", ConditionStatus::False).await?;
    assert_eq!(
        message,
        "spec.jobs.preSubmit: job a: script contains $(params.x), which Tekton would replace; write it another way"
    );
    scene.end().await
}

scenario!(a_missing_secret_is_named_and_the_config_can_still_be_deleted);
async fn a_missing_secret_is_named_and_the_config_can_still_be_deleted() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let mut config = scene.config(&unit());
    config["spec"]["git"]["tokenSecretRef"]["name"] = json!("nowhere");
    scene.apply(config).await?;
    let message = scene.wait_for_condition("WebhookRegistered", ConditionStatus::False).await?;
    assert_eq!(message, "Secret nowhere does not exist");
    scene.delete_config().await?;
    a_good_config_works(scene).await
}

scenario!(the_api_server_refuses_what_the_crd_forbids);
async fn the_api_server_refuses_what_the_crd_forbids() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let mut both = job("a", "true");
    both["command"] = json!(["true"]);
    let refused =
        scene.apply(scene.config(&json!({"preSubmit": [both]}))).await.err().context("it was accepted")?;
    let text = format!("{refused:#}");
    assert!(text.contains("a job needs exactly one of script and command"), "{text}");
    scene.end().await
}

/// After a bad config the next good one works, with its next event.
pub(crate) async fn a_good_config_works(scene: Scene) -> Result<()> {
    scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}
