//! The schedule loop: `IntegrationJob`s wait until there is room, then start; the oldest first.
//!
//! One task reads the changes of runs and configs. The queue (pure) decides; each decision is carried out by a task of its own,
//! so that one slow host holds up nobody else. A job that waits has no `PipelineRun`.

mod queue;
mod start;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use rand::RngExt as _;
use tidegate_resources::IntegrationJob;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use self::queue::{Caps, Done, Moment, Queue};
use crate::{
    context::Context,
    stores::{Change, StoredRun, held::Held as _},
};

/// Nobody is woken that late; it only bounds a timer that has nothing to wait for.
const IDLE: Duration = Duration::from_hours(1);

/// The loop can't go on: a task panicked.
#[derive(Debug, thiserror::Error)]
#[error("the task of an IntegrationJob failed")]
pub struct ScheduleError(#[source] JoinError);

struct Schedule {
    context: Context,
    queue: Queue,
    tasks: JoinSet<(Arc<IntegrationJob>, Done)>,
}

/// Runs until it is told to stop; then finishes what is in hand.
pub async fn run(context: Context, stop: CancellationToken) -> Result<(), ScheduleError> {
    let mut runs = context.runs.subscribe();
    let (configs, mut config_changes) = (context.configs.clone(), context.configs.clone());
    let mut schedule = Schedule { context, queue: Queue::default(), tasks: JoinSet::new() };
    let (mut runs_are_listed, mut configs_are_listed) = (false, false);
    loop {
        let wake_at = schedule.queue.wake_at(Instant::now()).unwrap_or_else(|| Instant::now() + IDLE);
        tokio::select! {
            () = stop.cancelled() => break,
            change = runs.next() => runs_are_listed |= schedule.run_changed(change),
            () = configs.listed(), if !configs_are_listed => configs_are_listed = true,
            // Its caps may have changed.
            () = config_changes.changed() => (),
            Some(ended) = schedule.tasks.join_next() => schedule.done(ended)?,
            () = tokio::time::sleep_until(wake_at.into()) => (),
        }
        // What has come already is taken together: the oldest of a burst shall start first.
        while let Some(change) = runs.try_next() {
            runs_are_listed |= schedule.run_changed(change);
        }
        if runs_are_listed && configs_are_listed {
            schedule.give_slots();
        }
    }
    while let Some(ended) = schedule.tasks.join_next().await {
        schedule.done(ended)?;
    }
    Ok(())
}

impl Schedule {
    /// Says whether all runs are known now.
    fn run_changed(&mut self, change: Change<StoredRun>) -> bool {
        match change {
            Change::Applied(StoredRun::Active(run)) => self.queue.apply(run, moment()),
            Change::Applied(run @ (StoredRun::Ended(_) | StoredRun::Unreadable(_)))
            | Change::Deleted(run) => self.queue.delete(&run.key()),
            Change::Listed => return true,
        }
        false
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
        let (job, done) = ended.map_err(ScheduleError)?;
        self.queue.done(&job, done, moment());
        Ok(())
    }
}

fn moment() -> Moment {
    Moment { now: Instant::now(), time: Timestamp::now(), jitter: rand::rng().random_range(0.0..1.0) }
}
