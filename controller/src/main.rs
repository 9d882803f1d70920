//! Wires the controller: settings, clients, and one task for each loop, while this replica leads. When one loop ends, all
//! end.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use kube::core::DeserializeGuard;
use tidegate_aws::SdkConfig;
use tidegate_controller::{
    catch_up, config,
    context::Context,
    drain::{self, inlet::Inlet},
    job,
    leader::Lease,
    metrics::Metrics,
    report,
    runs::locks::Locks,
    schedule,
    settings::Settings,
    stores::{self, configs::StoredConfig},
    web,
};
use tidegate_keys::{KeyCache, SecretStore};
use tidegate_queue::Queue;
use tidegate_resources::{IntegrationJob, IntegrationLedger};
use tidegate_telemetry::field;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

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
    let inlets = inlets(&settings, &aws, &context.metrics);
    let keys = SecretStore::new(&aws, settings.master_key_secret.clone());

    let stop = CancellationToken::new();
    let readiness = web::Readiness::default();
    let mut tasks = Loops::new();
    start(&mut tasks, "web", web::run(context.clone(), readiness.clone(), stop.clone()));
    let replica = Replica { context, keys, inlets };
    let turns = replica.take_turns(stop.clone());
    tasks.spawn(async { ("leader", turns.await) });
    readiness.set(true);
    tracing::info!("the controller has started");

    let mut failure = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        Some(ended) = tasks.join_next() => Some(describe(ended)),
    };
    tracing::info!("stopping: finishing what is in hand");
    readiness.set(false);
    stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        if !matches!(ended, Ok((_, Ok(())))) {
            failure.get_or_insert(describe(ended));
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Loops that run side by side, each with its name.
type Loops = JoinSet<(&'static str, anyhow::Result<()>)>;

fn start<E>(
    loops: &mut Loops,
    name: &'static str,
    future: impl Future<Output = Result<(), E>> + Send + 'static,
) where
    E: std::error::Error + Send + Sync + 'static,
{
    loops.spawn(async move { (name, future.await.map_err(anyhow::Error::new)) });
}

/// What a replica acts with when it leads.
struct Replica {
    context: Context,
    keys: SecretStore,
    inlets: Vec<Inlet>,
}

/// The queue that our own plugins share, and those of others.
fn inlets(settings: &Settings, aws: &SdkConfig, metrics: &Metrics) -> Vec<Inlet> {
    let queue = |url: &String| Queue::new(aws, url.clone());
    let (commands, dead_letters) =
        (queue(&settings.command_queue_url), queue(&settings.command_dead_letter_queue_url));
    let shared = Inlet::shared(commands, dead_letters, metrics.clone());
    let of_plugins = settings.plugin_queues.as_slice().iter().map(|plugin| {
        let (commands, dead_letters) = (queue(&plugin.queue_url), queue(&plugin.dead_letter_queue_url));
        Inlet::of_plugin(plugin.clone(), commands, dead_letters, metrics.clone())
    });
    std::iter::once(shared).chain(of_plugins).collect()
}

impl Replica {
    /// Leads whenever the lease is ours, until it is told to stop or a loop ends by itself.
    async fn take_turns(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut lease = Lease::new(self.context.clone());
        while let Some(mut tenure) = lease.acquire(&stop).await {
            let turn = CancellationToken::new();
            let mut loops = self.start_loops(&turn);
            let mut failure = None;
            let mut held = lease
                .hold(&mut tenure, async {
                    tokio::select! {
                        () = stop.cancelled() => (),
                        Some(ended) = loops.join_next() => failure = Some(describe(ended)),
                    }
                })
                .await;
            turn.cancel();
            if held.is_ok() {
                // Still the leader: nobody else acts before what is in hand is finished.
                held = lease.hold(&mut tenure, join(&mut loops)).await;
            }
            if let Err(lost) = held {
                tracing::warn!({ field::REASON } = %lost.reason, "leading no more: {}", lost.reason);
                if tokio::time::timeout_at(lost.expires_at.into(), join(&mut loops)).await.is_err() {
                    loops.shutdown().await;
                }
            } else {
                lease.release().await;
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        Ok(())
    }

    fn start_loops(&self, turn: &CancellationToken) -> Loops {
        let (of_turn, stores, checks, writers) = self.context.for_turn();
        let (context, stop) = (|| of_turn.clone(), || turn.clone());
        let mut loops = Loops::new();
        let fresh = self.context.settings.master_key_cache.as_duration();
        let keys = KeyCache::new(self.keys.clone(), fresh);
        start(&mut loops, "stores", stores::run(self.context.cluster.clone(), stores, writers, stop()));
        start(&mut loops, "config", config::run(context(), checks, keys, stop()));
        let locks = Arc::<Locks>::default();
        start(&mut loops, "drain", drain::run(context(), self.inlets.clone(), Arc::clone(&locks), stop()));
        start(&mut loops, "catch_up", catch_up::run(context(), locks, stop()));
        start(&mut loops, "schedule", schedule::run(context(), stop()));
        start(&mut loops, "job", job::run(context(), stop()));
        start(&mut loops, "report", report::run(context(), stop()));
        loops
    }
}

/// Waits until all have ended.
async fn join(loops: &mut Loops) {
    while let Some(ended) = loops.join_next().await {
        if let Ok((name, Err(error))) = ended {
            tracing::error!(
                { field::LOOP } = name,
                { field::ERROR } = format!("{error:#}"),
                "the {name} loop failed while stopping"
            );
        }
    }
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
