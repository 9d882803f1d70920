//! All conversations with the sandbox' API; with `TIDEGATE_WORLD=cluster`, inside `tests/cluster/cluster exec`, those that
//! a real API server can be asked, with that of the cluster.

use std::process::ExitCode;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    api::{DeleteParams, PostParams},
};
use tidegate_sandbox_cluster::{Cluster, ClusterSpec};
use tidegate_test_suite::{World, scenario};
use tidegate_transcripts::{ALL, watching};

/// A name of this run alone: on a real cluster the namespaces of the last one may still be going.
fn namespace(index: usize) -> String {
    format!("transcript-{}-{index}", std::process::id())
}

async fn sandbox() -> anyhow::Result<(tempfile::TempDir, Cluster)> {
    let work_dir = tempfile::tempdir()?;
    let cluster = Cluster::start(ClusterSpec { work_dir: work_dir.path().to_owned() }).await?;
    Ok((work_dir, cluster))
}

fn main() -> anyhow::Result<ExitCode> {
    tidegate_test_suite::main("transcripts")
}

async fn converse(client: Client) -> anyhow::Result<()> {
    let spaces: Api<Namespace> = Api::all(client.clone());
    let mut failed = Vec::new();
    for (index, (name, transcript)) in ALL.iter().enumerate() {
        let mut space = Namespace::default();
        let namespace = namespace(index);
        space.metadata.name = Some(namespace.clone());
        spaces
            .create(&PostParams::default(), &space)
            .await
            .with_context(|| format!("failed to create {namespace}"))?;
        if let Err(error) = transcript(client.clone(), namespace.clone()).await {
            failed.push(format!("{name}: {error:#}"));
        }
        // Some have deleted it themselves.
        if let Err(error) = spaces.delete(&namespace, &DeleteParams::background()).await
            && !matches!(&error, kube::Error::Api(status) if status.is_not_found() || status.is_conflict())
        {
            return Err(error).with_context(|| format!("failed to delete {namespace}"));
        }
    }
    anyhow::ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

scenario!(every_transcript_passes);
async fn every_transcript_passes() -> anyhow::Result<()> {
    if World::of_environment()? == World::Cluster {
        let mut config = kube::Config::infer().await.context("failed to find the cluster")?;
        config.default_retry = false;
        return converse(Client::try_from(config)?).await;
    }
    let (_work_dir, cluster) = sandbox().await?;
    converse(cluster.client()?).await?;
    cluster.stop().await
}

scenario!(a_compacted_history_is_gone, not_on_cluster = "its API can't be told to compact");
async fn a_compacted_history_is_gone() -> anyhow::Result<()> {
    let (_work_dir, cluster) = sandbox().await?;
    watching::an_expired_watch_is_gone(cluster.client()?, "default", || cluster.compact()).await?;
    cluster.stop().await
}
