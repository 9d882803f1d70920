//! A received message.

use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::{self, MessageSystemAttributeName};
use tidegate_model::Envelope;

use crate::{DecodeError, Payload};

/// The message attribute that says why a message was given up.
pub(crate) const REASON: &str = "reason";

/// A message that is ours until its visibility timeout ends.
#[derive(Debug, Clone)]
pub struct Message {
    /// The id that SQS gave it.
    pub id: String,
    /// What deletes or extends this reception of it.
    pub receipt: Receipt,
    /// The envelope's JSON text.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: SystemTime,
    /// Why it was given up, if we put it into a dead-letter queue; SQS itself leaves no reason.
    pub reason: Option<String>,
}

/// Proof of one reception of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(pub(crate) String);

impl Message {
    /// The envelope.
    pub fn decode<T: Payload>(&self) -> Result<Envelope<T>, DecodeError> {
        decode(&self.body)
    }

    /// `Err` names the field that is missing or can't be read.
    pub(crate) fn from_sqs(message: types::Message) -> Result<Self, &'static str> {
        let attribute = |name: &MessageSystemAttributeName| message.attributes.as_ref()?.get(name);
        let receive_count = attribute(&MessageSystemAttributeName::ApproximateReceiveCount)
            .and_then(|count| count.parse().ok())
            .ok_or("ApproximateReceiveCount")?;
        let sent_ms = attribute(&MessageSystemAttributeName::SentTimestamp)
            .and_then(|ms| ms.parse().ok())
            .ok_or("SentTimestamp")?;
        let reason = message.message_attributes.as_ref().and_then(|attributes| attributes.get(REASON));
        let reason = reason.and_then(|reason| reason.string_value.clone());
        Ok(Self {
            reason,
            id: message.message_id.ok_or("MessageId")?,
            receipt: Receipt(message.receipt_handle.ok_or("ReceiptHandle")?),
            body: message.body.ok_or("Body")?,
            receive_count,
            sent_at: SystemTime::UNIX_EPOCH + Duration::from_millis(sent_ms),
        })
    }
}

/// The envelope in a message's body.
pub fn decode<T: Payload>(body: &str) -> Result<Envelope<T>, DecodeError> {
    serde_json::from_str(body).map_err(|source| DecodeError { bytes: body.len(), source })
}
