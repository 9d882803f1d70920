//! The messages of a queue while a command holds them. SQS can't show messages without receiving them, which hides them
//! for a while; this module returns them.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use tidegate_queue::{Message, Queue, Receipt};

use crate::console;

/// Visibility timeout of the messages that we hold; also the redelivery delay after a crash.
const HIDDEN: Duration = Duration::from_mins(2);
/// How long a read waits for messages. SQS queries all its servers only with long polling.
const WAIT: Duration = Duration::from_secs(1);
/// How many messages SQS returns at once.
const BATCH: u8 = 10;

/// Messages that this command has received.
pub(super) struct Held {
    queue: Queue,
    messages: Vec<Message>,
    /// Whether there may be more than the requested number.
    pub(super) more: bool,
}

impl Held {
    /// Receives all messages, up to a maximum.
    pub(super) async fn receive(queue: Queue, max: usize) -> Result<Self> {
        let mut messages = BTreeMap::new();
        let mut held = Self { queue, messages: Vec::new(), more: false };
        let result = loop {
            if messages.len() >= max {
                held.more = true;
                break Ok(());
            }
            let room = max - messages.len();
            let batch = u8::try_from(room).unwrap_or(BATCH).min(BATCH);
            match held.queue.receive(batch, WAIT, HIDDEN).await {
                Ok(received) if received.is_empty() => break Ok(()),
                // Received twice, because the visibility timeout has passed: only the newer receipt is valid.
                Ok(received) => {
                    messages.extend(received.into_iter().map(|message| (message.id.clone(), message)));
                }
                Err(error) => break Err(error),
            }
        };
        held.messages = messages.into_values().collect();
        held.messages.sort_by_key(|message| message.sent_at);
        if let Err(error) = result {
            held.give_back().await;
            return Err(error.into());
        }
        Ok(held)
    }

    /// The messages, oldest first.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Deletes a message for good.
    pub(super) async fn delete(&mut self, receipt: &Receipt) -> Result<()> {
        self.queue.delete(receipt).await?;
        self.messages.retain(|message| &message.receipt != receipt);
        Ok(())
    }

    /// Makes the remaining messages visible again.
    pub(super) async fn give_back(self) {
        for message in &self.messages {
            if let Err(error) = self.queue.extend(&message.receipt, Duration::ZERO).await {
                console::eprint_line(&format!(
                    "failed to return message {}, it stays hidden for {} s: {error}",
                    message.id,
                    HIDDEN.as_secs()
                ));
            }
        }
    }
}
