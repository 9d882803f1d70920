//! One queue of commands: who may put what in it, and how its messages are received and settled.

use std::time::Duration;

use tidegate_model::{Command, Envelope, Intention};
use tidegate_queue::{Message, Queue, QueueError};
use tidegate_telemetry::field;

use crate::{error_chain, metrics::Metrics, settings::PluginQueue};

/// The visibility timeout of a received command: also the delay of its redelivery after a crash.
const VISIBILITY: Duration = Duration::from_secs(20);
/// How often the visibility timeout of a command in work is extended, and how many times at most: longer than all its
/// calls may take.
const RENEWAL: Duration = Duration::from_secs(8);
const MAX_RENEWALS: usize = 40;
/// How long one receive waits for messages: the longest that SQS allows.
const LONG_POLL: Duration = Duration::from_secs(20);

/// A queue of commands and its dead-letter queue.
#[derive(Clone)]
pub struct CommandQueue {
    commands: Queue,
    dead_letters: Queue,
    /// The third-party plugin whose queue it is, and the intentions that it declared. `None`: our own plugins, which may
    /// send all.
    declared: Option<PluginQueue>,
    metrics: Metrics,
}

impl CommandQueue {
    /// The queue that our own plugins share.
    pub fn shared(commands: Queue, dead_letters: Queue, metrics: Metrics) -> Self {
        Self { commands, dead_letters, declared: None, metrics }
    }

    /// The queue of a third-party plugin.
    pub fn of_plugin(plugin: PluginQueue, commands: Queue, dead_letters: Queue, metrics: Metrics) -> Self {
        Self { commands, dead_letters, declared: Some(plugin), metrics }
    }

    /// Whether it is the queue of a third-party plugin.
    pub fn is_of_plugin(&self) -> bool {
        self.declared.is_some()
    }

    /// Why this queue may not carry an intention.
    pub fn refusal(&self, intention: &Intention) -> Option<String> {
        self.declared.as_ref()?.refusal(intention.kind())
    }

    /// Receives at most `most` messages. Waits until there is one, or the poll is over.
    pub async fn receive(&self, most: u8) -> Result<Vec<Message>, QueueError> {
        self.commands.receive(most, LONG_POLL, VISIBILITY).await
    }

    /// Does the work on a message, and extends its visibility timeout meanwhile.
    pub async fn keep_hidden<T>(&self, message: &Message, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        for _ in 0..MAX_RENEWALS {
            if let Ok(done) = tokio::time::timeout(RENEWAL, &mut work).await {
                return done;
            }
            let kept = self.commands.extend(&message.receipt, VISIBILITY).await;
            self.log_failure(kept, "failed to extend the visibility timeout of a command: it may be received twice, which is harmless");
        }
        work.await
    }

    /// Deletes a settled message. If that fails it is received again, which is harmless.
    pub async fn delete(&self, message: &Message) {
        let deleted = self.commands.delete(&message.receipt).await;
        self.log_failure(deleted, "failed to delete a settled command");
    }

    /// Moves a message to the dead-letter queue, with the reason. `false` if that failed: then the message is received again.
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

    /// Hides a message for `delay`; it doesn't count as a failure.
    pub async fn hide(&self, message: &Message, delay: Duration) {
        let hidden = self.commands.extend(&message.receipt, delay).await;
        self.log_failure(
            hidden,
            "failed to give a command back: it is received again after its visibility timeout",
        );
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
        self.log_failure(
            hidden,
            "failed to put a command back: it is received again after its visibility timeout",
        );
        tracing::warn!(
            { field::ERROR } = error,
            { field::DELAY_MS } = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "failed to carry out {}: tried again in {} s",
            envelope.body.intention.as_str(),
            delay.as_secs(),
        );
    }

    /// Counts and logs an error of SQS; SQS delivers a message that was not settled again.
    fn log_failure(&self, result: Result<(), QueueError>, failed: &str) {
        if let Err(error) = result {
            self.metrics.reconcile_failure("drain", error.category().as_str());
            tracing::warn!({ field::ERROR } = error_chain(&error), "{failed}");
        }
    }
}
