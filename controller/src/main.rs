//! Wires the controller: settings, clients, and one task for each loop. When one loop ends, all end.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use tidegate_controller::{
    config, context::Context, drain, job, metrics::Metrics, report, schedule, settings::Settings, web,
};
use tidegate_keys::{KeyCache, SecretStore};
use tidegate_queue::Queue;
use tidegate_resources::{IntegrationConfig, IntegrationJob};
use tokio::{signal::unix::SignalKind, task::JoinSet};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Arc::new(Settings::parse());
    tidegate_telemetry::init()?;
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

    let aws = tidegate_queue::aws::load().await?;
    let commands = Queue::new(&aws, settings.command_queue_url.clone());
    let dead_letters = Queue::new(&aws, settings.command_dead_letter_queue_url.clone());
    let secret = SecretStore::new(&aws, settings.master_key_secret.clone());
    let keys = KeyCache::new(secret, settings.master_key_cache.as_duration());

    let stop = CancellationToken::new();
    let readiness = web::Readiness::default();
    let mut loops = JoinSet::new();
    let mut start = |name: &'static str, future: LoopFuture| {
        loops.spawn(async move { (name, future.await) });
    };
    start("web", boxed(web::run(context.clone(), readiness.clone(), stop.clone())));
    start("config", boxed(config::run(context.clone(), keys, stop.clone())));
    start("drain", boxed(drain::run(context.clone(), commands, dead_letters, stop.clone())));
    start("schedule", boxed(schedule::run(context.clone(), stop.clone())));
    start("job", boxed(job::run(context.clone(), stop.clone())));
    start("report", boxed(report::run(context.clone(), stop.clone())));
    readiness.set(true);
    tracing::info!("the controller has started");

    let mut first_failure = None;
    tokio::select! {
        () = signalled() => tracing::info!("stopping: finishing what is in hand"),
        Some(ended) = loops.join_next() => first_failure = Some(describe(ended)),
    }
    readiness.set(false);
    stop.cancel();
    while let Some(ended) = loops.join_next().await {
        if let Ok((name, Err(error))) = ended {
            tracing::error!(
                r#loop = name,
                error = format!("{error:#}"),
                "the {name} loop failed while stopping"
            );
        }
    }
    first_failure.map_or(Ok(()), Err)
}

type LoopFuture = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

fn boxed<E>(future: impl Future<Output = Result<(), E>> + Send + 'static) -> LoopFuture
where
    E: std::error::Error + Send + Sync + 'static,
{
    Box::pin(async move { future.await.map_err(anyhow::Error::new) })
}

/// A loop that ends before it was told to is a failure, whatever it returned.
fn describe(ended: Result<(&'static str, anyhow::Result<()>), tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow::anyhow!("the {name} loop ended"),
        Ok((name, Err(error))) => error.context(format!("the {name} loop failed")),
        Err(error) => anyhow::Error::new(error).context("a loop panicked"),
    }
}

/// Fails early, with a hint, where a watch would only say "404" again and again.
async fn check_crds(context: &Context) -> anyhow::Result<()> {
    let one = kube::api::ListParams::default().limit(1);
    let hint = "failed to list: are the CRDs of crds/ installed, and may the ServiceAccount list them?";
    context
        .served::<IntegrationConfig>()
        .list(&one)
        .await
        .with_context(|| format!("IntegrationConfigs: {hint}"))?;
    context
        .served::<IntegrationJob>()
        .list(&one)
        .await
        .with_context(|| format!("IntegrationJobs: {hint}"))?;
    Ok(())
}

async fn signalled() {
    let terminate = async {
        match tokio::signal::unix::signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(error) => {
                tracing::error!(error = %error, "failed to listen for SIGTERM");
                std::future::pending().await
            }
        }
    };
    tokio::select! {
        _ = terminate => (),
        _ = tokio::signal::ctrl_c() => (),
    }
}
