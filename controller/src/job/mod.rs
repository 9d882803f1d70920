//! The job loop: every `IntegrationJob` that got a slot is run through Tekton, and its status tells how far it is.
//!
//! One round: `dereference` (cluster) → `build` (pure) → `apply` (cluster); once the `PipelineRun` exists: `observe` (pure) →
//! `status` (cluster). Rounds are started by watch events, and when the time of a run is over: nothing is polled. A run whose
//! start fails waits in phase Queued again, without a slot.

mod apply;
mod build;
mod checkout;
pub mod dereference;
#[cfg(test)]
pub(crate) mod fixture;
pub mod limit;
mod literal;
mod observe;
mod pod;
mod start;
pub mod status;
mod store;
mod task;
pub mod waiting;

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use k8s_openapi::jiff::Timestamp;
use kube::{
    ResourceExt,
    core::DeserializeGuard,
    runtime::{Controller, controller::Action},
};
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, Phase, PipelineRun};
use tokio_util::sync::CancellationToken;

use self::{
    apply::ApplyError,
    dereference::DereferenceError,
    observe::{Seen, observe, pending_since},
    start::start,
    status::{Verdict, WriteError},
    store::{Runs, Tasks},
};
use crate::{context::Context, error_chain, schedule::Key, shutdown::stopped_unlisted};

/// How long a failed round waits for the next.
const RETRY: Duration = Duration::from_secs(2);

struct JobContext {
    context: Context,
    runs: Runs,
}

/// The loop ended before it was told to.
#[derive(Debug, thiserror::Error)]
#[error("the watch of IntegrationJobs and their runs ended")]
pub struct JobLoopEnded;

/// Why a round failed. It is tried again.
#[derive(Debug, thiserror::Error)]
enum ReconcileError {
    #[error(transparent)]
    Dereference(#[from] DereferenceError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("failed to read the objects of the run")]
    Read(#[source] kube::Error),
}

impl ReconcileError {
    fn category(&self) -> &'static str {
        match self {
            Self::Dereference(DereferenceError::Credential { .. }) => "credential",
            Self::Dereference(_) => "dereference",
            Self::Apply(_) => "apply",
            Self::Write(_) => "status",
            Self::Read(_) => "read",
        }
    }
}

/// Runs until it is told to stop; then finishes the rounds in hand.
pub async fn run(context: Context, stop: CancellationToken) -> Result<(), JobLoopEnded> {
    let (jobs, job_changes) = store::integration_jobs(&context);
    let (runs, run_changes, task_changes) = store::runs(&context);
    let job_context = Arc::new(JobContext { context, runs });
    let reconciled = Controller::for_stream(job_changes, jobs.clone())
        .watches_stream(run_changes, |run| store::integration_job_of(&run))
        .watches_stream(task_changes, |task| store::integration_job_of(&task))
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(reconcile, error_policy, job_context)
        .for_each(|_| std::future::ready(()));
    tokio::select! {
        () = reconciled => (),
        () = stopped_unlisted(&jobs, &stop) => (),
    }
    if stop.is_cancelled() { Ok(()) } else { Err(JobLoopEnded) }
}

async fn reconcile(
    guarded: Arc<DeserializeGuard<IntegrationJob>>,
    context: Arc<JobContext>,
) -> Result<Action, ReconcileError> {
    let job = match &guarded.0 {
        Ok(job) => job,
        Err(invalid) => {
            // Only possible where the CRD's rules were not in force when it was written.
            let key = Key::of(&*guarded);
            tracing::warn!(integration_job = %key, error = invalid.error, "IntegrationJob {key} can't be read");
            return Ok(Action::await_change());
        }
    };
    let status = job.status.clone().unwrap_or_default();
    // A deleted job's run is deleted with it: Kubernetes follows the owner reference.
    if status.phase != Phase::Running || job.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let (new, deadline) = match context.runs.of(job, &context.context).await.map_err(ReconcileError::Read)? {
        Some(run) => follow(job, &run, &context).await?,
        None if status.pipeline_run.is_some() => (lost(job), None),
        None => (start(job, &context.context).await?, None),
    };
    if new != status {
        match status::write(&context.context, job, &new).await {
            Ok(()) => finished(job, &new, &context.context),
            // What has changed comes by the watch, and starts the next round.
            Err(WriteError::Outdated) => (),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(match deadline.filter(|_| !new.phase.is_final()) {
        Some(deadline) => Action::requeue(until(deadline)),
        None => Action::await_change(),
    })
}

/// How long it is until then, and a little more, so that it is over by then.
fn until(deadline: Timestamp) -> Duration {
    let left = Duration::try_from(deadline.duration_since(Timestamp::now())).unwrap_or_default();
    left + Duration::from_millis(10)
}

/// Stops the run if that was asked for or if its time is over, and says how far it is and when its time is over.
async fn follow(
    job: &IntegrationJob,
    run: &PipelineRun,
    context: &JobContext,
) -> Result<(IntegrationJobStatus, Option<Timestamp>), ReconcileError> {
    let now = Timestamp::now();
    let old = job.status.clone().unwrap_or_default();
    let mut tasks = context.runs.tasks_of(run);
    let is_over = limit::deadline(job, &old).is_some_and(|deadline| deadline <= now);
    let seen = async |tasks: &Tasks, is_complete| {
        let pods = pod::read(job, tasks, &context.context).await.map_err(ReconcileError::Read)?;
        let seen = Seen { run, tasks, pods: &pods, is_complete, is_over };
        Ok::<_, ReconcileError>(observe(job, seen, now))
    };
    let mut status = if let Some(status) = seen(&tasks, false).await? {
        status
    } else {
        tasks = store::read_tasks(job, &context.context).await.map_err(ReconcileError::Read)?;
        // Tasks that were read after their run's end always settle it.
        seen(&tasks, true).await?.unwrap_or(old)
    };
    // A run that has ended is not stopped again.
    let has_ended = run.status.as_ref().and_then(|status| task::succeeded(&status.conditions));
    let has_ended = has_ended.is_some_and(|condition| condition.status != "Unknown");
    if !has_ended && (is_over || job.spec.cancel.is_some()) {
        apply::cancel(&context.context.namespaced(&job.namespace().unwrap_or_default()), run).await?;
    }
    let pending_since = pending_since(&tasks);
    if let Some(since) = pending_since {
        limit::stuck(job, &mut status, since, now);
    }
    let deadline = limit::deadline(job, &status);
    Ok((status, deadline.or_else(|| limit::after(job, pending_since?))))
}

/// The run is gone: what had not ended never will.
fn lost(job: &IntegrationJob) -> IntegrationJobStatus {
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
        integration_job = %key,
        repo = %job.spec.repository,
        phase = new.phase.as_str(),
        reason,
        message,
        "IntegrationJob {key} ended: {reason}",
    );
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that kube's Controller asks for")]
fn error_policy(
    job: Arc<DeserializeGuard<IntegrationJob>>,
    error: &ReconcileError,
    context: Arc<JobContext>,
) -> Action {
    let key = Key::of(&*job);
    context.context.metrics.reconcile_failure("job", error.category());
    tracing::warn!(integration_job = %key, error = error_chain(error), "failed to reconcile IntegrationJob {key}");
    Action::requeue(RETRY)
}
