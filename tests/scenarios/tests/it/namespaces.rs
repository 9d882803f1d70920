//! Which namespaces are served.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::PostParams};
use serde_json::json;
use tidegate_resources::IntegrationConfig;
use tidegate_scenarios::{REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(every_listed_namespace_is_served);
async fn every_listed_namespace_is_served() -> Result<()> {
    let scene = Scene::set(WorldSpec { two_namespaces: true, ..gitea() }, &unit()).await?;
    let second = scene.world.second_namespace.clone().context("there is one namespace")?;
    scene.apply_in(&second, "web", &unit()).await?;
    scene.registered_in(&second, "web").await?;

    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.status_of(&head, "tidegate/web/unit", "success").await?;
    scene.end().await
}

scenario!(
    a_namespace_that_is_not_listed_is_ignored,
    not_on_cluster = "there the controller has no right elsewhere, which another scenario shows"
);
async fn a_namespace_that_is_not_listed_is_ignored() -> Result<()> {
    let scene = Scene::prepare(WorldSpec { two_namespaces: true, ..gitea() }).await?;
    let client = scene.world.client.clone();
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "other"}}))?;
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    scene.apply_in("other", "web", &unit()).await?;
    scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;

    assert_eq!(scene.world.forge.hooks(REPOSITORY).await?.len(), 1);
    let left: IntegrationConfig = Api::namespaced(client, "other").get("web").await?;
    assert_eq!((left.status, left.metadata.finalizers), (None, None));
    scene.end().await
}
