//! The drain loop: commands of the queue become `IntegrationJob`s.
//!
//! One message: decode → `facts` (cluster, host) → `plan` (pure) → `apply` (cluster) → settle. A message is deleted last, so
//! a crash anywhere repeats it, and repeating changes nothing. While the API server can't be reached nothing is received;
//! while one host can't be reached only its commands wait; so an outage never fills the dead-letter queue.

pub mod apply;
pub mod chat;
mod error;
pub mod facts;
pub mod plan;
mod turns;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kube::ResourceExt;
use rand::RngExt as _;
use tidegate_model::{Command, Envelope, Intention};
use tidegate_queue::{Message, Queue, QueueError};
use tidegate_resources::{Cancel, CancelReason, IntegrationConfig};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::{
    apply::Applied,
    chat::{Chat, Followed, Hint},
    error::CommandError,
    plan::Plan,
    turns::{PullRequest, Turns},
};
use crate::{backoff::backoff, context::Context, error_chain};

/// How many commands are worked on at once.
const IN_FLIGHT: usize = 64;
/// How long a received command is hidden from others; so long it waits when this process dies.
const VISIBILITY: Duration = Duration::from_secs(20);
/// How often a command that is worked on is hidden anew, and how many times: longer than all its calls may take.
const RENEWAL: Duration = Duration::from_secs(8);
const MAX_RENEWALS: usize = 40;
/// How long one receive waits for messages: the longest that SQS allows.
const LONG_POLL: Duration = Duration::from_secs(20);
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
    chat: Chat,
    turns: Turns,
    commands: Queue,
    dead_letters: Queue,
}

/// Runs until it is told to stop; then finishes what is in hand.
pub async fn run(
    context: Context,
    commands: Queue,
    dead_letters: Queue,
    stop: CancellationToken,
) -> Result<(), DrainError> {
    let drain =
        Arc::new(Drain { context, chat: Chat::default(), turns: Turns::default(), commands, dead_letters });
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut tasks = JoinSet::new();
    let mut failures = 0;
    while !stop.is_cancelled() {
        while let Some(ended) = tasks.try_join_next() {
            let outage: bool = ended.map_err(DrainError::Task)?;
            if outage {
                drain.wait_for_cluster(&stop).await;
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
                pause(delay_after(failures), &stop).await;
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
    async fn receive(&self, slots: &Arc<Semaphore>) -> Result<Vec<Message>, QueueError> {
        // Waits for one free hand, and gives it back at once: the messages' own tasks take them.
        drop(slots.acquire().await);
        let free = u8::try_from(slots.available_permits().clamp(1, 10)).unwrap_or(10);
        self.commands.receive(free, LONG_POLL, VISIBILITY).await
    }

    /// Works on one message until it is settled. Says whether the API server could not be reached.
    async fn handle(&self, message: Message) -> bool {
        let envelope = match message.decode::<Command>() {
            Ok(envelope) => envelope,
            Err(error) => {
                self.context.metrics.command("unreadable", "dead_lettered");
                self.dead_letter(&message, &error_chain(&error)).await;
                return false;
            }
        };
        let intention = envelope.body.intention.as_str();
        let (outcome, outage) = match self.keep_hidden(&message, Box::pin(self.carry_out(&envelope))).await {
            Ok(None) => {
                self.delete(&message).await;
                ("done", false)
            }
            Ok(Some(refusal)) => {
                self.dead_letter(&message, &refusal).await;
                ("dead_lettered", false)
            }
            Err(error) => {
                if let Some(refusal) = error.refusal() {
                    self.dead_letter(&message, &refusal).await;
                    ("dead_lettered", false)
                } else {
                    self.put_back(&message, &envelope, &error).await;
                    ("put_back", error.is_cluster_outage())
                }
            }
        };
        self.context.metrics.command(intention, outcome);
        outage
    }

    /// Does the work on a message, and keeps the message hidden from others meanwhile.
    async fn keep_hidden<T>(&self, message: &Message, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        for _ in 0..MAX_RENEWALS {
            if let Ok(done) = tokio::time::timeout(RENEWAL, &mut work).await {
                return done;
            }
            if let Err(error) = self.commands.extend(&message.receipt, VISIBILITY).await {
                self.context.metrics.reconcile_failure("drain", error.category().as_str());
                tracing::warn!(
                    message.id = message.id,
                    error = error_chain(&error),
                    "failed to keep a command hidden: it may come twice, which changes nothing"
                );
            }
        }
        work.await
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

    /// Deletes a settled message. If that fails it comes again, and changes nothing.
    async fn delete(&self, message: &Message) {
        if let Err(error) = self.commands.delete(&message.receipt).await {
            self.context.metrics.reconcile_failure("drain", error.category().as_str());
            tracing::warn!(
                message.id = message.id,
                error = error_chain(&error),
                "failed to delete a settled command"
            );
        }
    }

    /// Moves a message to the dead-letter queue, with the reason. If that fails it comes again, and is moved then.
    async fn dead_letter(&self, message: &Message, reason: &str) {
        tracing::warn!(
            message.id = message.id,
            reason,
            "moving a command to the dead-letter queue: {reason}"
        );
        match self.dead_letters.send_refused(&message.body, reason).await {
            Ok(()) => self.delete(message).await,
            Err(error) => {
                self.context.metrics.reconcile_failure("drain", error.category().as_str());
                tracing::error!(
                    message.id = message.id,
                    error = error_chain(&error),
                    "failed to move a command to the dead-letter queue"
                );
            }
        }
    }

    /// Hides a message until its host or the cluster may be well again.
    async fn put_back(&self, message: &Message, envelope: &Envelope<Command>, error: &CommandError) {
        self.context.metrics.reconcile_failure("drain", error.category());
        let delay = error.retry_after().unwrap_or_else(|| delay_after(message.receive_count)).min(MAX_DELAY);
        if let Err(unhidden) = self.commands.extend(&message.receipt, delay).await {
            self.context.metrics.reconcile_failure("drain", unhidden.category().as_str());
            tracing::warn!(
                message.id = message.id,
                error = error_chain(&unhidden),
                "failed to put a command back: it comes again when its time is over"
            );
        }
        tracing::warn!(
            delivery.id = %envelope.delivery,
            repo = %envelope.body.repository,
            error = error_chain(error),
            delay_s = delay.as_secs(),
            "failed to carry out {}: tried again in {} s",
            envelope.body.intention.as_str(),
            delay.as_secs(),
        );
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
