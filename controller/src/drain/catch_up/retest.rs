//! `tidegate retest RUN`: the failed jobs of a push's run run again.
//!
//! The request is an annotation of the run, and the name of the new run is a digest of both: however often it is followed, it makes
//! one run. The annotation is removed last, and an Event says what became of it.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::DeserializeGuard,
    runtime::events::{Event, EventType},
};
use serde_json::json;
use tidegate_model::{Intention, JobName};
use tidegate_resources::{
    IntegrationConfig, IntegrationJob, IntegrationJobSpec, Trigger, annotation, retest_trigger_digest,
};
use tidegate_rules::filters;

use super::envelope;
use crate::{
    context::Context,
    drain::{
        apply::{ApplyError, failed},
        error::CommandError,
        facts::{self, Facts},
        lacking,
        plan::{self, Run},
        record,
        turns::{Subject, Turns},
    },
    error_chain,
    ledger::Book,
};

/// Follows the request, if the run still has it.
pub async fn retest(
    name: &str,
    request: &str,
    book: &Book,
    context: &Context,
    turns: &Turns,
) -> Result<(), CommandError> {
    let config = book.config();
    let api: Api<DeserializeGuard<IntegrationJob>> =
        context.namespaced(&config.namespace().unwrap_or_default());
    let found = api.get_opt(name).await.map_err(failed("read", name)).map_err(CommandError::Apply)?;
    // The job loop logs what can't be read.
    let Some(job) = found.and_then(|DeserializeGuard(job)| job.ok()) else { return Ok(()) };
    if job.annotations().get(annotation::RETEST).is_none_or(|present| present != request) {
        return Ok(());
    }
    let outcome = match job.jobs_to_retest() {
        Ok(names) => again(&job, &names, request, &config, context, turns).await?,
        Err(refusal) => Err(refusal.to_string()),
    };
    publish(&job.object_ref(&()), &outcome, context).await;
    Ok(settle(&job, context).await?)
}

/// Makes a run of these jobs of a push's run. `Err` inside says why it makes none.
pub async fn again(
    job: &IntegrationJob,
    names: &[JobName],
    request: &str,
    config: &IntegrationConfig,
    context: &Context,
    turns: &Turns,
) -> Result<Result<String, String>, CommandError> {
    if let Some(reason) = plan::unfit(config) {
        return Ok(Err(reason));
    }
    let Some(sha) = job.spec.base.sha.clone() else {
        return Ok(Err("it names no commit".to_owned()));
    };
    let intention = Intention::RunPush { reference: job.spec.base.reference.clone(), sha };
    let _turn = turns.take(Subject::of(config, &intention)).await;
    let facts = facts::read(&intention, config, context).await?;
    record::record(config, &facts, context).await?;
    let book = context.ledgers.open(config, context).await?;
    if let Facts::Push { reference, sha, place: None } = &facts {
        return Ok(Err(format!("{} is not on {reference} any more", sha.short())));
    }
    let run = match run(job, names, request, config) {
        Ok(run) => run,
        Err(reason) => return Ok(Err(reason)),
    };
    let envelope = envelope(config, intention)?;
    Ok(Ok(lacking::make(&run, &book, config, &envelope, context).await?))
}

/// The jobs as the config has them now. Pure.
fn run(
    job: &IntegrationJob,
    names: &[JobName],
    request: &str,
    config: &IntegrationConfig,
) -> Result<Run, String> {
    let reference = &job.spec.base.reference;
    let selection = filters::select(&config.spec.jobs.post_submit, reference);
    let jobs = filters::only(&selection.map_err(|error| error.to_string())?.run, names);
    if jobs.is_empty() {
        return Err(format!("the config runs none of these jobs for {reference} any more"));
    }
    let spec = IntegrationJobSpec { jobs, ..plan::spec_of(config, Trigger::Manual, job.spec.base.clone()) };
    let digest = retest_trigger_digest(&job.name_any(), request);
    Ok(Run { spec, digest, may_repeat: false, renewed_at_ms: None })
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
        tracing::warn!(error = error_chain(&error), "failed to publish an Event");
    }
}

/// Takes the request off the run. One that came meanwhile stays: it is seen, and followed next.
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
