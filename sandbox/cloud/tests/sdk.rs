//! The unchanged SDK against the cloud's SQS and Secrets Manager.

mod client;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};
use tidegate_sandbox_cloud::{Cloud, CloudSpec, QueueSpec};

async fn cloud() -> anyhow::Result<Cloud> {
    let queue = |name: &str, dead_letter: Option<&str>| QueueSpec {
        name: name.to_owned(),
        visibility: Duration::from_secs(30),
        max_receive_count: 2,
        dead_letter: dead_letter.map(str::to_owned),
    };
    Cloud::start(CloudSpec {
        queues: vec![queue("work", Some("work-dlq")), queue("work-dlq", None)],
        secrets: BTreeMap::from([("keys".to_owned(), "one".to_owned())]),
        ..CloudSpec::default()
    })
    .await
}

#[tokio::test]
async fn messages_with_a_group_are_sent_received_and_deleted() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let (sqs, url) = (client::sqs(&cloud).await, cloud.queue_url("work"));
    let send = sqs.send_message().queue_url(&url).message_body("1");
    send.message_group_id("group").send().await?;
    let entry = |id: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(id);
        entry.message_group_id("group").build()
    };
    let batch = sqs.send_message_batch().queue_url(&url).entries(entry("2")?).entries(entry("3")?);
    assert_eq!(batch.send().await?.successful.len(), 2);
    assert_eq!(cloud.queue_depth("work").await?, 3);

    let received = sqs.receive_message().queue_url(&url).max_number_of_messages(10).send().await?;
    let messages = received.messages.unwrap_or_default();
    assert_eq!(messages.iter().filter_map(|m| m.body()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(cloud.queue_depth("work").await?, 3, "messages in flight count");
    let mut delete = sqs.delete_message_batch().queue_url(&url);
    for (id, message) in messages.iter().enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id.to_string());
        delete = delete.entries(entry.receipt_handle(message.receipt_handle().unwrap_or_default()).build()?);
    }
    assert!(delete.send().await?.failed.is_empty());
    assert_eq!(cloud.queue_depth("work").await?, 0);
    cloud.stop().await
}

#[tokio::test]
async fn a_message_that_comes_back_too_often_goes_to_the_dead_letter_queue() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let (sqs, url) = (client::sqs(&cloud).await, cloud.queue_url("work"));
    sqs.send_message().queue_url(&url).message_body("bad").send().await?;
    for _ in 0..2 {
        let received = sqs.receive_message().queue_url(&url).send().await?;
        let receipt = received.messages()[0].receipt_handle().unwrap_or_default().to_owned();
        let release = sqs.change_message_visibility().queue_url(&url).receipt_handle(receipt);
        release.visibility_timeout(0).send().await?;
    }
    let third = sqs.receive_message().queue_url(&url).send().await?;
    assert!(third.messages().is_empty());
    assert_eq!(cloud.messages("work-dlq").await?, ["bad"]);
    cloud.stop().await
}

#[tokio::test]
async fn secrets_are_read_and_replaced() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let secrets = aws_sdk_secretsmanager::Client::new(&client::config(&cloud).await);
    let read = secrets.get_secret_value().secret_id("keys").send().await?;
    assert_eq!(read.secret_string(), Some("one"));
    let arn = read.arn().unwrap_or_default().to_owned();
    secrets.put_secret_value().secret_id(&arn).secret_string("two").send().await?;
    let read = secrets.get_secret_value().secret_id(&arn).send().await?;
    assert_eq!(read.secret_string(), Some("two"));
    cloud.put_secret("keys", "three");
    let read = secrets.get_secret_value().secret_id("keys").send().await?;
    assert_eq!(read.secret_string(), Some("three"));

    let missing = secrets.get_secret_value().secret_id("other").send().await;
    let error = missing.expect_err("there is no such secret").into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    cloud.stop().await
}
