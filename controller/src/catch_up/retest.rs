//! `tidegate retest RUN`: the failed jobs of a push's run run again.
//!
//! The request is an annotation of the run, and the name of the new run is a digest of both: however often it is carried out,
//! it creates one run. The annotation is removed last, and an Event shows the result.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::DeserializeGuard,
    runtime::events::{Event, EventType},
};
use serde_json::json;
use tidegate_resources::{IntegrationJob, annotation};
use tidegate_telemetry::field;

use crate::{
    context::Context,
    error_chain,
    ledger::Book,
    runs::{ApplyError, failed, locks::Locks, origin::Origin},
    trigger::{error::TriggerError, retest::again},
};

/// Carries out the request, if the run still has it.
pub async fn retest(
    name: &str,
    request: &str,
    book: &Book,
    context: &Context,
    locks: &Locks,
) -> Result<(), TriggerError> {
    let config = book.config();
    let api: Api<DeserializeGuard<IntegrationJob>> =
        context.namespaced(&config.namespace().unwrap_or_default());
    let found = api.get_opt(name).await.map_err(failed("read", name)).map_err(TriggerError::Apply)?;
    // The job loop logs unreadable runs.
    let Some(job) = found.and_then(|DeserializeGuard(job)| job.ok()) else { return Ok(()) };
    if job.annotations().get(annotation::RETEST).is_none_or(|present| present != request) {
        return Ok(());
    }
    let outcome = match job.jobs_to_retest() {
        Ok(names) => again(&job, &names, request, &Origin::here(), &config, locks, context).await?,
        Err(refusal) => Err(refusal.to_string()),
    };
    publish(&job.object_ref(&()), &outcome, context).await;
    Ok(settle(&job, context).await?)
}

async fn publish(run: &ObjectReference, outcome: &Result<String, String>, context: &Context) {
    let (type_, reason, note) = match outcome {
        Ok(what) => (EventType::Normal, "Retested", what.clone()),
        Err(reason) => (EventType::Warning, "RetestRefused", format!("nothing runs again: {reason}")),
    };
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note.chars().take(1_000).collect()),
        action: "Retest".to_owned(),
        secondary: None,
    };
    if let Err(error) = context.recorder.publish(&event, run).await {
        tracing::warn!({ field::ERROR } = error_chain(&error), "failed to publish an Event");
    }
}

/// Removes the request from the run. A newer request stays: it is carried out next.
async fn settle(job: &IntegrationJob, context: &Context) -> Result<(), ApplyError> {
    let api: Api<IntegrationJob> = context.namespaced(&job.namespace().unwrap_or_default());
    let patch = json!({"metadata": {
        "resourceVersion": job.resource_version(),
        "annotations": {annotation::RETEST: null},
    }});
    let name = job.name_any();
    match api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(()),
        Err(source) => Err(failed("patch", &name)(source)),
    }
}
