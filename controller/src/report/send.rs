//! Tells the host, and writes down what it was told.

use kube::{
    Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::events::{Event, EventType},
};
use serde_json::json;
use tidegate_hosts::client::HostError;
use tidegate_model::CommitStatus;
use tidegate_resources::{IntegrationConfig, IntegrationJob, Report, ReportedStatus};

use super::{
    outbox::{Due, Sent},
    plan::page_url,
};
use crate::{context::Context, error_chain, schedule::Key};

/// Tells the host of a config.
pub async fn send(due: &Due, job: &IntegrationJob, config: &IntegrationConfig, context: &Context) -> Sent {
    let host = match context.hosts.for_config(config).await {
        Ok(host) => host,
        // A Secret can be mended, so no verdict is lost for it.
        Err(error) => {
            return Sent::Failed { retry_after: None, message: error_chain(&error) };
        }
    };
    let status = CommitStatus {
        sha: due.target.sha.clone(),
        context: due.target.context.clone(),
        state: due.status.state,
        description: due.status.description.clone(),
        target_url: context.settings.report_url.as_deref().map(|base| page_url(base, &due.job)),
    };
    let result = host.set_status(&job.spec.repository, &status).await;
    let outcome = result.as_ref().map_or_else(HostError::category, |()| "ok");
    context.metrics.host_call(job.spec.host, "set_status", outcome);
    match result {
        Ok(()) => Sent::Taken,
        Err(error) => {
            let message = error_chain(&error);
            tracing::warn!(
                integration_job = %Key::of(job),
                repo = %job.spec.repository,
                context = due.target.context,
                error = message,
                "failed to set a commit status",
            );
            match error {
                // A token can be renewed, so no verdict is lost for it; its Secret is read again.
                HostError::Unauthorized | HostError::Forbidden { .. } => {
                    context.hosts.forget(config);
                    Sent::Failed { retry_after: None, message }
                }
                error if error.is_retryable() => Sent::Failed { retry_after: error.retry_after(), message },
                _ => Sent::Refused(message),
            }
        }
    }
}

/// Publishes that a host refused a status for good.
pub async fn publish_refusal(job: &IntegrationJob, status: &ReportedStatus, reason: &str, context: &Context) {
    let event = Event {
        type_: EventType::Warning,
        reason: "StatusRefused".to_owned(),
        note: Some(format!("the host refused the status {:?}: {reason}", status.description)),
        action: "Report".to_owned(),
        secondary: None,
    };
    if let Err(error) = context.recorder.publish(&event, &job.object_ref(&())).await {
        tracing::warn!(
            integration_job = %Key::of(job),
            error = error_chain(&error),
            "failed to publish an Event"
        );
    }
}

/// Writes down what the host was told. This loop alone writes `status.reports`, so the object's version doesn't matter;
/// the uid makes sure that it is still the same object.
pub async fn record(job: &IntegrationJob, reports: &[Report], context: &Context) -> Result<(), kube::Error> {
    let patch = json!({"metadata": {"uid": job.uid()}, "status": {"reports": reports}});
    let api = context.namespaced::<IntegrationJob>(&job.namespace().unwrap_or_default());
    match api.patch_status(&job.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        // It is gone, or another one has its name.
        Err(kube::Error::Api(error)) if error.is_not_found() || error.is_conflict() => Ok(()),
        Err(error) => Err(error),
    }
}
