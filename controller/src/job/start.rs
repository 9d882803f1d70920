//! Turns an `IntegrationJob` that got its slot into a `PipelineRun`.

use k8s_openapi::jiff::Timestamp;
use kube::{Api, ResourceExt};
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, Phase, PipelineRun, annotation};
use tidegate_telemetry::field;

use super::{
    apply::{self, ApplyError},
    build::{self, BuildError, RunSettings},
    checkout,
    dereference::{self, DereferenceError},
    error::ReconcileError,
    limit,
    status::{self, Verdict},
    waiting::Cause,
};
use crate::{context::Context, error_chain, key::Key};

/// Creates the `PipelineRun`, or says why there can be none. A start that fails gives its slot back.
pub async fn start(job: &IntegrationJob, context: &Context) -> Result<IntegrationJobStatus, ReconcileError> {
    let now = Timestamp::now();
    let unrun = |phase, reason: &str, message: &str| {
        status::finished_without_run(job, Verdict::new(phase, reason, message), JobPhase::Error, message, now)
    };
    if let Some(cancel) = &job.spec.cancel {
        let verdict = Verdict::new(Phase::Cancelled, cancel.reason.as_str(), &*cancel.message);
        return Ok(status::finished_without_run(job, verdict, JobPhase::Cancelled, &cancel.message, now));
    }
    let mut status = job.status.clone().unwrap_or_default();
    let Some(base) = status.base_sha.clone().or_else(|| job.spec.base.sha.clone()) else {
        return Ok(unrun(Phase::Error, "BaseMissing", "the status holds no base commit"));
    };
    let source = match dereference::source(job, context).await {
        Err(error @ (DereferenceError::ConfigGone(_) | DereferenceError::OtherRepository { .. })) => {
            return Ok(unrun(Phase::Error, error.reason(), &error.to_string()));
        }
        Err(error) if error.is_unanswered() => return Err(error.into()),
        Err(error) => {
            return give_back(job, Cause::new(error.reason(), error_chain(&error)), context).await;
        }
        Ok(source) => source,
    };
    let settings = RunSettings {
        checkout_image: &context.settings.checkout_image,
        service_account: &context.settings.run_service_account,
        untrusted_service_account: context.settings.untrusted_run_service_account(),
    };
    let run = match build::build(job, &base, &source, settings) {
        Ok(run) => run,
        Err(refusal) => return Ok(refused(job, &refusal, now)),
    };
    let api = context.namespaced::<PipelineRun>(&job.namespace().unwrap_or_default());
    let existing = match apply::create(&api, &run, job).await {
        Err(error @ ApplyError::NameTaken(_)) => {
            return Ok(unrun(Phase::Error, "NameTaken", &error.to_string()));
        }
        Err(error @ ApplyError::Refused { .. }) => {
            return Ok(unrun(Phase::Error, "PipelineRunRefused", &error.to_string()));
        }
        Err(ApplyError::Api { source: kube::Error::Api(status), .. }) => {
            let message = format!("the API server refuses its PipelineRun: {}", status.message);
            return give_back(job, Cause::new("StartRefused", message), context).await;
        }
        created => created?,
    };
    if let Some(existing) = existing {
        return Ok(adopted(job, &existing));
    }
    let received = job.annotations().get(annotation::RECEIVED_AT_MS).and_then(|ms| ms.parse().ok());
    if let Some(received) = received {
        context.metrics.accepted_to_run(received);
    }
    let key = Key::of(job);
    tracing::info!("PipelineRun {key} created");
    status.pipeline_run = run.metadata.name;
    limit::created(&mut status);
    Ok(status)
}

/// The status of a run whose `PipelineRun` an earlier try has made: what that one builds is the truth.
fn adopted(job: &IntegrationJob, run: &PipelineRun) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    status.base_sha = checkout::base_of(run).or(status.base_sha);
    status.pipeline_run.clone_from(&run.metadata.name);
    limit::created(&mut status);
    status
}

/// The slot goes back, provided that there is no `PipelineRun`: the answer that said that one was made may have been lost.
async fn give_back(
    job: &IntegrationJob,
    cause: Cause,
    context: &Context,
) -> Result<IntegrationJobStatus, ReconcileError> {
    let api: Api<PipelineRun> = context.namespaced(&job.namespace().unwrap_or_default());
    if let Some(run) = api.get_opt(&job.name_any()).await.map_err(ReconcileError::Read)?
        && apply::is_owned(&run, job)
    {
        return Ok(adopted(job, &run));
    }
    context.metrics.reconcile_failure("job", "start");
    let key = Key::of(job);
    tracing::warn!(
        { field::REASON } = cause.reason,
        { field::ERROR } = cause.message,
        "IntegrationJob {key} can't start: it waits without a slot",
    );
    Ok(limit::held(job, &cause, Timestamp::now()))
}

/// One job can't be run, so none is.
fn refused(job: &IntegrationJob, refusal: &BuildError, now: Timestamp) -> IntegrationJobStatus {
    let name = refusal.job();
    let message = format!("{name} {refusal}");
    let verdict = Verdict::new(Phase::Error, refusal.reason(), &*message);
    let mut status = status::finished_without_run(job, verdict, JobPhase::NotRun, &message, now);
    if let Some(entry) = status.jobs.iter_mut().find(|entry| entry.name == *name) {
        *entry = status::job_status(name, JobPhase::Error, Some(&refusal.to_string()));
    }
    status
}
