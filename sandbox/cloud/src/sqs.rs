//! SQS, in process. The service itself comes from the `rustack` crates.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Collected, Full};
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::{dispatch::SqsHandler, response::error_to_response, router::resolve_operation};
use rustack_sqs_model::{
    error::SqsError,
    input::{
        ChangeMessageVisibilityInput, CreateQueueInput, DeleteMessageInput, GetQueueAttributesInput,
        ReceiveMessageInput,
    },
    types::Message,
};
use serde_json::{Value, json};
use tidegate_sandbox_gate::{Gates, Moment};

use crate::{
    ACCOUNT, REGION,
    message::QueuedMessage,
    server::{self, Answer},
    spec::QueueSpec,
};

/// The longest that SQS lets a receiver wait.
const LONG_POLL: Duration = Duration::from_secs(20);

pub(crate) struct Sqs {
    provider: Arc<RustackSqs>,
    handler: RustackSqsHandler,
    address: SocketAddr,
    /// Requests of the SDK that are held: an operation and a queue.
    pub(crate) gates: Gates<(String, String)>,
    /// Operations that are refused, each on a queue.
    refused: Mutex<BTreeSet<(String, String)>>,
    /// What was received last of each queue: queue, receipt.
    receipts: Mutex<Vec<(String, String)>>,
    /// How much older the messages of a queue look than they are.
    ages: Mutex<HashMap<String, Duration>>,
}

impl Sqs {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let provider = Arc::new(RustackSqs::new(SqsConfig {
            skip_signature_validation: true,
            default_region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            host: address.ip().to_string(),
            port: address.port(),
        }));
        Self {
            handler: RustackSqsHandler::new(Arc::clone(&provider)),
            provider,
            address,
            gates: Gates::default(),
            refused: Mutex::default(),
            receipts: Mutex::default(),
            ages: Mutex::default(),
        }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{ACCOUNT}/{name}", self.address)
    }

    pub(crate) fn arn(name: &str) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
    }

    pub(crate) async fn create(&self, queue: &QueueSpec) -> anyhow::Result<()> {
        let mut attributes =
            HashMap::from([("VisibilityTimeout".to_owned(), queue.visibility.as_secs().to_string())]);
        if let Some(dead_letter) = &queue.dead_letter {
            let policy = json!({
                "deadLetterTargetArn": Self::arn(dead_letter),
                "maxReceiveCount": queue.max_receive_count,
            });
            attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
        }
        let input =
            CreateQueueInput { queue_name: queue.name.clone(), attributes, ..CreateQueueInput::default() };
        let created = self.provider.create_queue(input).await;
        created.map_err(|e| failed("create", &queue.name, &e))?;
        Ok(())
    }

    /// Answers a request of the SDK, after what was ordered for it.
    pub(crate) async fn handle(&self, headers: &HeaderMap, body: Bytes) -> Answer {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        let url = request["QueueUrl"].as_str().unwrap_or_default();
        let queue = url.rsplit('/').next().unwrap_or_default().to_owned();
        let what = (operation, queue);
        self.gates.pass(&what, Moment::Before).await;
        if self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&what) {
            let body =
                json!({"__type": "com.amazonaws.sqs#ServiceUnavailable", "message": "as the test ordered"});
            return server::json(StatusCode::SERVICE_UNAVAILABLE, &body);
        }
        let (parts, body) = self.answer(headers, body).await;
        let received: Value = serde_json::from_slice(&body).unwrap_or_default();
        let body = self.aged(&what.1, &received, body);
        let receipts = received["Messages"].as_array().into_iter().flatten();
        let receipts: Vec<_> = receipts.filter_map(|message| message["ReceiptHandle"].as_str()).collect();
        self.remember(&what.1, receipts.iter().copied());
        // A receive without messages isn't held.
        if what.0 != "ReceiveMessage" || !receipts.is_empty() {
            self.gates.pass(&what, Moment::After).await;
        }
        Answer::from_parts(parts, Full::new(body))
    }

    fn remember<'a>(&self, queue: &str, receipts: impl Iterator<Item = &'a str>) {
        let mut known = self.receipts.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(receipts.map(|receipt| (queue.to_owned(), receipt.to_owned())));
    }

    /// Lets the messages of a queue look older than they are.
    pub(crate) fn set_age(&self, queue: &str, age: Duration) {
        self.ages.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.to_owned(), age);
    }

    /// An answer whose messages were sent earlier. A time keeps its number of digits, and the answer its length.
    fn aged(&self, queue: &str, received: &Value, body: Bytes) -> Bytes {
        let Some(age) = self.ages.lock().unwrap_or_else(PoisonError::into_inner).get(queue).copied() else {
            return body;
        };
        let mut text = String::from_utf8_lossy(&body).into_owned();
        for message in received["Messages"].as_array().into_iter().flatten() {
            let sent = message["Attributes"]["SentTimestamp"].as_str().unwrap_or_default();
            if let Ok(sent_ms) = sent.parse::<u128>() {
                let earlier = sent_ms.saturating_sub(age.as_millis()).to_string();
                text = text.replace(
                    &format!("\"SentTimestamp\":\"{sent}\""),
                    &format!("\"SentTimestamp\":\"{earlier}\""),
                );
            }
        }
        text.into()
    }

    /// Refuses an operation on a queue, like `SendMessage`, or does so no more.
    pub(crate) fn refuse(&self, operation: &str, queue: &str, refused: bool) {
        let what = (operation.to_owned(), queue.to_owned());
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused {
            all.insert(what);
        } else {
            all.remove(&what);
        }
    }

    /// Makes what was received of a queue, and is still there, visible, as when its visibility timeout is over.
    pub(crate) async fn expire_visibility(&self, queue: &str) {
        let of_queue = {
            let mut receipts = self.receipts.lock().unwrap_or_else(PoisonError::into_inner);
            let all = std::mem::take(&mut *receipts);
            let (of_queue, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| name == queue);
            *receipts = others;
            of_queue
        };
        for (_, receipt_handle) in of_queue {
            let input = ChangeMessageVisibilityInput {
                queue_url: self.url(queue),
                receipt_handle,
                visibility_timeout: 0,
            };
            // Refused for those that are deleted by now, and for receipts that newer ones have replaced.
            let _ = self.provider.change_message_visibility(input).await;
        }
    }

    async fn answer(&self, headers: &HeaderMap, body: Bytes) -> (http::response::Parts, Bytes) {
        let answer = match resolve_operation(headers) {
            Ok(operation) => self.handler.handle_operation(operation, without_group(body)).await,
            Err(error) => Err(error),
        };
        let (parts, body) = answer.unwrap_or_else(|error| error_to_response(&error, "sandbox")).into_parts();
        // The body is in memory already, so reading it can't fail.
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        (parts, body)
    }

    /// Waits for messages as long as SQS allows; they stay invisible for the queue's visibility timeout.
    pub(crate) async fn receive(&self, name: &str, max: u8) -> anyhow::Result<Vec<Message>> {
        let wait = i32::try_from(LONG_POLL.as_secs())?;
        self.receive_with(name, max.into(), wait, None).await
    }

    async fn receive_with(
        &self,
        name: &str,
        max: i32,
        wait: i32,
        visibility: Option<i32>,
    ) -> anyhow::Result<Vec<Message>> {
        let input = ReceiveMessageInput {
            queue_url: self.url(name),
            max_number_of_messages: Some(max),
            visibility_timeout: visibility,
            wait_time_seconds: Some(wait),
            message_system_attribute_names: vec!["All".to_owned()],
            message_attribute_names: vec!["All".to_owned()],
            ..ReceiveMessageInput::default()
        };
        let received = self.provider.receive_message(input).await;
        let messages = received.map_err(|e| failed("receive from", name, &e))?.messages;
        self.remember(name, messages.iter().filter_map(|message| message.receipt_handle.as_deref()));
        Ok(messages)
    }

    pub(crate) async fn delete(&self, name: &str, message: &Message) -> anyhow::Result<()> {
        let input = DeleteMessageInput {
            queue_url: self.url(name),
            receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
        };
        let deleted = self.provider.delete_message(input).await;
        deleted.map_err(|e| failed("delete from", name, &e))?;
        Ok(())
    }

    /// The visible messages, which stay where they are; looking counts as receiving them once.
    pub(crate) async fn peek(&self, name: &str) -> anyhow::Result<Vec<QueuedMessage>> {
        let mut messages = Vec::new();
        loop {
            let more = self.receive_with(name, 10, 0, Some(30)).await?;
            if more.is_empty() {
                break;
            }
            messages.extend(more);
        }
        for message in &messages {
            let input = ChangeMessageVisibilityInput {
                queue_url: self.url(name),
                receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
                visibility_timeout: 0,
            };
            let released = self.provider.change_message_visibility(input).await;
            released.map_err(|e| failed("release a message of", name, &e))?;
        }
        Ok(messages.into_iter().map(QueuedMessage::from).collect())
    }

    /// How many messages there are: visible, in flight and delayed.
    pub(crate) async fn depth(&self, name: &str) -> anyhow::Result<usize> {
        let input =
            GetQueueAttributesInput { queue_url: self.url(name), attribute_names: vec!["All".to_owned()] };
        let output = self.provider.get_queue_attributes(input).await;
        let attributes = output.map_err(|e| failed("read the depth of", name, &e))?.attributes;
        ["", "NotVisible", "Delayed"]
            .iter()
            .map(|kind| {
                let attribute = format!("ApproximateNumberOfMessages{kind}");
                let count = attributes.get(&attribute).with_context(|| format!("no {attribute}"))?;
                Ok(count.parse::<usize>()?)
            })
            .sum()
    }

    pub(crate) async fn stop(&self) {
        self.provider.shutdown_all().await;
    }
}

fn failed(what: &str, queue: &str, error: &SqsError) -> anyhow::Error {
    anyhow!("failed to {what} queue {queue}: {error}")
}

/// The request without `MessageGroupId`, which `rustack` refuses on standard queues. AWS accepts it there since July
/// 2025 and only uses it to be fair between groups.
fn without_group(body: Bytes) -> Bytes {
    let Ok(Value::Object(mut request)) = serde_json::from_slice(&body) else {
        return body;
    };
    request.remove("MessageGroupId");
    if let Some(Value::Array(entries)) = request.get_mut("Entries") {
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.remove("MessageGroupId");
        }
    }
    Value::Object(request).to_string().into()
}
