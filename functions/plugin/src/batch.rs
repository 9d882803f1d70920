//! Partial batch responses.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting>

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use futures::future::join_all;

/// The message must come again; the reason was logged.
#[derive(Debug)]
pub(crate) struct Failed;

/// A message of the batch has no id, so that its failure could not be reported. The whole batch fails.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the batch: a message has no id")]
pub struct NoMessageId;

/// Works all messages of a batch off at the same time (there are at most ten), and names those that failed.
///
/// Whatever goes wrong outside of `work`'s own result must end the invocation with an error: then every message of the
/// batch comes again. A panic does so through the runtime.
pub(crate) async fn each<F>(messages: &[SqsMessage], work: F) -> Result<SqsBatchResponse, NoMessageId>
where
    F: AsyncFn(&str, &SqsMessage) -> Result<(), Failed>,
{
    let ids: Vec<&str> = messages
        .iter()
        .map(|message| message.message_id.as_deref().filter(|id| !id.is_empty()))
        .collect::<Option<_>>()
        .ok_or(NoMessageId)?;
    let results = join_all(ids.iter().zip(messages).map(|(id, message)| work(id, message))).await;
    let mut response = SqsBatchResponse::default();
    for (id, result) in ids.into_iter().zip(results) {
        if let Err(Failed) = result {
            let mut failure = BatchItemFailure::default();
            id.clone_into(&mut failure.item_identifier);
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(ids: &[Option<&str>]) -> Vec<SqsMessage> {
        let message = |id: Option<&str>| {
            let mut message = SqsMessage::default();
            message.message_id = id.map(str::to_owned);
            message
        };
        ids.iter().copied().map(message).collect()
    }

    #[tokio::test]
    async fn the_messages_that_failed_are_named() {
        let messages = messages(&[Some("a"), Some("b"), Some("c")]);
        let work = async |id: &str, _: &SqsMessage| if id == "b" { Err(Failed) } else { Ok(()) };
        let response = each(&messages, work).await.expect("each has an id");
        let json = serde_json::to_value(&response).expect("serialises");
        assert_eq!(json, serde_json::json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }));
    }

    #[tokio::test]
    async fn a_message_that_could_not_be_named_fails_the_batch_before_any_work() {
        for nameless in [None, Some("")] {
            let messages = messages(&[Some("a"), nameless]);
            let work = async |_: &str, _: &SqsMessage| unreachable!("no message is worked off");
            assert!(each(&messages, work).await.is_err(), "{nameless:?}");
        }
    }
}
