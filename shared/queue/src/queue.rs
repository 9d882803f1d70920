//! One queue.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};
use tidegate_aws::{ATTEMPT, timeouts};
use tidegate_model::Envelope;

use crate::{
    Category, Client, Message, Operation, Payload, QueueError, Receipt, group_id, message::REASON,
    payload::MAX_BYTES,
};

/// How many messages SQS takes or gives at once.
const MAX_BATCH: usize = 10;

/// A queue that carries envelopes.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue with this URL, called as [`tidegate_aws::load`] says.
    pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
        Self::with_client(Client::new(config), url)
    }

    /// The queue with this URL, called by a client that others share.
    pub fn with_client(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// The queue's name: the last segment of its URL.
    pub fn name(&self) -> &str {
        self.url.rsplit_once('/').map_or(&*self.url, |(_, name)| name)
    }

    /// Sends any number of envelopes in as few requests as SQS allows. When this returns, SQS has stored them all. After an error
    /// some of them may have been stored.
    pub async fn send_batch<'a, T: Payload + 'a>(
        &self,
        envelopes: impl IntoIterator<Item = &'a Envelope<T>>,
    ) -> Result<(), QueueError> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        for envelope in envelopes {
            let text = self.text(envelope)?;
            if batch.len() == MAX_BATCH || bytes + text.len() > MAX_BYTES {
                self.send_entries(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += text.len();
            batch.push(
                SendMessageBatchRequestEntry::builder()
                    .id(batch.len().to_string())
                    .message_body(text)
                    .message_group_id(group_id(envelope.host, envelope.body.repository()))
                    .build()
                    .expect("id and body are set"),
            );
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.send_entries(batch).await
    }

    async fn send_entries(&self, entries: Vec<SendMessageBatchRequestEntry>) -> Result<(), QueueError> {
        let total = entries.len();
        let answer = self
            .client
            .sdk()
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Send, self.name(), e))?;
        self.all_accepted(Operation::Send, total, &answer.failed)
    }

    /// Sends the unchanged text of a message that can't be used, and why, as the attribute `reason`: what a
    /// dead-letter queue gets from us.
    pub async fn send_refused(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        let reason = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(reason.replace(char::is_control, " "))
            .build()
            .expect("the data type is set");
        self.client
            .sdk()
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .message_attributes(REASON, reason)
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Send, self.name(), e))?;
        Ok(())
    }

    /// Sends the unchanged text of a message again, in the group of the repository it concerns.
    pub async fn resend(&self, body: &str, group: Option<&str>) -> Result<(), QueueError> {
        self.client
            .sdk()
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .set_message_group_id(group.map(str::to_owned))
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Send, self.name(), e))?;
        Ok(())
    }

    /// Receives at most `max` messages (1 to 10), waiting up to `wait` (whole seconds, at most 20) for the first one.
    /// Each stays invisible to others for `visibility` (whole seconds, at most 12 hours).
    pub async fn receive(
        &self,
        max: u8,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Message>, QueueError> {
        let limit = wait + ATTEMPT;
        let answer = self
            .client
            .sdk()
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(max.into())
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(visibility))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names(REASON)
            .customize()
            .config_override(
                aws_sdk_sqs::config::Builder::new().timeout_config(timeouts(limit, limit + ATTEMPT)),
            )
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Receive, self.name(), e))?;
        answer
            .messages
            .unwrap_or_default()
            .into_iter()
            .map(|message| {
                Message::from_sqs(message)
                    .map_err(|field| QueueError::Incomplete { queue: self.name().to_owned(), field })
            })
            .collect()
    }

    /// Deletes a received message: its work is done.
    pub async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        self.client
            .sdk()
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(&receipt.0)
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Delete, self.name(), e))?;
        Ok(())
    }

    /// Deletes received messages, ten in a request. Those after a request that failed are not tried.
    pub async fn delete_batch(&self, receipts: &[Receipt]) -> Result<(), QueueError> {
        for receipts in receipts.chunks(MAX_BATCH) {
            let entries = receipts.iter().enumerate().map(|(id, receipt)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(id.to_string())
                    .receipt_handle(&receipt.0)
                    .build()
                    .expect("id and receipt are set")
            });
            let answer = self
                .client
                .sdk()
                .delete_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.collect()))
                .send()
                .await
                .map_err(|e| QueueError::request(Operation::Delete, self.name(), e))?;
            self.all_accepted(Operation::Delete, receipts.len(), &answer.failed)?;
        }
        Ok(())
    }

    /// Keeps a received message invisible for `visibility` (whole seconds) from now; zero gives it back at once.
    pub async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), QueueError> {
        self.client
            .sdk()
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&receipt.0)
            .visibility_timeout(seconds(visibility))
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Extend, self.name(), e))?;
        Ok(())
    }

    /// About how many messages wait to be received. Those in flight or delayed don't count.
    pub async fn approximate_depth(&self) -> Result<u64, QueueError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let answer = self
            .client
            .sdk()
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(name.clone())
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Depth, self.name(), e))?;
        answer.attributes.and_then(|attributes| attributes.get(&name)?.parse().ok()).ok_or(
            QueueError::Incomplete { queue: self.name().to_owned(), field: "ApproximateNumberOfMessages" },
        )
    }

    /// The name of the queue that SQS moves messages to which were received too often; `None` without one.
    pub async fn dead_letter_queue(&self) -> Result<Option<String>, QueueError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct RedrivePolicy {
            dead_letter_target_arn: String,
        }
        let name = QueueAttributeName::RedrivePolicy;
        let answer = self
            .client
            .sdk()
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(name.clone())
            .send()
            .await
            .map_err(|e| QueueError::request(Operation::Redrive, self.name(), e))?;
        let Some(policy) = answer.attributes.and_then(|mut attributes| attributes.remove(&name)) else {
            return Ok(None);
        };
        let policy: RedrivePolicy = serde_json::from_str(&policy)
            .map_err(|_| QueueError::Incomplete { queue: self.name().to_owned(), field: "RedrivePolicy" })?;
        Ok(policy.dead_letter_target_arn.rsplit(':').next().map(str::to_owned))
    }

    fn text<T: Payload>(&self, envelope: &Envelope<T>) -> Result<String, QueueError> {
        let queue = || self.name().to_owned();
        let text = serde_json::to_string(envelope)
            .map_err(|source| QueueError::Serialize { queue: queue(), source })?;
        if text.len() > MAX_BYTES {
            return Err(QueueError::TooLarge { queue: queue(), bytes: text.len() });
        }
        Ok(text)
    }

    fn all_accepted(
        &self,
        operation: Operation,
        total: usize,
        failed: &[BatchResultErrorEntry],
    ) -> Result<(), QueueError> {
        let Some(first) = failed.first() else {
            return Ok(());
        };
        Err(QueueError::Partial {
            operation,
            queue: self.name().to_owned(),
            failed: failed.len(),
            total,
            code: first.code.clone(),
            category: if failed.iter().all(|entry| entry.sender_fault) {
                Category::Refused
            } else {
                Category::Unavailable
            },
        })
    }
}

/// Whole seconds, as SQS counts them.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
