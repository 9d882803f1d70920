//! One queue of commands: who may put what in it, and how its messages are received and settled.

use std::time::Duration;

use tidegate_model::{Command, Envelope, Intention};
use tidegate_queue::{Message, Queue, QueueError};
use tidegate_telemetry::field;

use crate::{error_chain, metrics::Metrics, settings::PluginQueue};

/// How long a received command is hidden from others; so long it waits when this process dies.
const VISIBILITY: Duration = Duration::from_secs(20);
/// How often a command that is worked on is hidden anew, and how many times: longer than all its calls may take.
const RENEWAL: Duration = Duration::from_secs(8);
const MAX_RENEWALS: usize = 40;
/// How long one receive waits for messages: the longest that SQS allows.
const LONG_POLL: Duration = Duration::from_secs(20);

/// A queue of commands and its dead-letter queue.
#[derive(Clone)]
pub struct Inlet {
    commands: Queue,
    dead_letters: Queue,
    /// The plugin of others whose queue it is, and what it declared; our own plugins may ask for everything.
    declared: Option<PluginQueue>,
    metrics: Metrics,
}

impl Inlet {
    /// The queue that our own plugins share.
    pub fn shared(commands: Queue, dead_letters: Queue, metrics: Metrics) -> Self {
        Self { commands, dead_letters, declared: None, metrics }
    }

    /// The queue of a plugin of others.
    pub fn of_plugin(plugin: PluginQueue, commands: Queue, dead_letters: Queue, metrics: Metrics) -> Self {
        Self { commands, dead_letters, declared: Some(plugin), metrics }
    }

    /// Whether it is the queue of a third-party plugin.
    pub fn is_of_plugin(&self) -> bool {
        self.declared.is_some()
    }

    /// Why an intention is none for this queue.
    pub fn refusal(&self, intention: &Intention) -> Option<String> {
        self.declared.as_ref()?.refusal(intention.kind())
    }

    /// Waits until there are messages, or the poll is over. At most so many are received.
    pub async fn receive(&self, most: u8) -> Result<Vec<Message>, QueueError> {
        self.commands.receive(most, LONG_POLL, VISIBILITY).await
    }

    /// Does the work on a message, and keeps the message hidden from others meanwhile.
    pub async fn keep_hidden<T>(&self, message: &Message, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        for _ in 0..MAX_RENEWALS {
            if let Ok(done) = tokio::time::timeout(RENEWAL, &mut work).await {
                return done;
            }
            let kept = self.commands.extend(&message.receipt, VISIBILITY).await;
            self.note(kept, "failed to keep a command hidden: it may come twice, which changes nothing");
        }
        work.await
    }

    /// Deletes a settled message. If that fails it comes again, and changes nothing.
    pub async fn delete(&self, message: &Message) {
        let deleted = self.commands.delete(&message.receipt).await;
        self.note(deleted, "failed to delete a settled command");
    }

    /// Moves a message to the dead-letter queue, with the reason, and says whether that worked. If not, the message comes again.
    pub async fn dead_letter(&self, message: &Message, reason: &str) -> bool {
        tracing::warn!(
            { field::QUEUE } = self.commands.name(),
            { field::REASON } = reason,
            "moving a command to the dead-letter queue: {reason}"
        );
        match self.dead_letters.send_refused(&message.body, reason).await {
            Ok(()) => {
                self.delete(message).await;
                true
            }
            Err(error) => {
                self.metrics.reconcile_failure("drain", error.category().as_str());
                tracing::error!(
                    { field::QUEUE } = self.dead_letters.name(),
                    { field::ERROR } = error_chain(&error),
                    "failed to move a command to the dead-letter queue"
                );
                false
            }
        }
    }

    /// Hides a message for so long; it counts as no failure.
    pub async fn hide(&self, message: &Message, delay: Duration) {
        let hidden = self.commands.extend(&message.receipt, delay).await;
        self.note(hidden, "failed to give a command back: it comes again when its time is over");
    }

    /// Hides a message until its next try.
    pub async fn put_back(
        &self,
        message: &Message,
        envelope: &Envelope<Command>,
        error: &str,
        delay: Duration,
    ) {
        let hidden = self.commands.extend(&message.receipt, delay).await;
        self.note(hidden, "failed to put a command back: it comes again when its time is over");
        tracing::warn!(
            { field::ERROR } = error,
            { field::DELAY_MS } = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "failed to carry out {}: tried again in {} s",
            envelope.body.intention.as_str(),
            delay.as_secs(),
        );
    }

    /// Counts and logs what SQS refused; a message that was not settled comes again by itself.
    fn note(&self, result: Result<(), QueueError>, failed: &str) {
        if let Err(error) = result {
            self.metrics.reconcile_failure("drain", error.category().as_str());
            tracing::warn!({ field::ERROR } = error_chain(&error), "{failed}");
        }
    }
}
