//! Which replica acts: the holder of one `Lease`. All replicas serve probes and metrics; only the leader's loops run.
//!
//! `claim` (pure) decides. Creates and merge patches carry it out. A patch names the `resourceVersion` that was read, so if two
//! replicas take a lease at once, one gets a conflict.

pub mod claim;

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease as LeaseObject, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::claim::{Claim, LeaseTerm, Observed, Record, look_every, renew_every};
use tidegate_telemetry::field;

use crate::{context::Context, error_chain};

/// The lease as one replica sees it.
pub struct Lease {
    api: Api<LeaseObject>,
    name: String,
    identity: String,
    duration: Duration,
    observed: Observed,
    context: Context,
}

/// Why this replica must not act any more.
#[derive(Debug, thiserror::Error)]
pub enum LossReason {
    /// Another replica holds the lease.
    #[error("{0} holds the lease now")]
    Taken(String),
    /// It could not be renewed for two thirds of its duration.
    #[error("the lease could not be renewed in time")]
    NotRenewed,
}

/// This replica has lost the lease.
#[derive(Debug)]
pub struct LeaseLost {
    /// Why.
    pub reason: LossReason,
    /// When another replica may begin to act.
    pub expires_at: Instant,
}

/// An attempt failed. It is repeated.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("failed to {0} the lease")]
    Api(&'static str, #[source] kube::Error),
    #[error("the API server did not answer in time")]
    TimedOut,
}

/// The result of an attempt to take or renew the lease.
enum Attempt {
    Ours,
    Others(String),
    /// The lease changed after it was read: read it again.
    Changed,
}

impl Lease {
    /// The lease that the settings name, in the namespace of this pod.
    pub fn new(context: Context) -> Self {
        let settings = &context.settings;
        let random = || format!("{}-{:016x}", Context::NAME, rand::random::<u64>());
        Self {
            api: Api::default_namespaced(context.client.clone()),
            name: settings.lease_name.to_string(),
            identity: settings.pod_name.clone().unwrap_or_else(random),
            duration: settings.lease_duration.as_duration(),
            observed: Observed::default(),
            context,
        }
    }

    /// Waits until this replica holds the lease; `None` if `stop` is cancelled before.
    pub async fn acquire(&mut self, stop: &CancellationToken) -> Option<LeaseTerm> {
        stop.run_until_cancelled(self.take()).await
    }

    async fn take(&mut self) -> LeaseTerm {
        let mut last_seen = None;
        loop {
            let asked = Instant::now();
            let seen = match self.attempt().await {
                Ok(Attempt::Ours) => {
                    tracing::info!({ field::REPLICA } = self.identity, "{} leads", self.identity);
                    self.context.metrics.set_leader(true);
                    return LeaseTerm::new(asked, self.duration);
                }
                Ok(Attempt::Others(holder)) => format!("{holder} leads: standing by"),
                Ok(Attempt::Changed) => "another replica was quicker".to_owned(),
                Err(error) => {
                    self.context.metrics.reconcile_failure("leader", "cluster");
                    format!("failed to ask who leads: {}", error_chain(&error))
                }
            };
            // Logged once, not once a second.
            if last_seen.as_ref() != Some(&seen) {
                tracing::info!({ field::REPLICA } = self.identity, "{seen}");
                last_seen = Some(seen);
            }
            tokio::time::sleep(look_every(self.duration)).await;
        }
    }

    /// Keeps the lease until `work` ends. If the lease is lost, `work` is dropped.
    pub async fn hold<T>(
        &mut self,
        term: &mut LeaseTerm,
        work: impl Future<Output = T>,
    ) -> Result<T, LeaseLost> {
        let lost = tokio::select! {
            done = work => return Ok(done),
            lost = self.keep(term) => lost,
        };
        self.context.metrics.set_leader(false);
        Err(lost)
    }

    /// Renews until the lease is lost.
    async fn keep(&mut self, term: &mut LeaseTerm) -> LeaseLost {
        let mut next = renew_every(self.duration);
        loop {
            let due = (Instant::now() + next).min(term.gives_up_at());
            tokio::time::sleep_until(due.into()).await;
            let asked = Instant::now();
            if asked >= term.gives_up_at() {
                return LeaseLost { reason: LossReason::NotRenewed, expires_at: term.expires_at() };
            }
            match tokio::time::timeout_at(term.gives_up_at().into(), self.attempt()).await {
                Ok(Ok(Attempt::Ours)) => {
                    *term = LeaseTerm::new(asked, self.duration);
                    next = renew_every(self.duration);
                }
                // The other replica acts already: this term is over.
                Ok(Ok(Attempt::Others(holder))) => {
                    return LeaseLost { reason: LossReason::Taken(holder), expires_at: asked };
                }
                // By a person, or by our own renewal whose response was lost.
                Ok(Ok(Attempt::Changed)) => next = look_every(self.duration),
                Ok(Err(error)) => {
                    self.context.metrics.reconcile_failure("leader", "cluster");
                    tracing::warn!({ field::ERROR } = error_chain(&error), "failed to renew the lease");
                    next = look_every(self.duration);
                }
                Err(_) => return LeaseLost { reason: LossReason::NotRenewed, expires_at: term.expires_at() },
            }
        }
    }

    /// Gives the lease up, so that another replica need not wait until it expires. No loop may be active any more.
    pub async fn release(&mut self) {
        self.context.metrics.set_leader(false);
        if let Err(error) = self.give_up().await {
            tracing::warn!(
                { field::ERROR } = error_chain(&error),
                "failed to release the lease: it expires by itself"
            );
        }
    }

    async fn give_up(&mut self) -> Result<(), LeaseError> {
        if let Claim::Renew(record) = self.look().await? {
            self.patch(&record, json!({"holderIdentity": null, "renewTime": now()}), "release").await?;
            tracing::info!({ field::REPLICA } = self.identity, "{} has released the lease", self.identity);
        }
        Ok(())
    }

    /// Reads the lease, and takes or renews it where that is allowed.
    async fn attempt(&mut self) -> Result<Attempt, LeaseError> {
        let (time, identity) = (now(), &self.identity);
        let renewal = json!({
            "holderIdentity": identity, "leaseDurationSeconds": self.seconds(), "renewTime": time,
        });
        let done = match self.look().await? {
            Claim::Wait { holder } => return Ok(Attempt::Others(holder)),
            Claim::Renew(record) => self.patch(&record, renewal, "renew").await?,
            Claim::Take(record) => {
                let mut taking = renewal;
                taking["acquireTime"] = json!(time);
                taking["leaseTransitions"] = json!(record.transitions.saturating_add(1));
                self.patch(&record, taking, "take").await?
            }
            Claim::Create => self.create(time).await?,
        };
        Ok(if done { Attempt::Ours } else { Attempt::Changed })
    }

    async fn look(&mut self) -> Result<Claim, LeaseError> {
        let read = self.in_time("read", self.api.get_opt(&self.name)).await?;
        let now = Instant::now();
        self.observed.observe(read.as_ref().map(record), now);
        Ok(self.observed.claim(&self.identity, now))
    }

    /// Returns `false` if another replica was quicker.
    async fn create(&self, time: MicroTime) -> Result<bool, LeaseError> {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(self.seconds()),
            acquire_time: Some(time.clone()),
            renew_time: Some(time),
            lease_transitions: Some(0),
            ..LeaseSpec::default()
        };
        let lease = LeaseObject { metadata, spec: Some(spec) };
        unless_conflict(self.in_time("create", self.api.create(&PostParams::default(), &lease)).await)
    }

    /// Returns `false` if another replica was quicker.
    async fn patch(
        &self,
        record: &Record,
        spec: serde_json::Value,
        operation: &'static str,
    ) -> Result<bool, LeaseError> {
        let patch = Patch::Merge(json!({"metadata": {"resourceVersion": record.version}, "spec": spec}));
        let params = PatchParams::default();
        unless_conflict(self.in_time(operation, self.api.patch(&self.name, &params, &patch)).await)
    }

    async fn in_time<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, LeaseError> {
        tokio::time::timeout(renew_every(self.duration), call)
            .await
            .map_err(|_| LeaseError::TimedOut)?
            .map_err(|source| LeaseError::Api(operation, source))
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.duration.as_secs()).unwrap_or(i32::MAX)
    }
}

/// A conflict is not an error: another replica was quicker.
fn unless_conflict<T>(result: Result<T, LeaseError>) -> Result<bool, LeaseError> {
    match result {
        Ok(_) => Ok(true),
        // AlreadyExists has this code, too.
        Err(LeaseError::Api(_, kube::Error::Api(status))) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

fn record(lease: &LeaseObject) -> Record {
    let spec = lease.spec.as_ref();
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
    Record {
        version: lease.resource_version().unwrap_or_default(),
        holder: spec.and_then(|spec| spec.holder_identity.clone()).filter(|holder| !holder.is_empty()),
        duration: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
        transitions: spec.and_then(|spec| spec.lease_transitions).unwrap_or_default(),
    }
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}
