//! Reads the existing runs from the cluster, and selects among them.

use kube::{ResourceExt, api::ListParams, core::DeserializeGuard};
use tidegate_model::{GitRef, PullRequestNumber};
use tidegate_resources::{IntegrationConfig, IntegrationJob, IntegrationJobSpec, digest, label};
use tidegate_telemetry::field;

use crate::{context::Context, ledger::Book};

/// Every run of a pull request under a config.
pub async fn of_pull_request(
    number: PullRequestNumber,
    config: &IntegrationConfig,
    context: &Context,
) -> kube::Result<Vec<IntegrationJob>> {
    select(&format!(",{}={number}", label::PULL_REQUEST), config, context).await
}

/// Every run on a branch or tag under a config, those of pull requests into it included.
pub async fn of_ref(
    reference: &GitRef,
    config: &IntegrationConfig,
    context: &Context,
) -> kube::Result<Vec<IntegrationJob>> {
    let selector = format!(",{}={}", label::REF, digest(&[&reference.to_string()]));
    select(&selector, config, context).await
}

/// Every run under a config.
pub async fn of_config(config: &IntegrationConfig, context: &Context) -> kube::Result<Vec<IntegrationJob>> {
    select("", config, context).await
}

/// An unreadable run is logged, counted and skipped.
async fn select(
    selector: &str,
    config: &IntegrationConfig,
    context: &Context,
) -> kube::Result<Vec<IntegrationJob>> {
    let api = context.namespaced::<DeserializeGuard<IntegrationJob>>(&config.namespace().unwrap_or_default());
    let selector = format!("{}={}{selector}", label::CONFIG, config.name_any());
    let jobs = api.list(&ListParams::default().labels(&selector)).await?;
    let readable = jobs.items.into_iter().filter_map(|DeserializeGuard(job)| {
        job.inspect_err(|unreadable| {
            let name = unreadable.metadata.name.as_deref().unwrap_or_default();
            context.metrics.reconcile_failure("drain", "unreadable");
            tracing::warn!(
                { field::JOB } = name,
                { field::ERROR } = unreadable.error,
                "IntegrationJob {name} can't be read: {}",
                unreadable.error
            );
        })
        .ok()
    });
    Ok(readable.collect())
}

/// Whether a run has neither ended nor been cancelled.
pub fn is_active(job: &IntegrationJob) -> bool {
    job.spec.cancel.is_none() && !job.status.as_ref().is_some_and(|status| status.phase.is_final())
}

/// The active runs of a pull request whose head or base is not that of `spec`, or that wait for the approval of a head that is
/// trusted now.
pub fn outdated(spec: &IntegrationJobSpec, jobs: &[IntegrationJob]) -> Vec<String> {
    let commit = |spec: &IntegrationJobSpec| spec.pulls.first().map(|pull| pull.sha.clone());
    let is_other = |job: &&IntegrationJob| {
        commit(&job.spec) != commit(spec)
            || job.spec.base.reference != spec.base.reference
            || (job.spec.awaits_approval && !spec.awaits_approval)
    };
    jobs.iter().filter(|job| is_active(job)).filter(is_other).map(ResourceExt::name_any).collect()
}

/// The runs of a pull request that no other open one shares: only these may be cancelled for its sake. A run that waits for
/// approval is never shared.
pub fn unshared(jobs: Vec<IntegrationJob>, number: PullRequestNumber, book: &Book) -> Vec<IntegrationJob> {
    let is_shared = |job: &IntegrationJob| {
        let pull = job.spec.pulls.first().filter(|_| !job.spec.awaits_approval);
        pull.is_some_and(|pull| book.is_shared(&pull.sha, job.spec.base.reference.name(), number))
    };
    jobs.into_iter().filter(|job| !is_shared(job)).collect()
}
