//! A branch or tag was deleted: what waits for a slot for it doesn't run. What has a slot ends, and is shown.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    core::DeserializeGuard,
};
use serde_json::json;
use tidegate_model::GitRef;
use tidegate_resources::{Cancel, IntegrationConfig, IntegrationJob, Phase, digest, label};

use super::{
    apply::{ApplyError, failed},
    facts::jobs_with,
    plan::goes_on,
};
use crate::context::Context;

/// How often a run is looked at again that others change at the same time. Each change brings it nearer to its slot.
const LOOKS: usize = 5;

/// Orders the runs of a branch or tag that have no slot to stop. Returns how many got the order.
pub async fn stop_queued(
    reference: &GitRef,
    order: &Cancel,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<usize, ApplyError> {
    let selector = format!(
        "{}={},{}={}",
        label::CONFIG,
        config.name_any(),
        label::REF,
        digest(&[&reference.to_string()])
    );
    let jobs = jobs_with(&selector, config, context).await.map_err(failed("list", &selector))?;
    let mut count = 0;
    for job in jobs.into_iter().filter(|job| job.spec.base.reference == *reference) {
        count += usize::from(stop_if_queued(job, order, config, context).await?);
    }
    Ok(count)
}

/// The order is guarded by the version that was read: a run that gets its slot meanwhile keeps running.
async fn stop_if_queued(
    job: IntegrationJob,
    order: &Cancel,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<bool, ApplyError> {
    let namespace = config.namespace().unwrap_or_default();
    let api: Api<IntegrationJob> = context.namespaced(&namespace);
    let (name, mut job) = (job.name_any(), Some(job));
    for _ in 0..LOOKS {
        let Some(queued) = job.filter(is_queued_push) else { return Ok(false) };
        let version = queued.resource_version();
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": {"cancel": order}});
        match api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => return Ok(true),
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                let guarded = context.namespaced::<DeserializeGuard<IntegrationJob>>(&namespace);
                let found = guarded.get_opt(&name).await.map_err(failed("read", &name))?;
                job = found.and_then(|DeserializeGuard(job)| job.ok());
            }
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_invalid() => {
                return Ok(false);
            }
            Err(source) => return Err(failed("cancel", &name)(source)),
        }
    }
    Ok(false)
}

fn is_queued_push(job: &IntegrationJob) -> bool {
    let phase = job.status.as_ref().map(|status| status.phase).unwrap_or_default();
    job.spec.pulls.is_empty() && phase == Phase::Queued && goes_on(job)
}
