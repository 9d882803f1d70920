//! The one executor: every producer returns [`Action`]s to create or cancel runs, and this carries them out.
//!
//! Every producer (`trigger` for commands and the catch-up, `chat` for comments) takes the [`locks`] of its pull request,
//! branch or tag first, then reads facts, plans (pure), and hands the actions over. All of it may be repeated after a crash:
//! names make runs idempotent, and older runs are cancelled before the run that replaces them is created, so that a crash in
//! between leaves none of them.

pub mod action;
pub mod cancel;
mod ensure;
mod error;
pub mod existing;
mod lacking;
pub mod locks;
pub mod origin;

use kube::ResourceExt;
use tidegate_resources::{IntegrationConfig, IntegrationJob};
use tidegate_rules::ledger::Observation;

pub use self::error::{ApplyError, failed};
use self::{
    action::{Action, Run},
    ensure::Ensured,
    locks::Held,
    origin::Origin,
};
use crate::{context::Context, ledger::Book, outcome::run_facts::RunFacts};

/// The means to carry out actions.
#[derive(Clone, Copy)]
pub struct Executor<'a> {
    /// The config whose runs these are.
    pub config: &'a IntegrationConfig,
    /// Its ledger.
    pub book: &'a Book,
    /// Where the runs come from.
    pub origin: &'a Origin,
    /// The lock of their subject.
    pub held: &'a Held,
    /// The cluster.
    pub context: &'a Context,
}

impl Executor<'_> {
    /// Carries out actions, in their order. Returns what happened, for the log.
    pub async fn perform(self, actions: &[Action]) -> Result<Vec<String>, ApplyError> {
        let mut happened = Vec::new();
        for action in actions {
            happened.push(self.perform_one(action).await?);
        }
        Ok(happened)
    }

    async fn perform_one(self, action: &Action) -> Result<String, ApplyError> {
        let (order, count) = match action {
            Action::Ensure(run) => return self.ensure(run).await,
            Action::EnsureJobs(run) => return self.ensure_jobs(run).await,
            Action::Cancel { runs, order } => {
                (order, cancel::cancel(runs, order, self.config, self.context).await?)
            }
            Action::CancelQueued { runs, order } => {
                (order, cancel::cancel_queued(runs, order, self.config, self.context).await?)
            }
        };
        Ok(format!("{}: cancelled {count} runs", order.message))
    }

    /// Creates the run, or a run of those of its jobs that no run has.
    async fn ensure_jobs(self, run: &Run) -> Result<String, ApplyError> {
        let Some(lacking) = lacking::lacking(run, self.book) else {
            return self.ensure(run).await;
        };
        if lacking.is_empty() {
            return Ok("every job has its run".to_owned());
        }
        if lacking.len() < run.spec.jobs.len() {
            return self.ensure(&lacking::part(run, &lacking)).await;
        }
        let happened = self.ensure(run).await?;
        // A run of this name may exist that was created when the config had other jobs, or that waits for approval.
        match lacking::lacking(run, self.book) {
            Some(lacking) if !lacking.is_empty() => self.ensure(&lacking::part(run, &lacking)).await,
            Some(_) | None => Ok(happened),
        }
    }

    /// Creates exactly this run, unless it exists, and records it in the ledger at once.
    async fn ensure(self, run: &Run) -> Result<String, ApplyError> {
        Ok(match ensure::ensure(run, self.config, self.origin, self.context).await? {
            Ensured::Created(job) => {
                self.context.metrics.accepted_to_job(self.origin.accepted_at_ms);
                observe(&job, self.book);
                format!("created IntegrationJob {}", job.name_any())
            }
            Ensured::Existed(job) => {
                observe(&job, self.book);
                format!("IntegrationJob {} exists already", job.name_any())
            }
            Ensured::Unreadable(name, why) => {
                format!("IntegrationJob {name} is left alone, it can't be read: {why}")
            }
        })
    }
}

/// Records a run in the ledger before the watch shows it.
fn observe(job: &IntegrationJob, book: &Book) {
    if let Some(run) = RunFacts::of(job).and_then(|seen| seen.run) {
        book.observe(&Observation::Run(run));
    }
}
