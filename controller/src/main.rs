//! Wires the controller: settings, clients, and the two loops of every replica: `web`, and `leader`, which runs the others while
//! this replica leads.

mod replica;
mod supervisor;

use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use kube::core::DeserializeGuard;
use tidegate_aws::SdkConfig;
use tidegate_controller::{
    context::Context, drain::command_queue::CommandQueue, metrics::Metrics, settings::Settings,
    stores::configs::StoredConfig, web,
};
use tidegate_keys::SecretStore;
use tidegate_queue::Queue;
use tidegate_resources::{IntegrationJob, IntegrationLedger};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{replica::Replica, supervisor::Supervisor};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Arc::new(Settings::parse());
    tidegate_telemetry::init()?;
    settings
        .plugin_queues
        .check_apart_from([&settings.command_queue_url, &settings.command_dead_letter_queue_url])
        .context("TIDEGATE_PLUGIN_QUEUES can't be used")?;
    // Before anything is served: a signal that nobody listens for kills.
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider was installed before main"))?;

    let mut config =
        kube::Config::infer().await.context("failed to find out how to reach the Kubernetes API")?;
    // Each loop retries in its own way; the client's silent retries would hide an outage from all of them.
    config.default_retry = false;
    let client =
        kube::Client::try_from(config).context("failed to set up the client of the Kubernetes API")?;
    let context = Context::new(client, Arc::clone(&settings), Metrics::default());
    check_crds(&context).await?;

    let aws = tidegate_aws::load().await?;
    let command_queues = command_queues(&settings, &aws, &context.metrics);
    let keys = SecretStore::new(&aws, settings.master_key_secret.clone());

    let stop = CancellationToken::new();
    let readiness = web::Readiness::default();
    let mut tasks = Supervisor::default();
    tasks.start("web", web::run(context.clone(), readiness.clone(), stop.clone()));
    let replica = Replica { context, keys, command_queues };
    tasks.start("leader", replica.lead(stop.clone()));
    readiness.set(true);
    tracing::info!("the controller has started");

    let failure = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        failure = tasks.failure() => failure,
    };
    tracing::info!("stopping: running work ends first");
    readiness.set(false);
    stop.cancel();
    let later = tasks.join().await;
    failure.or(later).map_or(Ok(()), Err)
}

/// The queue that our own plugins share, and those of third-party plugins.
fn command_queues(settings: &Settings, aws: &SdkConfig, metrics: &Metrics) -> Vec<CommandQueue> {
    let queue = |url: &String| Queue::new(aws, url.clone());
    let (commands, dead_letters) =
        (queue(&settings.command_queue_url), queue(&settings.command_dead_letter_queue_url));
    let shared = CommandQueue::shared(commands, dead_letters, metrics.clone());
    let of_plugins = settings.plugin_queues.as_slice().iter().map(|plugin| {
        let (commands, dead_letters) = (queue(&plugin.queue_url), queue(&plugin.dead_letter_queue_url));
        CommandQueue::of_plugin(plugin.clone(), commands, dead_letters, metrics.clone())
    });
    std::iter::once(shared).chain(of_plugins).collect()
}

/// Fails early, with a hint, where a watch would only say "404" again and again.
async fn check_crds(context: &Context) -> anyhow::Result<()> {
    let one = kube::api::ListParams::default().limit(1);
    let hint = "failed to list: are the CRDs of crds/ installed, and may the ServiceAccount list them?";
    context
        .cluster
        .list::<StoredConfig>(&one)
        .await
        .with_context(|| format!("IntegrationConfigs: {hint}"))?;
    // An object that can't be read stops no start.
    context
        .cluster
        .list::<DeserializeGuard<IntegrationJob>>(&one)
        .await
        .with_context(|| format!("IntegrationJobs: {hint}"))?;
    context
        .cluster
        .list::<IntegrationLedger>(&one)
        .await
        .with_context(|| format!("IntegrationLedgers: {hint}"))?;
    Ok(())
}
