//! A hook is replaced by one under a new salt, and whoever knows the old secret gets nothing by it.

use anyhow::{Context as _, Result, ensure};
use kube::{
    Api,
    api::{Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::json;
use tidegate_resources::IntegrationConfig;
use tidegate_scenarios::{OWNER, PLUGIN_COMMANDS, REPOSITORY, Scene, SignedHook, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, job, unit};

scenario!(
    a_push_signed_under_a_replaced_salt_is_dropped_and_proves_no_ancestor,
    not_on_cluster = "its Gitea takes no forged delivery into account, and a hook stays there for a minute",
    not_on_deployed = "a deployed function's keys are cached for five minutes"
);
async fn a_push_signed_under_a_replaced_salt_is_dropped_and_proves_no_ancestor() -> Result<()> {
    let spec = WorldSpec { master_key_cache: "1s", plugin_intentions: &["run_push"], ..gitea() };
    let scene = Scene::prepare(spec).await?;
    // Pushed together, and before there is a hook: the first was never the head of main.
    let never = scene.push("two", "dora", &[("a", "1\n")]).await?;
    let head = scene.push("two", "dora", &[("b", "1\n")]).await?;
    scene.world.forge.force_branch(REPOSITORY, "main", &head, OWNER).await?;
    let mut deploy = job("deploy", "true");
    deploy["when"] = json!({"branches": ["main"]});
    scene.apply(scene.config(&json!({"postSubmit": [deploy]}))).await?;
    scene.wait_until_registered().await?;
    let old = SignedHook::of(&scene).await?;

    rotate(&scene).await?;

    // The function can't know: the signature is right.
    ensure!(old.send(&old.pushed("main", &never, 1)?).await?.is_success(), "a signed delivery was refused");
    scene.wait_for_metric("tidegate_events_dropped_total{reason=\"other_salt\"} 1").await?;
    let by_plugin = json!({
        "v": 1, "delivery": "d-2", "host": "gitea", "received_at_ms": 0,
        "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
        "body": {
            "repository": scene.world.forge.repository(REPOSITORY), "intention": "run_push",
            "ref": "refs/heads/main", "sha": never,
        },
    });
    scene.send_to(PLUGIN_COMMANDS, &by_plugin.to_string()).await?;
    scene.logged("its event doesn't prove that it was the head").await?;
    scene.settle().await?;
    assert_eq!(scene.integration_jobs().await?.len(), 0, "an ancestor was built that was never a head");

    // The host's own event proves it.
    let new = SignedHook::of(&scene).await?;
    ensure!(new.send(&new.pushed("main", &never, 3)?).await?.is_success(), "a signed delivery was refused");
    scene.status(&never, "deploy", "success").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(
    events_that_were_lost_with_a_replaced_hook_are_found_by_one_look,
    not_on_cluster = "its Gitea takes no forged delivery into account, and a hook stays there for a minute",
    not_on_deployed = "a deployed function's keys are cached for five minutes"
);
async fn events_that_were_lost_with_a_replaced_hook_are_found_by_one_look() -> Result<()> {
    let mut deploy = job("deploy", "true");
    deploy["when"] = json!({"branches": ["main"]});
    let jobs = json!({"preSubmit": unit()["preSubmit"], "postSubmit": [deploy]});
    let scene = Scene::set(WorldSpec { master_key_cache: "1s", ..gitea() }, &jobs).await?;
    let known = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    scene.status(&known, "deploy", "success").await?;
    let old = SignedHook::of(&scene).await?;
    rotate(&scene).await?;
    let hook = scene.world.forge.hooks(REPOSITORY).await?.pop().context("no webhook")?;
    scene.world.forge.delete_hook(REPOSITORY, hook.id).await?;
    let lost = scene.push("main", OWNER, &[("b", "1\n")]).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;

    // Whoever knows the old key may send as many as they like.
    for number in 1..=8 {
        ensure!(old.send(&old.pushed("main", &lost, number)?).await?.is_success(), "a delivery was refused");
    }
    scene.wait_for_metric("tidegate_events_dropped_total{reason=\"other_salt\"} 8").await?;
    scene.status(&lost, "deploy", "success").await?;
    scene.status(&head, "unit", "success").await?;
    let calls = scene.world.forge.sandbox()?.api_calls();
    let looks = calls.iter().filter(|call| call.path.ends_with("/branches")).count();
    assert_eq!(looks, 1, "{calls:?}");
    scene.settle_jobs(3).await?;
    scene.end().await
}

/// Replaces the hook by one under a new salt, until the host shows that one alone.
async fn rotate(scene: &Scene) -> Result<()> {
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let rotate = json!({"metadata": {"annotations": {"tidegate.dev/rotate-webhook": "leaked"}}});
    configs.patch("shop", &PatchParams::default(), &Patch::Merge(rotate)).await?;
    let is_alone = |config: Option<&IntegrationConfig>| {
        let webhook = config.and_then(|config| config.status.as_ref()?.webhook.as_ref());
        webhook.is_some_and(|webhook| webhook.retired.iter().any(|salt| salt.until.is_some()))
    };
    await_condition(configs.clone(), "shop", is_alone).await?;
    assert_eq!(scene.world.forge.hooks(REPOSITORY).await?.len(), 1, "the old hook is gone from the host");
    Ok(())
}
