//! Carries out one step of a run: `dereference` (cluster and host) → `build` (pure) → `write` (cluster).

use k8s_openapi::jiff::Timestamp;
use tidegate_resources::{IntegrationJob, IntegrationJobStatus};
use tidegate_rules::schedule::Limits;
use tidegate_telemetry::field;
use tracing::Instrument as _;

use super::{
    build,
    dereference::{StartError, ready},
    queue::{Step, StepResult},
};
use crate::{
    context::Context,
    error_chain,
    job::{
        dereference::DereferenceError,
        limit,
        status::{self, WriteError},
        waiting::Cause,
    },
    span,
};

/// Carries out a step, and writes the new status.
pub async fn carry_out(step: Step, job: &IntegrationJob, context: &Context) -> StepResult {
    work_on(step, job, context).instrument(span::of_run(job)).await
}

async fn work_on(step: Step, job: &IntegrationJob, context: &Context) -> StepResult {
    let now = Timestamp::now();
    let (new, result) = match step {
        Step::Start => start(&limited(job, context.settings.limits()), context, now).await,
        Step::Cancel => match &job.spec.cancel {
            Some(cancel) => (build::cancelled(job, cancel, now), StepResult::Written),
            None => return StepResult::Written,
        },
        Step::Finish => (build::nothing_to_run(job, now), StepResult::Written),
        Step::AwaitApproval => (build::awaits_approval(job, now), StepResult::Written),
    };
    write(job, &new, result, context).await
}

/// The status of a run that has got a slot, and the step's result once that is written.
async fn start(
    job: &IntegrationJob,
    context: &Context,
    now: Timestamp,
) -> (IntegrationJobStatus, StepResult) {
    match ready(job, context).await {
        Ok(Some(ready)) => (build::started(job, ready, now), StepResult::Written),
        Ok(None) => (build::base_missing(job, now), StepResult::Written),
        Err(StartError::Config(
            error @ (DereferenceError::ConfigGone(_) | DereferenceError::OtherRepository { .. }),
        )) => (build::unstartable(job, &error, now), StepResult::Written),
        // The drain creates no such run. It is tried again with backoff: somebody may approve the head.
        Err(StartError::Untrusted(_)) => (build::awaits_approval(job, now), StepResult::Retry(None)),
        Err(error) => {
            context.metrics.reconcile_failure("schedule", error.reason());
            let message = error_chain(&error);
            tracing::warn!({ field::ERROR } = message, "an IntegrationJob stays queued");
            let held = limit::held(job, &Cause::new(error.reason(), message), now);
            (held, StepResult::Retry(error.retry_after()))
        }
    }
}

/// Writes the status if it has changed. Returns `result`, unless the write fails.
async fn write(
    job: &IntegrationJob,
    new: &IntegrationJobStatus,
    result: StepResult,
    context: &Context,
) -> StepResult {
    let written =
        if job.status.as_ref() == Some(new) { Ok(()) } else { status::write(context, job, new).await };
    match written {
        Ok(()) => {
            if new.phase.is_final() {
                context.metrics.finished(new.phase.as_str());
            }
            result
        }
        Err(WriteError::Outdated) => StepResult::Outdated,
        Err(error) => {
            context.metrics.reconcile_failure("schedule", "status");
            tracing::warn!({ field::ERROR } = error_chain(&error), "failed to give a slot");
            match result {
                StepResult::Retry(after) => StepResult::Retry(after),
                StepResult::Written | StepResult::Outdated => StepResult::Retry(None),
            }
        }
    }
}

/// The run with its effective timeout: at most the operator's limit.
fn limited(job: &IntegrationJob, limits: Limits) -> IntegrationJob {
    let mut limited = job.clone();
    limited.status.get_or_insert_default().timeout = Some(limits.timeout(job.spec.timeout));
    limited
}
