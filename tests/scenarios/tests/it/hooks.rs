//! Hooks that a host, or somebody on it, changes.

use anyhow::{Context as _, Result, ensure};
use tidegate_model::Host;
use tidegate_resources::ConditionStatus;
use tidegate_sandbox_forge::Forge;
use tidegate_scenarios::{REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{on, unit};

scenario!(
    a_hook_that_was_disabled_is_repaired_and_what_was_missed_is_found,
    on_hosts,
    not_on_cluster = "its hooks are not the test's to disable"
);
async fn a_hook_that_was_disabled_is_repaired_and_what_was_missed_is_found(host: Host) -> Result<()> {
    let mut scene = Scene::set(on(host), &unit()).await?;
    scene.world.stop_controller().await?;
    let forge = scene.world.forge.sandbox()?;
    let hook = forge.hooks(REPOSITORY)?.pop().context("no hook")?;
    forge.disable_hook(REPOSITORY, hook.id)?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.delivered().await?;
    scene.world.start_controller().await?;

    scene.status(&head, "unit", "success").await?;
    let said = scene.wait_for_condition("WebhookRegistered", ConditionStatus::True).await?;
    ensure!(said.contains("the host had stopped deliveries: events between"), "{said}");
    let next = scene.push("next", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "next").await?;
    scene.status(&next, "unit", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(
    a_gitlab_without_signing_tokens_gets_a_token_and_moves_up_after_its_upgrade,
    not_on_cluster = "there is no GitLab"
);
async fn a_gitlab_without_signing_tokens_gets_a_token_and_moves_up_after_its_upgrade() -> Result<()> {
    let spec = WorldSpec { webhook_check_interval: "1s", ..on(Host::Gitlab) };
    let scene = Scene::prepare(spec).await?;
    let forge = scene.world.forge.sandbox()?;
    forge.set_signing_tokens(false);
    scene.apply(scene.config(&unit())).await?;
    let said = scene.wait_for_condition("WebhookUnsigned", ConditionStatus::True).await?;
    ensure!(said.contains("in clear"), "{said}");
    let paths = |forge: &Forge| -> Option<Vec<bool>> {
        Some(
            forge
                .hooks(REPOSITORY)
                .ok()?
                .iter()
                .map(|hook| hook.url.contains("/hooks/gitlab-token/"))
                .collect(),
        )
    };
    assert_eq!(paths(forge), Some(vec![true]), "one hook, with a token");
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;

    forge.set_signing_tokens(true);
    scene.wait_for_condition("WebhookUnsigned", ConditionStatus::False).await?;
    let moved = |forge: &Forge| (paths(forge)? == [false]).then_some(());
    forge.wait_for("the hook with a token to go", std::time::Duration::from_mins(1), moved).await?;
    let next = scene.push("next", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "next").await?;
    scene.status(&next, "unit", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}
