//! Queues against the sandbox's SQS.

use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::config::Credentials;
use tidegate_model::{
    Command, Envelope, Event, Host, Intention, PullRequestNumber, PushEvent, Source, Version,
};
use tidegate_queue::{Category, MAX_BYTES, Message, Queue, QueueError, Receipt};
use tidegate_sandbox_cloud::{Cloud, CloudSpec, QueueSpec};

const NOW: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_secs(30);

async fn cloud() -> anyhow::Result<Cloud> {
    let commands =
        QueueSpec { name: "commands".to_owned(), visibility: LATER, max_receive_count: 5, dead_letter: None };
    Cloud::start(CloudSpec { queues: vec![commands], ..CloudSpec::default() }).await
}

async fn config(cloud: &Cloud) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(cloud.endpoint())
        .region(Region::new(cloud.aws_env()["AWS_REGION"].clone()))
        .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
        .timeout_config(TimeoutConfig::builder().operation_timeout(LATER).build())
        .load()
        .await
}

async fn queue(cloud: &Cloud) -> Queue {
    Queue::new(&config(cloud).await, cloud.queue_url("commands"))
}

fn envelope<T>(body: T) -> Envelope<T> {
    Envelope {
        v: Version,
        delivery: "d-1".parse().expect("a delivery id"),
        host: Host::Gitea,
        source: Source::App,
        salt: None,
        received_at_ms: 7,
        traceparent: None,
        body,
    }
}

fn cancel(number: u64) -> Envelope<Command> {
    envelope(Command {
        repository: "acme/shop".parse().expect("a repository"),
        intention: Intention::Cancel { pull_request: PullRequestNumber(number) },
    })
}

fn receipts(messages: Vec<Message>) -> Vec<Receipt> {
    messages.into_iter().map(|message| message.receipt).collect()
}

#[tokio::test]
async fn an_envelope_comes_back_until_it_is_deleted() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let queue = queue(&cloud).await;
    queue.send_batch([&cancel(1)]).await?;
    assert_eq!(queue.approximate_depth().await?, 1);

    let [first] = &queue.receive(10, LATER, LATER).await?[..] else {
        anyhow::bail!("expected one message");
    };
    assert_eq!(first.decode::<Command>()?, cancel(1));
    assert!(first.decode::<Event>().is_err());
    assert_eq!(first.receive_count, 1);
    assert!(SystemTime::now().duration_since(first.sent_at)? < LATER);
    assert!(queue.receive(10, NOW, LATER).await?.is_empty(), "it is invisible");

    queue.extend(&first.receipt, NOW).await?;
    let [second] = &queue.receive(10, LATER, LATER).await?[..] else {
        anyhow::bail!("expected the message again");
    };
    assert_eq!((&second.id, second.receive_count), (&first.id, 2));
    queue.delete(&second.receipt).await?;
    assert_eq!(cloud.queue_depth("commands").await?, 0);
    cloud.stop().await
}

#[tokio::test]
async fn batches_of_any_size_are_sent_and_deleted() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let queue = queue(&cloud).await;
    queue.send_batch::<Command>(&[]).await?;
    queue.send_batch(&(0..23).map(cancel).collect::<Vec<_>>()).await?;
    assert_eq!(cloud.queue_depth("commands").await?, 23);

    let large: Vec<_> = (0..5).map(|_| push(MAX_BYTES / 2 - 1000)).collect();
    queue.send_batch(&large).await?;
    assert_eq!(cloud.queue_depth("commands").await?, 28);

    let mut all = Vec::new();
    for _ in 0..3 {
        all.extend(receipts(queue.receive(10, NOW, LATER).await?));
    }
    assert_eq!(all.len(), 28);
    queue.delete_batch(&all).await?;
    assert_eq!(cloud.queue_depth("commands").await?, 0);
    cloud.stop().await
}

/// A message of at least so many bytes. No event is so long, but a queue doesn't know that.
fn push(bytes: usize) -> Envelope<Event> {
    envelope(Event::Push(PushEvent {
        repository: "acme/shop".parse().expect("a repository"),
        reference: "refs/heads/main".parse().expect("a branch"),
        after: None,
        message: "x".repeat(bytes),
        sender: None,
    }))
}

#[tokio::test]
async fn errors_say_what_they_ask_for() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let config = config(&cloud).await;
    let queue = queue(&cloud).await;

    let error = queue.send_batch([&push(MAX_BYTES)]).await.expect_err("too large");
    assert!(matches!(error, QueueError::TooLarge { bytes, .. } if bytes > MAX_BYTES));
    assert_eq!(error.category(), Category::Invalid);

    let missing = Queue::new(&config, cloud.queue_url("missing"));
    let error = missing.send_batch([&cancel(1)]).await.expect_err("no such queue");
    assert_eq!(error.to_string(), "failed to send to queue missing");
    assert_eq!(error.category(), Category::Refused);

    let [message] = &{
        queue.send_batch([&cancel(1)]).await?;
        queue.receive(1, LATER, LATER).await?
    }[..] else {
        anyhow::bail!("expected one message");
    };
    queue.delete(&message.receipt).await?;
    let error = queue.extend(&message.receipt, LATER).await.expect_err("it is gone");
    assert_eq!(error.category(), Category::Refused);

    cloud.stop().await?;
    let error = queue.send_batch([&cancel(1)]).await.expect_err("nobody listens");
    assert_eq!(error.category(), Category::Unavailable);
    Ok(())
}

#[tokio::test]
async fn a_refused_message_keeps_its_text() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let queue = queue(&cloud).await;
    queue.send_refused("{no json", "failed to decode\nit").await?;
    assert_eq!(cloud.messages("commands").await?, ["{no json"]);
    cloud.stop().await
}
