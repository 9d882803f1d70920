//! The API as other processes find it.

use crate::bench::{Bench, PATIENCE, made, task};
use anyhow::Context as _;
use futures::StreamExt as _;
use kube::{
    api::WatchParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

#[tokio::test]
async fn while_unavailable_the_api_refuses_and_the_executor_still_runs_steps() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let script = format!("echo > {}", bench.mark().display());
    bench.create(json!([task("t", &script)])).await?;
    let open = bench.runs.watch(&WatchParams::default(), "0").await?;
    bench.cluster.set_unavailable(true);
    tokio::time::timeout(PATIENCE, open.count()).await.context("an open watch outlives the API")?;
    let answer = bench.cluster.client()?.apiserver_version().await;
    assert!(matches!(&answer, Err(kube::Error::Api(status)) if status.code == 503), "{answer:?}");
    made(&bench.mark()).await?;
    bench.cluster.set_unavailable(false);
    assert!(bench.ended().await?.1.starts_with("True Succeeded"));
    bench.cluster.stop().await
}

#[tokio::test]
async fn a_kubeconfig_reaches_the_api_and_an_unserved_request_is_named_in_its_501() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let config = Kubeconfig::read_from(bench.cluster.kubeconfig())?;
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    let client = kube::Client::try_from(config)?;
    let groups = client.list_api_groups().await?;
    assert!(groups.groups.iter().any(|group| group.name == "tekton.dev"));
    let resources = client.list_api_group_resources("tidegate.dev/v1alpha1").await?;
    assert!(resources.resources.iter().any(|resource| resource.name == "integrationjobs/status"));

    let request = http::Request::get("/apis/apps/v1/namespaces/default/deployments").body(vec![])?;
    match client.request::<Value>(request).await {
        Err(kube::Error::Api(status)) => {
            assert_eq!(status.code, 501);
            assert!(status.message.contains("verb list of deployments in apps/v1"), "{}", status.message);
        }
        other => anyhow::bail!("not refused: {other:?}"),
    }
    bench.cluster.stop().await
}
