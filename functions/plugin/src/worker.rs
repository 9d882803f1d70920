//! One plugin at work.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use tidegate_model::{Command, Envelope, Event};
use tidegate_queue::{Queue, decode};
use tidegate_telemetry::{chain, field};

use crate::batch::{Failed, NoMessageId, each};

/// A plugin's pure function, and the queue that its commands go to.
#[derive(Debug)]
pub struct Worker {
    plugin: &'static str,
    commands: fn(&Event) -> Vec<Command>,
    queue: Queue,
}

impl Worker {
    /// The plugin of this name.
    pub fn new(plugin: &'static str, commands: fn(&Event) -> Vec<Command>, queue: Queue) -> Self {
        Self { plugin, commands, queue }
    }

    /// Works a batch off. The response names the messages that must come again: those that can't be decoded end in the
    /// dead-letter queue that way, by their receive count.
    pub async fn work(&self, messages: &[SqsMessage]) -> Result<SqsBatchResponse, NoMessageId> {
        each(messages, async |id, message| self.work_one(id, message).await).await
    }

    async fn work_one(&self, id: &str, message: &SqsMessage) -> Result<(), Failed> {
        let body = message.body.as_deref().unwrap_or_default();
        let envelope: Envelope<Event> = decode(body).map_err(|error| {
            tracing::error!(
                { field::PLUGIN } = self.plugin,
                { field::MESSAGE } = id,
                { field::ERROR } = %chain(&error),
                "event refused"
            );
            Failed
        })?;
        let commands: Vec<_> =
            (self.commands)(&envelope.body).into_iter().map(|command| envelope.with_body(command)).collect();
        let sent = self.queue.send_batch(&commands).await;
        let error = sent.as_ref().err().map(|error| chain(error).to_string());
        let intentions: Vec<_> = commands.iter().map(|command| command.body.intention.as_str()).collect();
        tracing::info!(
            { field::PLUGIN } = self.plugin,
            { field::MESSAGE } = id,
            { field::DELIVERY } = %envelope.delivery,
            { field::REPO } = %envelope.body.repository(),
            { field::EVENT } = envelope.body.kind().as_str(),
            { field::TRACE } = envelope.traceparent.as_ref().map(tidegate_model::TraceParent::trace_id),
            { field::COMMAND } = intentions.join(","),
            { field::OUTCOME } = if error.is_none() { "sent" } else { "failed" },
            { field::ERROR } = error,
            "event handled"
        );
        sent.map_err(|_| Failed)
    }
}

#[cfg(test)]
mod tests;
