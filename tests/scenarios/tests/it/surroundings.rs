//! What the chart puts around the pods of runs: their namespace, accounts and network.

use std::path::Path;

use anyhow::{Context as _, Result};
use k8s_openapi::api::{
    core::v1::{Namespace, Pod, ServiceAccount},
    networking::v1::NetworkPolicy,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tidegate_scenarios::Scene;
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(
    the_surroundings_of_runs_are_accepted_and_runs_pass_the_pod_security_standard,
    only_on_cluster = "the sandbox checks no NetworkPolicy and has no pods"
);
async fn the_surroundings_of_runs_are_accepted_and_runs_pass_the_pod_security_standard() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let client = &scene.world.client;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let baseline = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}});
    namespaces.patch(&scene.world.namespace, &PatchParams::default(), &Patch::Merge(baseline)).await?;

    let manifests = manifests()?;
    let (mut policies, mut accounts) = (Vec::new(), Vec::new());
    for manifest in manifests {
        match manifest["kind"].as_str() {
            Some("NetworkPolicy") => policies.push(manifest),
            Some("ServiceAccount") => accounts.push(manifest),
            _ => (),
        }
    }
    assert_eq!((policies.len(), accounts.len()), (4, 4), "two of each in two namespaces");
    for policy in policies {
        dry_run::<NetworkPolicy>(&scene, policy).await?;
    }
    for account in accounts {
        dry_run::<ServiceAccount>(&scene, account).await?;
    }

    scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &scene.world.namespace);
    let trusted = pods.list(&ListParams::default().labels("tidegate.dev/trust=trusted")).await?;
    assert_eq!(trusted.items.len(), 1, "Tekton copies the label to the pod");
    scene.end().await
}

/// What the chart renders around runs, from its complete snapshot.
fn manifests() -> Result<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/kubernetes/snapshots/complete.yaml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let all = serde_saphyr::from_multiple::<Value>(&text).context("the snapshot is no YAML")?;
    let is_of_runs =
        |manifest: &Value| manifest["metadata"]["labels"]["app.kubernetes.io/name"] == "tidegate-runs";
    Ok(all.into_iter().filter(is_of_runs).collect())
}

/// Has the API server check an object in the scene's namespace, and keep nothing of it.
async fn dry_run<K>(scene: &Scene, mut manifest: Value) -> Result<()>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + Serialize
        + DeserializeOwned,
{
    manifest["metadata"]["namespace"] = scene.world.namespace.as_str().into();
    let object: K = serde_json::from_value(manifest)?;
    let params = PostParams { dry_run: true, ..PostParams::default() };
    Api::namespaced(scene.world.client.clone(), &scene.world.namespace)
        .create(&params, &object)
        .await
        .with_context(|| format!("the API server refuses {}", object.name_any()))?;
    Ok(())
}
