//! All conversations with the sandbox' API.

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::PostParams};
use tidegate_sandbox_cluster::{Cluster, ClusterSpec};
use tidegate_transcripts::{ALL, watching};

async fn start() -> anyhow::Result<(tempfile::TempDir, Cluster)> {
    let work_dir = tempfile::tempdir()?;
    let cluster = Cluster::start(ClusterSpec { work_dir: work_dir.path().to_owned() }).await?;
    Ok((work_dir, cluster))
}

#[tokio::test]
async fn every_transcript_passes() -> anyhow::Result<()> {
    let (_work_dir, cluster) = start().await?;
    let spaces: Api<Namespace> = Api::all(cluster.client()?);
    let mut failed = Vec::new();
    for (index, (name, transcript)) in ALL.iter().enumerate() {
        let mut space = Namespace::default();
        let namespace = format!("transcript-{index}");
        space.metadata.name = Some(namespace.clone());
        spaces
            .create(&PostParams::default(), &space)
            .await
            .with_context(|| format!("failed to create {namespace}"))?;
        if let Err(error) = transcript(cluster.client()?, namespace).await {
            failed.push(format!("{name}: {error:#}"));
        }
    }
    cluster.stop().await?;
    anyhow::ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_compacted_history_is_gone() -> anyhow::Result<()> {
    let (_work_dir, cluster) = start().await?;
    watching::an_expired_watch_is_gone(cluster.client()?, "default", || cluster.compact()).await?;
    cluster.stop().await
}
