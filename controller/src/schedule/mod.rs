//! The schedule loop: runs wait until a slot is free, then start; the oldest first.
//!
//! One task reads the changes of runs and configs. The queue (pure) decides; a task of its own carries out each decision,
//! so that one slow host delays no other run. A waiting run has no `PipelineRun`.

mod build;
mod dereference;
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

use self::queue::{Moment, Queue, SlotLimits, StepResult};
use crate::{
    context::Context,
    stores::{Change, StoredRun, held::Held as _},
};

/// The timer's bound when nothing is due: `select!` needs one.
const IDLE: Duration = Duration::from_hours(1);

/// The loop can't continue: a task panicked.
#[derive(Debug, thiserror::Error)]
#[error("the task of an IntegrationJob failed")]
pub struct ScheduleError(#[source] JoinError);

struct Schedule {
    context: Context,
    queue: Queue,
    tasks: JoinSet<(Arc<IntegrationJob>, StepResult)>,
}

/// Runs until `stop` is cancelled; then finishes the steps in flight.
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
            // Its limits may have changed.
            () = config_changes.changed() => (),
            Some(ended) = schedule.tasks.join_next() => schedule.done(ended)?,
            () = tokio::time::sleep_until(wake_at.into()) => (),
        }
        // All changes of a burst are applied first, so that its oldest run starts first.
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
    /// Returns whether all runs are listed.
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
        let operator = settings.limits();
        let limits = SlotLimits {
            cluster: settings.max_runs,
            namespace: operator.runs_per_namespace,
            repository: |job: &IntegrationJob| {
                let asked = context.configs.max_runs_beside(job);
                operator.runs(asked.unwrap_or(settings.max_runs_per_repository))
            },
        };
        for (step, job) in queue.next(&limits, Instant::now()) {
            let context = context.clone();
            tasks.spawn(async move {
                let done = start::carry_out(step, &job, &context).await;
                (job, done)
            });
        }
        let (waiting, running) = queue.occupation();
        context.metrics.set_occupation(waiting, running);
    }

    fn done(
        &mut self,
        ended: Result<(Arc<IntegrationJob>, StepResult), JoinError>,
    ) -> Result<(), ScheduleError> {
        let (job, done) = ended.map_err(ScheduleError)?;
        self.queue.done(&job, done, moment());
        Ok(())
    }
}

fn moment() -> Moment {
    Moment { now: Instant::now(), time: Timestamp::now(), jitter: rand::rng().random_range(0.0..1.0) }
}
