//! Tekton out of the way, so that it takes no part of the machine while we are measured.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::json;
use tidegate_scenarios::is_real;

const NAME: &str = "tekton-pipelines-controller";
const PATIENCE: Duration = Duration::from_mins(2);

/// Scales Tekton's controller, on a real cluster, and waits until that is so. The sandbox's executor always runs.
pub async fn scale(client: &Client, replicas: i32) -> Result<()> {
    if !is_real() {
        return Ok(());
    }
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "tekton-pipelines");
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    deployments.patch_scale(NAME, &PatchParams::default(), &patch).await.context("failed to scale Tekton")?;
    let scaled = |deployment: Option<&Deployment>| {
        let status = deployment.and_then(|deployment| deployment.status.as_ref());
        status.is_some_and(|status| {
            let (all, ready) = (status.replicas.unwrap_or(0), status.ready_replicas.unwrap_or(0));
            (all, ready) == (replicas, replicas)
        })
    };
    let waited = tokio::time::timeout(PATIENCE, await_condition(deployments, NAME, scaled)).await;
    waited.context("Tekton was not scaled in time")?.context("failed to watch Tekton")?;
    Ok(())
}
