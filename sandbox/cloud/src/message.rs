//! A message as somebody sees it who only looks.

use std::collections::BTreeMap;

use rustack_sqs_model::types::Message;

/// A message that is in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// Its text.
    pub body: String,
    /// Its attributes of type String.
    pub attributes: BTreeMap<String, String>,
}

impl From<Message> for QueuedMessage {
    fn from(message: Message) -> Self {
        let attributes = message.message_attributes.into_iter();
        let attributes = attributes.filter_map(|(name, value)| Some((name, value.string_value?)));
        Self { body: message.body.unwrap_or_default(), attributes: attributes.collect() }
    }
}
