//! One plugin at work.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use tidegate_model::{Command, Envelope, Event, TraceParent};
use tidegate_queue::{Queue, decode};
use tidegate_telemetry::{chain, field};
use tracing::{
    Instrument as _, Span,
    field::{Empty, display},
};

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
        each(messages, async |id, message| {
            let span = tracing::info_span!(
                "message",
                { field::PLUGIN } = self.plugin,
                { field::MESSAGE } = id,
                { field::DELIVERY } = Empty,
                { field::REPO } = Empty,
                { field::EVENT } = Empty,
                { field::TRACE } = Empty,
            );
            self.work_one(message).instrument(span).await
        })
        .await
    }

    async fn work_one(&self, message: &SqsMessage) -> Result<(), Failed> {
        let body = message.body.as_deref().unwrap_or_default();
        let envelope: Envelope<Event> = decode(body).map_err(|error| {
            tracing::error!({ field::ERROR } = %chain(&error), "event refused");
            Failed
        })?;
        let span = Span::current();
        span.record(field::DELIVERY, display(&envelope.delivery));
        span.record(field::REPO, display(envelope.body.repository()));
        span.record(field::EVENT, envelope.body.kind().as_str());
        span.record(field::TRACE, envelope.traceparent.as_ref().map(TraceParent::trace_id));
        let commands: Vec<_> =
            (self.commands)(&envelope.body).into_iter().map(|command| envelope.with_body(command)).collect();
        let sent = self.queue.send_batch(&commands).await;
        let error = sent.as_ref().err().map(|error| chain(error).to_string());
        let intentions: Vec<_> = commands.iter().map(|command| command.body.intention.as_str()).collect();
        tracing::info!(
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
