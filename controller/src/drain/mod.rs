//! The drain loop: receives commands from the queues and carries them out.
//!
//! One message: decode → which configs it concerns (`concerned`) → what its event proves (`event_proof`) → for each config, under
//! the lock of its subject, `trigger` (pull requests, branches, tags) or `chat` (comments) → settle (`retry`, pure).
//!
//! A message is deleted last, so a crash anywhere repeats it, and a repetition changes nothing. While the API server is
//! unreachable, nothing is received. While a host is unreachable, only its commands wait. So an outage never fills the
//! dead-letter queue. A command that can't be carried out before SQS would delete it goes there, with its reason.

pub mod command_queue;
mod concerned;
mod event_proof;
mod fan_out;
mod give_up;
mod lane;
mod outcome;
mod renamed;
mod shares;
mod slots;
mod work;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rand::RngExt as _;
use tidegate_model::{Command, Envelope, TraceParent};
use tidegate_queue::{Message, QueueError};
use tidegate_telemetry::field;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{command_queue::CommandQueue, outcome::Outcome, renamed::Renames, slots::Slots};
use crate::{
    backoff::backoff,
    chat::Chat,
    context::Context,
    error_chain,
    retry::{self, Failure, MAX_DELAY, Next, Tries},
    runs::locks::Locks,
    trigger::error::WaitsFor,
};

/// The loop can't continue.
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
    locks: Arc<Locks>,
    renames: Arc<Renames>,
    tries: Tries,
    command_queue: CommandQueue,
}

/// Drains every queue until `stop` is cancelled; then finishes the commands in progress.
pub async fn run(
    context: Context,
    command_queues: Vec<CommandQueue>,
    locks: Arc<Locks>,
    stop: CancellationToken,
) -> Result<(), DrainError> {
    // The first command needs the list of configs.
    tokio::select! {
        () = context.configs.listed() => (),
        () = stop.cancelled() => return Ok(()),
    }
    let (chat, renames) = <(Arc<Chat>, Arc<Renames>)>::default();
    let drains = command_queues.into_iter().map(|command_queue| {
        let (context, chat, locks) = (context.clone(), Arc::clone(&chat), Arc::clone(&locks));
        let renames = Arc::clone(&renames);
        drain(
            Arc::new(Drain { context, chat, locks, renames, tries: Tries::default(), command_queue }),
            &stop,
        )
    });
    futures::future::try_join_all(drains).await.map(drop)
}

/// Drains one queue.
async fn drain(drain: Arc<Drain>, stop: &CancellationToken) -> Result<(), DrainError> {
    let slots = Arc::new(Slots::default());
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
                    let (drain, slots, stop) = (Arc::clone(&drain), Arc::clone(&slots), stop.clone());
                    let span = tracing::info_span!("message", { field::MESSAGE } = message.id);
                    let work = async move { drain.handle(message, &slots, &stop).await };
                    tasks.spawn(work.instrument(span));
                }
            }
            Err(error) => {
                failures += 1;
                drain.context.metrics.reconcile_failure("drain", error.category().as_str());
                tracing::warn!({ field::ERROR } = error_chain(&error), "failed to receive commands");
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
    /// Receives as many messages as there is room for, at most ten.
    async fn receive(&self, slots: &Slots) -> Result<Vec<Message>, QueueError> {
        self.command_queue.receive(slots.room().await).await
    }

    /// Works on one message until it is settled. Returns whether the API server was unreachable.
    async fn handle(&self, message: Message, slots: &Arc<Slots>, stop: &CancellationToken) -> bool {
        match message.decode::<Command>() {
            Ok(envelope) => {
                let span = tracing::info_span!(
                    "command",
                    { field::DELIVERY } = %envelope.delivery,
                    { field::REPO } = %envelope.body.repository,
                    { field::TRACE } = envelope.traceparent.as_ref().map(TraceParent::trace_id),
                    { field::COMMAND } = envelope.body.intention.as_str(),
                );
                self.work_on(message, envelope, slots, stop).instrument(span).await
            }
            Err(error) => {
                self.context.metrics.command("unreadable", "dead_lettered");
                self.command_queue.dead_letter(&message, &error_chain(&error)).await;
                false
            }
        }
    }

    async fn work_on(
        &self,
        message: Message,
        envelope: Envelope<Command>,
        slots: &Arc<Slots>,
        stop: &CancellationToken,
    ) -> bool {
        let intention = envelope.body.intention.as_str();
        if let Some(refusal) = self.command_queue.refusal(&envelope.body.intention) {
            self.context.metrics.command(intention, "dead_lettered");
            self.command_queue.dead_letter(&message, &refusal).await;
            return false;
        }
        // Its host, credential or pull request uses its share: commands of the others come first.
        let Some(mut slot) = slots.enter(self.lane(&envelope)) else {
            self.context.metrics.command(intention, "crowded_out");
            let delay = backoff(message.receive_count, MAX_DELAY, rand::rng().random_range(0.0..1.0));
            self.command_queue.hide(&message, delay).await;
            return false;
        };
        let work = async {
            tokio::select! {
                biased;
                () = slot.begun() => Some(self.carry_out(&envelope).await),
                () = stop.cancelled() => None,
            }
        };
        let Some(outcome) = self.command_queue.keep_hidden(&message, Box::pin(work)).await else {
            // It was not started: the next leader receives it at once.
            self.command_queue.hide(&message, Duration::ZERO).await;
            return false;
        };
        let is_outage = outcome.waits_for() == Some(WaitsFor::Cluster);
        let became = Box::pin(self.settle(&message, &envelope, outcome)).await;
        self.context.metrics.command(intention, became);
        is_outage
    }

    /// Deletes a message, hides it until the next try, or moves it to the dead-letter queue. Returns the result, for
    /// metrics.
    async fn settle(
        &self,
        message: &Message,
        envelope: &Envelope<Command>,
        outcome: Outcome,
    ) -> &'static str {
        let Some(waits_for) = outcome.waits_for() else {
            self.tries.settled(&message.id);
            if let Some(reason) = outcome.refusal() {
                self.command_queue.dead_letter(message, &reason).await;
                return "dead_lettered";
            }
            self.command_queue.delete(message).await;
            return "done";
        };
        let failure = Failure {
            waits_for,
            tries: self.tries.failed(&message.id, waits_for),
            receives: message.receive_count,
            age: SystemTime::now().duration_since(message.sent_at).unwrap_or_default(),
            retry_after: outcome.retry_after(),
        };
        let error = outcome.errors_text();
        let jitter = rand::rng().random_range(0.0..1.0);
        match retry::next(&failure, jitter) {
            Next::TryAgain(delay) => {
                self.context.metrics.reconcile_failure("drain", outcome.category());
                self.command_queue.put_back(message, envelope, &error, delay).await;
                "put_back"
            }
            Next::GiveUp(why) => {
                self.tries.settled(&message.id);
                self.context.metrics.reconcile_failure("drain", outcome.category());
                let reason = format!("{error} ({why})");
                if self.command_queue.dead_letter(message, &reason).await {
                    self.tell_author(envelope, &reason).await;
                }
                "dead_lettered"
            }
        }
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
                { field::ERROR } = error_chain(&error),
                "the API server is unreachable: receiving no commands"
            );
            pause(delay_after(failures).min(Duration::from_secs(10)), stop).await;
        }
    }
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
