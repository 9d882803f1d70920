//! The schedule loop: `IntegrationJob`s wait until there is room, then start; the oldest first.
//!
//! One task watches jobs and configs. The queue (pure) decides; each decision is carried out by a task of its own, so that
//! one slow host holds up nobody else. A job that waits has no `PipelineRun`.

mod queue;
mod start;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, stream::BoxStream};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::watcher::{self, Event},
};
use rand::RngExt as _;
use tidegate_resources::IntegrationJob;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

pub use self::queue::Key;
use self::queue::{Caps, Done, Moment, Queue};
use crate::{context::Context, error_chain};

/// The reason of the condition of a job that a person has to approve.
pub const AWAITING_APPROVAL: &str = "AwaitingApproval";

/// Nobody is woken that late; it only bounds a timer that has nothing to wait for.
const IDLE: Duration = Duration::from_hours(1);

type Guarded<K> = DeserializeGuard<K>;
type Changes<K> = BoxStream<'static, watcher::Result<Event<Guarded<K>>>>;

/// The loop can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// A watch ended.
    #[error("the watch of IntegrationJobs or IntegrationConfigs ended")]
    WatchEnded,
    /// A task panicked.
    #[error("the task of an IntegrationJob failed")]
    Task(#[source] JoinError),
}

struct Schedule {
    context: Context,
    queue: Queue,
    tasks: JoinSet<(Arc<IntegrationJob>, Done)>,
}

/// Runs until it is told to stop; then finishes what is in hand.
pub async fn run(context: Context, stop: CancellationToken) -> Result<(), ScheduleError> {
    let mut jobs: Changes<IntegrationJob> = context
        .watch_served(&watcher::Config::default(), |job: &mut Guarded<_>| job.managed_fields_mut().clear());
    let (configs, mut config_changes) = (context.configs.clone(), context.configs.clone());
    let mut schedule = Schedule { context, queue: Queue::default(), tasks: JoinSet::new() };
    let (mut jobs_are_listed, mut configs_are_listed) = (false, false);
    loop {
        let wake_at = schedule.queue.wake_at(Instant::now()).unwrap_or_else(|| Instant::now() + IDLE);
        tokio::select! {
            () = stop.cancelled() => break,
            event = jobs.next() => jobs_are_listed |= schedule.job_event(event)?,
            () = configs.listed(), if !configs_are_listed => configs_are_listed = true,
            // Its caps may have changed.
            () = config_changes.changed() => (),
            Some(ended) = schedule.tasks.join_next() => schedule.done(ended)?,
            () = tokio::time::sleep_until(wake_at.into()) => (),
        }
        // What has come already is taken together: the oldest of a burst shall start first.
        while let Some(event) = jobs.next().now_or_never() {
            jobs_are_listed |= schedule.job_event(event)?;
        }
        if jobs_are_listed && configs_are_listed {
            schedule.give_slots();
        }
    }
    while let Some(ended) = schedule.tasks.join_next().await {
        schedule.done(ended)?;
    }
    Ok(())
}

impl Schedule {
    /// Says whether the event completes a list of all jobs.
    fn job_event(
        &mut self,
        event: Option<watcher::Result<Event<Guarded<IntegrationJob>>>>,
    ) -> Result<bool, ScheduleError> {
        match event.ok_or(ScheduleError::WatchEnded)? {
            Ok(Event::Apply(job) | Event::InitApply(job)) => match job.0 {
                Ok(job) => self.queue.apply(job, moment()),
                // The job loop logs it.
                Err(_) => self.queue.delete(&job),
            },
            Ok(Event::Delete(job)) => self.queue.delete(&job),
            Ok(Event::Init) => self.queue.begin_list(),
            Ok(Event::InitDone) => {
                self.queue.end_list();
                return Ok(true);
            }
            Err(error) => watch_failed::<IntegrationJob>(&error),
        }
        Ok(false)
    }

    fn give_slots(&mut self) {
        let Self { context, queue, tasks } = self;
        let settings = &context.settings;
        let limits = settings.limits();
        let caps = Caps {
            cluster: settings.max_runs,
            namespace: limits.runs_per_namespace,
            repository: |job: &IntegrationJob| {
                let asked = context.configs.max_runs_beside(job);
                limits.runs(asked.unwrap_or(settings.max_runs_per_repository))
            },
        };
        for (need, job) in queue.next(&caps, Instant::now()) {
            let context = context.clone();
            tasks.spawn(async move {
                let done = start::carry_out(need, &job, &context).await;
                (job, done)
            });
        }
        let (waiting, running) = queue.occupation();
        context.metrics.set_occupation(waiting, running);
    }

    fn done(&mut self, ended: Result<(Arc<IntegrationJob>, Done), JoinError>) -> Result<(), ScheduleError> {
        let (job, done) = ended.map_err(ScheduleError::Task)?;
        self.queue.done(&job, done, moment());
        Ok(())
    }
}

fn moment() -> Moment {
    Moment { now: Instant::now(), time: Timestamp::now(), jitter: rand::rng().random_range(0.0..1.0) }
}

/// The watch goes on by itself, after a pause.
fn watch_failed<K: Resource<DynamicType = ()>>(error: &watcher::Error) {
    tracing::warn!(error = error_chain(error), "failed to watch {}", K::plural(&()));
}
