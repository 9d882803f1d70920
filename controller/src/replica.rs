//! One replica of the controller: it runs the loops while it leads.

use std::sync::Arc;

use tidegate_controller::{
    catch_up, config,
    context::Context,
    drain::{self, command_queue::CommandQueue},
    job,
    leader::Lease,
    report,
    runs::locks::Locks,
    schedule, stores,
};
use tidegate_keys::{KeyCache, SecretStore};
use tidegate_telemetry::field;
use tokio_util::sync::CancellationToken;

use crate::supervisor::Supervisor;

/// What a replica needs to lead.
pub struct Replica {
    pub context: Context,
    pub keys: SecretStore,
    pub command_queues: Vec<CommandQueue>,
}

impl Replica {
    /// Leads whenever the lease is ours, until `stop` is cancelled or a loop ends by itself.
    pub async fn lead(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut lease = Lease::new(self.context.clone());
        while let Some(mut term) = lease.acquire(&stop).await {
            let end_of_term = CancellationToken::new();
            let mut loops = self.start(&end_of_term);
            let work = async {
                tokio::select! {
                    () = stop.cancelled() => None,
                    failure = loops.failure() => failure,
                }
            };
            let mut held = lease.hold(&mut term, work).await;
            end_of_term.cancel();
            let failure = match &mut held {
                Ok(failure) => failure.take(),
                Err(_) => None,
            };
            let mut held = held.map(drop);
            if held.is_ok() {
                // Still the leader: nobody else acts before the running work has ended.
                held = lease.hold(&mut term, loops.join()).await.map(drop);
            }
            match held {
                Ok(()) => lease.release().await,
                Err(lost) => {
                    tracing::warn!({ field::REASON } = %lost.reason, "lost the lease: {}", lost.reason);
                    loops.join_until(lost.expires_at).await;
                }
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        Ok(())
    }

    fn start(&self, end_of_term: &CancellationToken) -> Supervisor {
        let (of_term, stores, checks, writers) = self.context.for_term();
        let (context, stop) = (|| of_term.clone(), || end_of_term.clone());
        let keys = KeyCache::new(self.keys.clone(), self.context.settings.master_key_cache.as_duration());
        let locks = Arc::<Locks>::default();
        let mut loops = Supervisor::default();
        loops.start("stores", stores::run(self.context.cluster.clone(), stores, writers, stop()));
        loops.start("config", config::run(context(), checks, keys, stop()));
        loops.start("drain", drain::run(context(), self.command_queues.clone(), Arc::clone(&locks), stop()));
        loops.start("catch_up", catch_up::run(context(), locks, stop()));
        loops.start("schedule", schedule::run(context(), stop()));
        loops.start("job", job::run(context(), stop()));
        loops.start("report", report::run(context(), stop()));
        loops
    }
}
