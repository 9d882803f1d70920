//! The drain loop: commands of the queues become `IntegrationJob`s.
//!
//! One message: decode → `facts` (cluster, host) → `plan` (pure) → `apply` (cluster) → settle. A message is deleted last, so
//! a crash anywhere repeats it, and repeating changes nothing. While the API server can't be reached nothing is received;
//! while one host can't be reached only its commands wait; so an outage never fills the dead-letter queue.

pub mod apply;
pub mod chat;
mod error;
pub mod facts;
pub mod inlet;
pub mod plan;
mod turns;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kube::ResourceExt;
use rand::RngExt as _;
use tidegate_model::{Command, Envelope, Intention};
use tidegate_queue::{Message, QueueError};
use tidegate_resources::{Cancel, CancelReason, IntegrationConfig};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::{
    apply::Applied,
    chat::{Chat, Followed, Hint},
    error::CommandError,
    inlet::Inlet,
    plan::Plan,
    turns::{PullRequest, Turns},
};
use crate::{backoff::backoff, context::Context, error_chain};

/// How many commands of one queue are worked on at once.
const IN_FLIGHT: usize = 64;
/// The longest that a command waits for its host before it is tried again.
const MAX_DELAY: Duration = Duration::from_mins(15);

/// The loop can't go on.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// A task panicked.
    #[error("a command's task failed")]
    Task(#[source] tokio::task::JoinError),
}

struct Drain {
    context: Context,
    /// Shared with the other queues, as the pull requests are.
    chat: Arc<Chat>,
    turns: Arc<Turns>,
    inlet: Inlet,
}

/// Drains every queue until it is told to stop; then finishes what is in hand.
pub async fn run(context: Context, inlets: Vec<Inlet>, stop: CancellationToken) -> Result<(), DrainError> {
    let (chat, turns) = <(Arc<Chat>, Arc<Turns>)>::default();
    let drains = inlets.into_iter().map(|inlet| {
        let (context, chat, turns) = (context.clone(), Arc::clone(&chat), Arc::clone(&turns));
        drain(Arc::new(Drain { context, chat, turns, inlet }), &stop)
    });
    futures::future::try_join_all(drains).await.map(drop)
}

/// Drains one queue.
async fn drain(drain: Arc<Drain>, stop: &CancellationToken) -> Result<(), DrainError> {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut tasks = JoinSet::new();
    let mut failures = 0;
    while !stop.is_cancelled() {
        while let Some(ended) = tasks.try_join_next() {
            let outage: bool = ended.map_err(DrainError::Task)?;
            if outage {
                drain.wait_for_cluster(stop).await;
            }
        }
        let received = tokio::select! {
            () = stop.cancelled() => break,
            received = drain.receive(&slots) => received,
        };
        match received {
            Ok(messages) => {
                failures = 0;
                for message in messages {
                    let (drain, slots) = (Arc::clone(&drain), Arc::clone(&slots));
                    tasks.spawn(async move {
                        // The semaphore is never closed.
                        let _slot = slots.acquire_owned().await;
                        drain.handle(message).await
                    });
                }
            }
            Err(error) => {
                failures += 1;
                drain.context.metrics.reconcile_failure("drain", error.category().as_str());
                tracing::warn!(error = error_chain(&error), "failed to receive commands");
                pause(delay_after(failures), stop).await;
            }
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(DrainError::Task)?;
    }
    Ok(())
}

impl Drain {
    /// Receives as many messages as there are free hands for, at most ten.
    async fn receive(&self, slots: &Semaphore) -> Result<Vec<Message>, QueueError> {
        // Waits for one free hand, and gives it back at once: the messages' own tasks take them.
        drop(slots.acquire().await);
        let free = u8::try_from(slots.available_permits().clamp(1, 10)).unwrap_or(10);
        self.inlet.receive(free).await
    }

    /// Works on one message until it is settled. Says whether the API server could not be reached.
    async fn handle(&self, message: Message) -> bool {
        let envelope = match message.decode::<Command>() {
            Ok(envelope) => envelope,
            Err(error) => {
                self.context.metrics.command("unreadable", "dead_lettered");
                self.inlet.dead_letter(&message, &error_chain(&error)).await;
                return false;
            }
        };
        let intention = envelope.body.intention.as_str();
        if let Some(refusal) = self.inlet.refusal(&envelope.body.intention) {
            self.context.metrics.command(intention, "dead_lettered");
            self.inlet.dead_letter(&message, &refusal).await;
            return false;
        }
        let (outcome, outage) =
            match self.inlet.keep_hidden(&message, Box::pin(self.carry_out(&envelope))).await {
                Ok(None) => {
                    self.inlet.delete(&message).await;
                    ("done", false)
                }
                Ok(Some(refusal)) => {
                    self.inlet.dead_letter(&message, &refusal).await;
                    ("dead_lettered", false)
                }
                Err(error) => {
                    if let Some(refusal) = error.refusal() {
                        self.inlet.dead_letter(&message, &refusal).await;
                        ("dead_lettered", false)
                    } else {
                        self.inlet.put_back(&message, &envelope, &error).await;
                        ("put_back", error.is_cluster_outage())
                    }
                }
            };
        self.context.metrics.command(intention, outcome);
        outage
    }

    /// Carries a command out for every config that it concerns. `Some` is the reason why it is refused for good.
    async fn carry_out(&self, envelope: &Envelope<Command>) -> Result<Option<String>, CommandError> {
        let command = &envelope.body;
        let configs = facts::configs(envelope.host, &envelope.source, command, &self.context).await?;
        if configs.is_empty() {
            log(envelope, None, "nothing is configured for it");
        }
        let _turn = match (configs.first(), command.intention.pull_request()) {
            (Some(config), Some(number)) => Some(self.turns.take(PullRequest::of(config, number)).await),
            _ => None,
        };
        if let Intention::FollowComment { pull_request, comment, commands } = &command.intention {
            let hint = Hint { pull_request: *pull_request, comment: *comment, commands };
            return self.follow(hint, &configs, envelope).await;
        }
        for config in &configs {
            let plan = match plan::admit(command, config) {
                Ok(()) => plan::plan(
                    command,
                    config,
                    &facts::read(&command.intention, config, &self.context).await?,
                ),
                Err(plan) => plan,
            };
            match plan {
                Plan::Run(run) => self.run(&run, config, envelope).await?,
                Plan::Cancel { pull_request, order } => {
                    let jobs = facts::jobs_of(config, pull_request, &self.context).await?;
                    let going: Vec<_> =
                        jobs.iter().filter(|job| plan::goes_on(job)).map(ResourceExt::name_any).collect();
                    let count = apply::stop(config, &going, &order, &self.context).await?;
                    log(envelope, Some(config), &format!("{}: stopped {count} runs", order.message));
                }
                Plan::Nothing(reason) => log(envelope, Some(config), &reason),
                Plan::Refuse(reason) => return Ok(Some(reason)),
            }
        }
        Ok(None)
    }

    /// Follows a comment once, with the first config that it may concern: the others of its repository are found from there.
    /// Where none is fit to run anything, whoever wrote it is told why.
    async fn follow(
        &self,
        hint: Hint<'_>,
        configs: &[IntegrationConfig],
        envelope: &Envelope<Command>,
    ) -> Result<Option<String>, CommandError> {
        let mut unfit = None;
        let mut fit = None;
        for config in configs {
            match plan::admit(&envelope.body, config) {
                Ok(()) => fit = fit.or(Some(config)),
                Err(Plan::Refuse(reason)) => return Ok(Some(reason)),
                Err(Plan::Nothing(reason)) => {
                    log(envelope, Some(config), &reason);
                    unfit = unfit.or_else(|| plan::unfit(config).map(|_| config));
                }
                Err(Plan::Run(_) | Plan::Cancel { .. }) => (),
            }
        }
        let Some(config) = fit.or(unfit) else {
            return Ok(None);
        };
        Ok(match self.chat.follow(hint, config, envelope, &self.context).await? {
            Followed::Done(what) => {
                log(envelope, Some(config), &what);
                None
            }
            Followed::Refused(reason) => Some(reason),
        })
    }

    async fn run(
        &self,
        run: &plan::Run,
        config: &IntegrationConfig,
        envelope: &Envelope<Command>,
    ) -> Result<(), CommandError> {
        match apply::run(run, config, envelope, &self.context).await? {
            Applied::Created(name) => {
                let seconds = age_seconds(envelope.received_at_ms);
                self.context.metrics.accepted_to_job(seconds);
                log(envelope, Some(config), &format!("created IntegrationJob {name}"));
            }
            Applied::Existed(name) => {
                log(envelope, Some(config), &format!("IntegrationJob {name} exists already"));
            }
        }
        if let Some(pull) = run.spec.pulls.first() {
            let order = Cancel {
                reason: CancelReason::Superseded,
                message: format!("superseded by {}", pull.sha.short()),
                comment: None,
            };
            let jobs = facts::jobs_of(config, pull.number, &self.context).await?;
            apply::stop(config, &plan::outdated(&run.spec, &jobs), &order, &self.context).await?;
        }
        Ok(())
    }

    /// Waits until the API server answers.
    async fn wait_for_cluster(&self, stop: &CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let Err(error) = self.context.client.apiserver_version().await else {
                return;
            };
            failures += 1;
            tracing::warn!(
                error = error_chain(&error),
                "the API server can't be reached: receiving no commands"
            );
            pause(delay_after(failures).min(Duration::from_secs(10)), stop).await;
        }
    }
}

fn log(envelope: &Envelope<Command>, config: Option<&IntegrationConfig>, what: &str) {
    let intention = envelope.body.intention.as_str();
    tracing::info!(
        delivery.id = %envelope.delivery,
        repo = %envelope.body.repository,
        intention,
        config = config.map(facts::display_name),
        traceparent = envelope.traceparent.as_ref().map(ToString::to_string),
        "{intention}: {what}",
    );
}

fn delay_after(failures: u32) -> Duration {
    backoff(failures, MAX_DELAY, rand::rng().random_range(0.0..1.0))
}

async fn pause(duration: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => (),
        () = tokio::time::sleep(duration) => (),
    }
}

/// How long ago that was, in seconds; zero for a clock that runs ahead.
pub fn age_seconds(received_at_ms: u64) -> f64 {
    let received = UNIX_EPOCH + Duration::from_millis(received_at_ms);
    SystemTime::now().duration_since(received).map_or(0.0, |age| age.as_secs_f64())
}
