//! The job loop: runs every `IntegrationJob` that got a slot through Tekton, and its status shows the progress.
//!
//! One round: `dereference` (cluster) → `build` (pure) → `apply` (cluster); once the `PipelineRun` exists: `observe` (pure) →
//! `status` (cluster). Rounds are started by watch events, and when the time of a run is over: nothing is polled. A run whose
//! start fails waits in phase Queued again, without a slot.

mod apply;
mod build;
mod checkout;
pub mod dereference;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
pub mod limit;
mod literal;
mod observe;
mod pod;
mod start;
pub mod status;
mod task;
pub mod waiting;

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use k8s_openapi::jiff::Timestamp;
use kube::{
    ResourceExt,
    core::{ObjectMeta, PartialObjectMeta},
    runtime::{Controller, controller::Action, reflector::ObjectRef},
};
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, Phase, PipelineRun};
use tidegate_telemetry::field;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{
    error::ReconcileError,
    observe::{ObservedRun, observe, pending_since},
    start::start,
    status::{Verdict, WriteError},
};
use crate::{
    context::Context,
    error_chain,
    key::Key,
    shutdown::cancelled_before_first_list,
    span,
    stores::{Interest, StoredRun, Tekton, held::Held as _, names, tekton::Tasks},
};

/// The pause after a failed round.
const RETRY: Duration = Duration::from_secs(2);

/// The loop ended without a cancellation.
#[derive(Debug, thiserror::Error)]
#[error("the watch of IntegrationJobs and their runs ended")]
pub struct JobLoopEnded;

/// Runs until `stop` is cancelled; then finishes the active rounds.
pub async fn run(context: Context, stop: CancellationToken) -> Result<(), JobLoopEnded> {
    let (running, changes) = names::<IntegrationJob, _>(context.runs.subscribe(), interest);
    let of_tekton = context.tekton.changed_runs();
    let of_tekton = of_tekton.map(|run| ObjectRef::new(&run.name).within(&run.namespace));
    let reconciled = Controller::for_stream(changes, running.clone())
        .reconcile_on(of_tekton)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(reconcile, error_policy, Arc::new(context))
        .for_each(|_| std::future::ready(()));
    tokio::select! {
        () = reconciled => (),
        () = cancelled_before_first_list(&running, &stop) => (),
    }
    if stop.is_cancelled() { Ok(()) } else { Err(JobLoopEnded) }
}

/// Runs with a slot are worked on.
fn interest(run: &StoredRun) -> Interest {
    let Key { namespace, name } = run.key();
    let meta = ObjectMeta {
        namespace: Some(namespace.to_string()),
        name: Some(name.to_string()),
        ..ObjectMeta::default()
    };
    let phase = run.active().and_then(|run| Some(run.status.as_ref()?.phase));
    if phase == Some(Phase::Running) { Interest::Wanted(meta) } else { Interest::Unwanted(meta) }
}

async fn reconcile(
    name: Arc<PartialObjectMeta<IntegrationJob>>,
    context: Arc<Context>,
) -> Result<Action, ReconcileError> {
    let Some(StoredRun::Active(job)) = context.runs.get(&Key::of(&*name)) else {
        return Ok(Action::await_change());
    };
    let span = span::of_run(&job);
    work_on(&job, &context).instrument(span).await
}

/// One round: reads the progress of the run, and writes the status if it has changed.
async fn work_on(job: &IntegrationJob, context: &Context) -> Result<Action, ReconcileError> {
    let status = job.status.clone().unwrap_or_default();
    // A deleted job's run is deleted with it: Kubernetes follows the owner reference.
    if status.phase != Phase::Running || job.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let (new, deadline) =
        match context.tekton.pipeline_run_of(job, &context.cluster).await.map_err(ReconcileError::Read)? {
            Some(run) => observe_run(job, &run, context).await?,
            None if status.pipeline_run.is_some() => (run_deleted(job), None),
            None => (start(job, context).await?, None),
        };
    if new != status {
        match status::write(context, job, &new).await {
            Ok(()) => finished(job, &new, context),
            // The watch shows the change, and starts the next round.
            Err(WriteError::Outdated) => (),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(match deadline.filter(|_| !new.phase.is_final()) {
        Some(deadline) => Action::requeue(until(deadline)),
        None => Action::await_change(),
    })
}

/// The time until the deadline, and a little more, so that it has passed by then.
fn until(deadline: Timestamp) -> Duration {
    let left = Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default();
    left + Duration::from_millis(10)
}

/// Stops the pipeline run if the run was cancelled or its time is over. Returns the new status and the deadline.
async fn observe_run(
    job: &IntegrationJob,
    run: &PipelineRun,
    context: &Context,
) -> Result<(IntegrationJobStatus, Option<Timestamp>), ReconcileError> {
    let now = Timestamp::now();
    let old = job.status.clone().unwrap_or_default();
    let mut tasks = context.tekton.tasks_of(run);
    let is_over = limit::deadline(job, &old).is_some_and(|deadline| deadline <= now);
    let seen = async |tasks: &Tasks, is_complete| {
        let pods = pod::read(job, tasks, context).await.map_err(ReconcileError::Read)?;
        let seen = ObservedRun { run, tasks, pods: &pods, is_complete, is_over };
        Ok::<_, ReconcileError>(observe(job, seen, now))
    };
    let mut status = if let Some(status) = seen(&tasks, false).await? {
        status
    } else {
        tasks = Tekton::read_tasks(job, &context.cluster).await.map_err(ReconcileError::Read)?;
        // Tasks that were read after their run's end always settle it.
        seen(&tasks, true).await?.unwrap_or(old)
    };
    // A run that has ended is not stopped again.
    let has_ended = run.status.as_ref().and_then(|status| task::succeeded(&status.conditions));
    let has_ended = has_ended.is_some_and(|condition| condition.status != "Unknown");
    if !has_ended && (is_over || job.spec.cancel.is_some()) {
        apply::cancel(&context.namespaced(&job.namespace().unwrap_or_default()), run).await?;
    }
    let pending_since = pending_since(&tasks);
    if let Some(since) = pending_since {
        limit::stuck(job, &mut status, since, now);
    }
    let deadline = limit::deadline(job, &status);
    Ok((status, deadline.or_else(|| limit::after(job, pending_since?))))
}

/// The `PipelineRun` was deleted: its unfinished jobs end as errors.
fn run_deleted(job: &IntegrationJob) -> IntegrationJobStatus {
    let verdict = Verdict::new(Phase::Error, "PipelineRunDeleted", "the PipelineRun was deleted");
    let mut status = job.status.clone().unwrap_or_default();
    for entry in status.jobs.iter_mut().filter(|entry| !entry.phase.is_final()) {
        entry.phase = JobPhase::Error;
        entry.message = Some(verdict.message.clone());
    }
    verdict.enter(&mut status, Timestamp::now());
    status
}

fn finished(job: &IntegrationJob, new: &IntegrationJobStatus, context: &Context) {
    if !new.phase.is_final() {
        return;
    }
    context.metrics.finished(new.phase.as_str());
    let condition = new.conditions.iter().find(|condition| condition.type_ == status::SUCCEEDED);
    let reason = condition.map_or("", |condition| &condition.reason);
    let message = condition.map_or("", |condition| &condition.message);
    let key = Key::of(job);
    tracing::info!(
        { field::PHASE } = new.phase.as_str(),
        { field::REASON } = reason,
        "IntegrationJob {key} ended: {reason}{}{message}",
        if message.is_empty() { "" } else { ": " },
    );
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that kube's Controller asks for")]
fn error_policy(
    name: Arc<PartialObjectMeta<IntegrationJob>>,
    error: &ReconcileError,
    context: Arc<Context>,
) -> Action {
    let key = Key::of(&*name);
    context.metrics.reconcile_failure("job", error.category());
    tracing::warn!({ field::JOB } = %key, { field::ERROR } = error_chain(error), "failed to reconcile IntegrationJob {key}");
    Action::requeue(RETRY)
}
