//! A config that only claims a repository blocks no other config.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    api::{ListParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::json;
use tidegate_resources::{ConditionStatus, IntegrationConfig, IntegrationJob};
use tidegate_scenarios::{Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(an_older_config_whose_token_has_no_right_neither_owns_the_statuses_nor_gets_runs);
async fn an_older_config_whose_token_has_no_right_neither_owns_the_statuses_nor_gets_runs() -> Result<()> {
    let scene = Scene::prepare(WorldSpec { two_namespaces: true, ..gitea() }).await?;
    let second = scene.world.second_namespace.clone().context("a second namespace")?;
    let client = scene.world.client.clone();
    let secret: Secret =
        serde_json::from_value(json!({"metadata": {"name": "git"}, "stringData": {"token": "bogus"}}))?;
    Api::namespaced(client.clone(), &second).create(&PostParams::default(), &secret).await?;
    let mut claim = scene.config(&unit());
    claim["metadata"]["namespace"] = second.as_str().into();
    let claim = scene.apply(claim).await?;
    let claims: Api<IntegrationConfig> = Api::namespaced(client.clone(), &second);
    let is_refused = |config: Option<&IntegrationConfig>| {
        let conditions =
            config.iter().filter_map(|config| config.status.as_ref()).flat_map(|s| &s.conditions);
        conditions.into_iter().any(|c| c.type_ == "WebhookRegistered" && c.status == ConditionStatus::False)
    };
    await_condition(claims.clone(), "shop", is_refused).await?;
    assert!(!claims.get("shop").await?.is_proven());
    let created = claim.metadata.creation_timestamp.context("a time")?;
    scene.after_second_of(&created.0.to_string()).await?;

    let own = scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;
    scene.wait_for_condition("Ready", ConditionStatus::True).await?;
    assert!(
        own.metadata.creation_timestamp.is_some_and(|time| time.0 > created.0),
        "the claim is the older one"
    );
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let comment = scene.comment("dora", number, "/test unit").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(2).await?;
    let theirs: Api<IntegrationJob> = Api::namespaced(client, &second);
    assert_eq!(
        theirs.list(&ListParams::default()).await?.items.len(),
        0,
        "runs of a config that only claims"
    );
    scene.end().await
}
