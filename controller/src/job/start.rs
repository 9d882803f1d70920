//! Turns an `IntegrationJob` that got its slot into a `PipelineRun`.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, Phase, PipelineRun, annotation};

use super::{
    ReconcileError,
    apply::{self, ApplyError},
    build::{self, Refusal, RunSettings},
    dereference::{self, DereferenceError},
    status::{self, Verdict},
};
use crate::{context::Context, drain::age_seconds, schedule::Key};

/// Creates the `PipelineRun`, or says why there can be none.
pub async fn start(job: &IntegrationJob, context: &Context) -> Result<IntegrationJobStatus, ReconcileError> {
    let now = Timestamp::now();
    let unrun = |phase, reason: &str, message: &str| {
        status::ended_unrun(job, Verdict::new(phase, reason, message), JobPhase::Error, message, now)
    };
    if let Some(cancel) = &job.spec.cancel {
        let verdict = Verdict::new(Phase::Cancelled, cancel.reason.as_str(), &*cancel.message);
        return Ok(status::ended_unrun(job, verdict, JobPhase::Cancelled, &cancel.message, now));
    }
    let mut status = job.status.clone().unwrap_or_default();
    let Some(base) = status.base_sha.clone().or_else(|| job.spec.base.sha.clone()) else {
        return Ok(unrun(Phase::Error, "BaseMissing", "the status holds no base commit"));
    };
    let source = match dereference::source(job, context).await {
        Err(error @ DereferenceError::ConfigGone(_)) => {
            return Ok(unrun(Phase::Error, "ConfigGone", &error.to_string()));
        }
        Err(error @ DereferenceError::CloneSecret { .. }) => {
            return Ok(unrun(Phase::Error, "CloneSecretMissing", &error.to_string()));
        }
        source => source?,
    };
    let settings = RunSettings {
        checkout_image: &context.settings.checkout_image,
        service_account: &context.settings.run_service_account,
    };
    let run = match build::build(job, &base, &source, settings) {
        Ok(run) => run,
        Err(refusal) => return Ok(refused(job, &refusal, now)),
    };
    let api = context.namespaced::<PipelineRun>(&job.namespace().unwrap_or_default());
    let is_new = match apply::create(&api, &run, job).await {
        Err(error @ ApplyError::NameTaken(_)) => {
            return Ok(unrun(Phase::Error, "NameTaken", &error.to_string()));
        }
        Err(error @ ApplyError::Refused { .. }) => {
            return Ok(unrun(Phase::Error, "PipelineRunRefused", &error.to_string()));
        }
        created => created?,
    };
    if is_new {
        let received = job.annotations().get(annotation::RECEIVED_AT_MS).and_then(|ms| ms.parse().ok());
        if let Some(received) = received {
            context.metrics.accepted_to_run(age_seconds(received));
        }
        let key = Key::of(job);
        tracing::info!(
            integration_job = %key,
            repo = %job.spec.repository,
            traceparent = job.annotations().get(annotation::TRACEPARENT),
            "PipelineRun {key} created",
        );
    }
    status.pipeline_run = run.metadata.name;
    Ok(status)
}

/// One job can't be run, so none is.
fn refused(job: &IntegrationJob, refusal: &Refusal, now: Timestamp) -> IntegrationJobStatus {
    let name = refusal.job();
    let message = format!("{name} {refusal}");
    let verdict = Verdict::new(Phase::Error, refusal.reason(), &*message);
    let mut status = status::ended_unrun(job, verdict, JobPhase::NotRun, &message, now);
    if let Some(entry) = status.jobs.iter_mut().find(|entry| entry.name == *name) {
        *entry = status::job_status(name, JobPhase::Error, Some(&refusal.to_string()));
    }
    status
}
