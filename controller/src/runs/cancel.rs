//! Cancels runs.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    core::DeserializeGuard,
};
use serde_json::json;
use tidegate_resources::{Cancel, IntegrationConfig, IntegrationJob, Phase};

use super::{
    error::{ApplyError, failed},
    existing::is_active,
};
use crate::context::Context;

/// How often a run is read again after a conflict. Each change brings it nearer to its slot.
const MAX_READS: usize = 5;

/// Cancels runs of a config. Returns how many.
pub async fn cancel(
    names: &[String],
    order: &Cancel,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<usize, ApplyError> {
    let api: Api<IntegrationJob> = context.namespaced(&config.namespace().unwrap_or_default());
    let patch = json!({"spec": {"cancel": order}});
    let mut count = 0;
    for name in names {
        match api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => count += 1,
            // It was deleted or cancelled meanwhile.
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_invalid() => (),
            Err(source) => return Err(failed("cancel", name)(source)),
        }
    }
    Ok(count)
}

/// Cancels those runs of a config that have no slot. A run with a slot continues, and is reported. Returns how many were
/// cancelled.
pub async fn cancel_queued(
    names: &[String],
    order: &Cancel,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<usize, ApplyError> {
    let mut count = 0;
    for name in names {
        count += usize::from(cancel_if_queued(name, order, config, context).await?);
    }
    Ok(count)
}

/// The patch names the version that was read: a run that gets its slot meanwhile continues.
async fn cancel_if_queued(
    name: &str,
    order: &Cancel,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<bool, ApplyError> {
    let namespace = config.namespace().unwrap_or_default();
    let api: Api<IntegrationJob> = context.namespaced(&namespace);
    let guarded = context.namespaced::<DeserializeGuard<IntegrationJob>>(&namespace);
    for _ in 0..MAX_READS {
        let found = guarded.get_opt(name).await.map_err(failed("read", name))?;
        // The job loop logs unreadable runs.
        let job = found.and_then(|DeserializeGuard(job)| job.ok());
        let Some(queued) = job.filter(is_queued) else { return Ok(false) };
        let version = queued.resource_version();
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": {"cancel": order}});
        match api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => return Ok(true),
            Err(kube::Error::Api(status)) if status.is_conflict() => (),
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_invalid() => {
                return Ok(false);
            }
            Err(source) => return Err(failed("cancel", name)(source)),
        }
    }
    Ok(false)
}

/// Whether a run waits for a slot, and nobody has cancelled it.
pub fn is_queued(job: &IntegrationJob) -> bool {
    let phase = job.status.as_ref().map(|status| status.phase).unwrap_or_default();
    phase == Phase::Queued && is_active(job)
}
