//! The report loop: hosts are told how each job stands, as soon as it changes.
//!
//! What a host should be told follows from an `IntegrationJob` (`plan`, pure); what it knows stands in `status.reports`. Where
//! the two differ, a write is due (`ledger`, pure). The `outbox` (pure) decides when it is sent: newest first, within the
//! credential's budget (`crate::budget`), which answers to comments share. After a crash at most the last write is repeated.

mod ledger;
mod outbox;
pub(crate) mod plan;
mod send;

use std::time::{Duration, Instant};

use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::jiff::Timestamp;
use kube::{
    core::DeserializeGuard,
    runtime::watcher::{self, Event},
};
use rand::RngExt as _;
use tidegate_resources::{IntegrationJob, JobStatus, Report};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

pub(crate) use self::plan::WAITS_FOR_APPROVAL;
use self::{
    ledger::{Ledger, Todo},
    outbox::{Due, Outbox, Sent, Settled},
};
use crate::{budget::Writer, context::Context, error_chain, schedule::Key};

/// How long a status that could not be written down waits for the next try.
const RETRY: Duration = Duration::from_secs(1);

/// Nobody is woken that late; it only bounds a timer that has nothing to wait for.
const IDLE: Duration = Duration::from_hours(1);

type Guarded<K> = DeserializeGuard<K>;
type Changes<K> = BoxStream<'static, watcher::Result<Event<Guarded<K>>>>;

/// The loop can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A watch ended.
    #[error("the watch of IntegrationJobs or IntegrationConfigs ended")]
    WatchEnded,
    /// A task panicked.
    #[error("the task of a commit status failed")]
    Task(#[source] JoinError),
}

struct Reporter {
    context: Context,
    ledger: Ledger,
    outbox: Outbox,
    tasks: JoinSet<Ended>,
    /// Whether all jobs and configs are known: before that, nobody knows which job is the newest.
    is_ready: bool,
}

/// What a task did.
enum Ended {
    Sent(Due, Sent),
    Recorded(Key, Option<Vec<Report>>),
    Published,
}

/// Runs until it is told to stop; then finishes the writes on their way.
pub async fn run(context: Context, stop: CancellationToken) -> Result<(), ReportError> {
    let mut jobs: Changes<IntegrationJob> = context.watch_served(&watcher::Config::default(), |_| ());
    let (configs, mut config_changes) = (context.configs.clone(), context.configs.clone());
    let mut reporter = Reporter {
        context,
        ledger: Ledger::default(),
        outbox: Outbox::default(),
        tasks: JoinSet::new(),
        is_ready: false,
    };
    let (mut jobs_are_listed, mut configs_are_listed) = (false, false);
    loop {
        let wake_at = reporter.outbox.wake_at(&reporter.context.budgets());
        let wake_at = wake_at.unwrap_or_else(|| Instant::now() + IDLE);
        tokio::select! {
            () = stop.cancelled() => break,
            event = jobs.next() => jobs_are_listed |= reporter.job_event(event)?,
            () = configs.listed(), if !configs_are_listed => configs_are_listed = true,
            // One that was missing may have come.
            () = config_changes.changed() => reporter.review_all(),
            Some(ended) = reporter.tasks.join_next() => reporter.ended(ended)?,
            () = tokio::time::sleep_until(wake_at.into()) => (),
        }
        if jobs_are_listed && configs_are_listed && !reporter.is_ready {
            reporter.is_ready = true;
            reporter.review_all();
        }
        reporter.send();
    }
    while let Some(ended) = reporter.tasks.join_next().await {
        reporter.ended(ended)?;
    }
    Ok(())
}

impl Reporter {
    /// Says whether the event completes a list of all jobs.
    fn job_event(
        &mut self,
        event: Option<watcher::Result<Event<Guarded<IntegrationJob>>>>,
    ) -> Result<bool, ReportError> {
        match event.ok_or(ReportError::WatchEnded)? {
            Ok(Event::Apply(job) | Event::InitApply(job)) => {
                let key = Key::of(&job);
                // The job loop logs what can't be read.
                if let Ok(job) = job.0 {
                    self.ledger.apply(job);
                    self.review(&key);
                }
            }
            Ok(Event::Delete(job)) => {
                let key = Key::of(&job);
                self.ledger.delete(&key);
                self.outbox.forget(&key);
            }
            Ok(Event::Init) => self.ledger.begin_list(),
            Ok(Event::InitDone) => {
                self.ledger.end_list();
                return Ok(true);
            }
            Err(error) => tracing::warn!(error = error_chain(&error), "failed to watch integrationjobs"),
        }
        Ok(false)
    }

    fn review_all(&mut self) {
        for key in self.ledger.keys() {
            self.review(&key);
        }
    }

    /// Looks at what is to be said for a job, and what is to be written down.
    fn review(&mut self, key: &Key) {
        if !self.is_ready {
            return;
        }
        let Some(Todo { job, say, record }) = self.ledger.todo(key) else {
            return;
        };
        if !say.is_empty() {
            // Without the config there is no credential; when it comes, all jobs are looked at again.
            if let Some(writer) = self.context.configs.of(&job).and_then(|config| Writer::of(&config)) {
                for (target, desired) in say {
                    let due = Due { job: key.clone(), target, status: desired.status };
                    self.outbox.want(due, writer.clone(), desired.is_fleeting, Instant::now());
                }
            }
        }
        if !record.is_empty() {
            let (context, key) = (self.context.clone(), key.clone());
            self.tasks.spawn(async move {
                match send::record(&job, &record, &context).await {
                    Ok(()) => Ended::Recorded(key, Some(record)),
                    Err(error) => {
                        context.metrics.reconcile_failure("report", "record");
                        tracing::warn!(
                            integration_job = %key,
                            error = error_chain(&error),
                            "failed to write down what the host was told",
                        );
                        tokio::time::sleep(RETRY).await;
                        Ended::Recorded(key, None)
                    }
                }
            });
        }
    }

    fn next(&mut self) -> Option<Due> {
        self.outbox.next(&mut self.context.budgets(), Instant::now())
    }

    /// Sends all that may be sent now.
    fn send(&mut self) {
        while let Some(due) = self.next() {
            let job = self.ledger.job(&due.job);
            let Some((job, config)) =
                job.and_then(|job| self.context.configs.of(&job).map(|config| (job, config)))
            else {
                self.outbox.forget_sent(&due);
                continue;
            };
            let context = self.context.clone();
            self.tasks.spawn(async move {
                let sent = send::send(&due, &job, &config, &context).await;
                Ended::Sent(due, sent)
            });
        }
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>) -> Result<(), ReportError> {
        match ended.map_err(ReportError::Task)? {
            Ended::Sent(due, sent) => self.sent(&due, sent),
            Ended::Recorded(key, written) => {
                self.ledger.recorded(&key, written);
                self.review(&key);
            }
            Ended::Published => (),
        }
        Ok(())
    }

    fn sent(&mut self, due: &Due, sent: Sent) {
        let job = self.ledger.job(&due.job);
        let jitter = rand::rng().random_range(0.0..1.0);
        let settled = self.outbox.sent(due, sent, &mut self.context.budgets(), Instant::now(), jitter);
        let refused = match settled {
            Settled::Taken => {
                let seconds = job.and_then(|job| seconds_since_end(&job, due));
                if let Some(seconds) = seconds.filter(|_| due.status.state.is_final()) {
                    self.context.metrics.ended_to_status(seconds);
                }
                None
            }
            Settled::Refused(reason) => {
                if let Some(job) = job {
                    let (context, status, reason) =
                        (self.context.clone(), due.status.clone(), reason.clone());
                    self.tasks.spawn(async move {
                        send::publish_refusal(&job, &status, &reason, &context).await;
                        Ended::Published
                    });
                }
                Some(reason)
            }
            Settled::Later => return,
        };
        self.ledger.told(&due.job, &due.target.context, due.status.clone(), refused);
        self.review(&due.job);
    }
}

/// How long the host had to wait for a verdict.
fn seconds_since_end(job: &IntegrationJob, due: &Due) -> Option<f64> {
    let (_, name) = due.target.context.rsplit_once('/')?;
    let is_it = |entry: &&JobStatus| entry.name.as_str() == name;
    let ended =
        job.status.as_ref()?.jobs.iter().find(is_it)?.completed_at.as_ref()?.parse::<Timestamp>().ok()?;
    Some(Timestamp::now().duration_since(ended).as_secs_f64().max(0.0))
}
