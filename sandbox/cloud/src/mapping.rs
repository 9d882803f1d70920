//! An event source mapping: receives batches, invokes the function, deletes what it has done.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::{collections::HashSet, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustack_sqs_model::types::{Message, MessageAttributeValue};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{REGION, function::Function, spec::MappingSpec, sqs::Sqs};

/// Works batch after batch off until it is cancelled. What fails stays invisible until its visibility timeout ends.
pub(crate) async fn run(
    mapping: MappingSpec,
    function: Arc<Function>,
    sqs: Arc<Sqs>,
    cancel: CancellationToken,
) -> anyhow::Result<()> {
    let one_batch = || async {
        let messages = sqs.receive(&mapping.queue, mapping.batch_size).await?;
        if messages.is_empty() {
            return Ok(());
        }
        let failed = match function.invoke(&event(&mapping.queue, &messages)).await {
            Ok(response) => failures(&response, &messages),
            Err(error) => {
                tracing::warn!(function = mapping.function, %error, "invocation failed");
                None
            }
        };
        let Some(failed) = failed else { return Ok(()) };
        for message in messages {
            if !message.message_id.as_ref().is_some_and(|id| failed.contains(id)) {
                sqs.delete(&mapping.queue, &message).await?;
            }
        }
        anyhow::Ok(())
    };
    while let Some(done) = cancel.run_until_cancelled(one_batch()).await {
        done?;
    }
    Ok(())
}

fn event(queue: &str, messages: &[Message]) -> Value {
    let attribute = |(name, value): (&String, &MessageAttributeValue)| {
        let binary = value.binary_value.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes));
        let value = json!({
            "dataType": value.data_type,
            "stringValue": value.string_value,
            "binaryValue": binary,
            "stringListValues": [],
            "binaryListValues": [],
        });
        (name.clone(), value)
    };
    let record = |message: &Message| {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "md5OfBody": message.md5_of_body,
            "attributes": message.attributes,
            "messageAttributes": message.message_attributes.iter().map(attribute).collect::<Map<_, _>>(),
            "eventSource": "aws:sqs",
            "eventSourceARN": Sqs::arn(queue),
            "awsRegion": REGION,
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// The ids of the messages that failed; `None` when all of them count as failed, as they do on AWS when the response
/// is no JSON or an id in it is empty, null, misspelt or not of this batch.
fn failures(response: &[u8], batch: &[Message]) -> Option<HashSet<String>> {
    let response: Value = serde_json::from_slice(response).ok()?;
    let Some(failures) = response.get("batchItemFailures").and_then(Value::as_array) else {
        return Some(HashSet::new());
    };
    let in_batch = |id: &&str| batch.iter().any(|m| m.message_id.as_deref() == Some(*id));
    failures
        .iter()
        .map(|failure| {
            let id = failure.get("itemIdentifier")?.as_str().filter(in_batch)?;
            Some(id.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_that_cannot_be_trusted_fails_the_whole_batch() {
        let message = |id: &str| Message { message_id: Some(id.to_owned()), ..Message::default() };
        let batch = [message("a"), message("b")];
        let failed = |response: &str| {
            failures(response.as_bytes(), &batch).map(|ids| ids.into_iter().collect::<Vec<_>>())
        };
        for complete in ["null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(failed(complete), Some(vec![]), "{complete}");
        }
        let one = r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#;
        assert_eq!(failed(one), Some(vec!["b".to_owned()]));
        for untrusted in [
            "",
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemId":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#,
        ] {
            assert_eq!(failed(untrusted), None, "{untrusted}");
        }
    }
}
