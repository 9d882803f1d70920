//! The messages of a queue while they are looked at. SQS can't be looked into: who reads a message receives it, and hides
//! it from others for a while; here it is given back.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use tidegate_queue::{Message, Queue, Receipt};

/// For how long a message that we hold is hidden from others; if we die, it is back after this time.
const HIDDEN: Duration = Duration::from_mins(2);
/// How long a read waits for messages. SQS asks all its servers only when it may wait.
const WAIT: Duration = Duration::from_secs(1);
/// How many messages SQS gives at once.
const BATCH: u8 = 10;

/// Messages that are ours for now.
pub(super) struct Held {
    queue: Queue,
    messages: Vec<Message>,
    /// Whether there may be more than were asked for.
    pub(super) more: bool,
}

impl Held {
    /// Receives all that is there, but at most so many.
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
                // Received twice, because the first time is long ago: the newer receipt is the one that counts.
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

    /// Makes what is left visible again.
    pub(super) async fn give_back(self) {
        for message in &self.messages {
            if let Err(error) = self.queue.extend(&message.receipt, Duration::ZERO).await {
                crate::complain(&format!(
                    "message {} can't be given back, and is hidden for {} s: {error}",
                    message.id,
                    HIDDEN.as_secs()
                ));
            }
        }
    }
}
