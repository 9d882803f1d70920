use std::time::Duration;

use aws_config::{BehaviorVersion, Region, timeout::TimeoutConfig};
use aws_sdk_sqs::config::Credentials;
use tidegate_model::{Host, Intention, PullRequestNumber, PushEvent, Source, Version};
use tidegate_queue::Queue;
use tidegate_sandbox_cloud::{Cloud, CloudSpec, QueueSpec};

use super::*;

/// Asks for two cancellations whatever happens.
fn two(event: &Event) -> Vec<Command> {
    let command = |number| Command {
        repository: event.repository().clone(),
        intention: Intention::Cancel { pull_request: PullRequestNumber(number) },
    };
    vec![command(1), command(2)]
}

fn event() -> Envelope<Event> {
    Envelope {
        v: Version,
        delivery: "d-1".parse().expect("a delivery id"),
        host: Host::Gitea,
        source: Source::App,
        salt: None,
        received_at_ms: 7,
        traceparent: tidegate_model::TraceParent::from_ids(1, 2),
        body: Event::Push(PushEvent {
            repository: "acme/shop".parse().expect("a repository"),
            reference: "refs/heads/main".parse().expect("a ref"),
            after: None,
            message: String::new(),
            sender: None,
        }),
    }
}

fn message(id: &str, body: String) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(id.to_owned());
    message.body = Some(body);
    message
}

async fn start(commands: fn(&Event) -> Vec<Command>) -> anyhow::Result<(Cloud, Worker)> {
    let queue = QueueSpec {
        name: "commands".to_owned(),
        visibility: Duration::from_secs(30),
        max_receive_count: 5,
        dead_letter: None,
    };
    let cloud = Cloud::start(CloudSpec { queues: vec![queue], ..CloudSpec::default() }).await?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(cloud.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(10)).build())
        .load()
        .await;
    let queue = Queue::new(&config, cloud.queue_url("commands"));
    Ok((cloud, Worker::new("test", commands, queue)))
}

fn failed(response: SqsBatchResponse) -> Vec<String> {
    let failures = response.batch_item_failures.into_iter();
    failures.map(|failure| failure.item_identifier).collect()
}

#[tokio::test]
async fn commands_carry_the_delivery_and_what_cannot_be_decoded_fails_alone() -> anyhow::Result<()> {
    let (cloud, worker) = start(two).await?;
    let batch = [message("a", serde_json::to_string(&event())?), message("b", "{}".to_owned())];
    assert_eq!(failed(worker.work(&batch).await?), ["b"]);
    let sent = cloud.messages("commands").await?;
    let sent: Vec<Envelope<Command>> = sent.iter().map(|body| decode(body)).collect::<Result<_, _>>()?;
    let expected: Vec<_> = two(&event().body).into_iter().map(|c| event().with_body(c)).collect();
    assert_eq!(sent, expected);
    cloud.stop().await
}

#[tokio::test]
async fn an_event_without_commands_is_done() -> anyhow::Result<()> {
    let (cloud, worker) = start(|_| Vec::new()).await?;
    let batch = [message("a", serde_json::to_string(&event())?)];
    assert!(failed(worker.work(&batch).await?).is_empty());
    assert_eq!(cloud.queue_depth("commands").await?, 0);
    cloud.stop().await
}

#[tokio::test]
async fn an_event_whose_commands_cannot_be_sent_fails() -> anyhow::Result<()> {
    let (cloud, worker) = start(two).await?;
    cloud.stop().await?;
    let batch = [message("a", serde_json::to_string(&event())?)];
    assert_eq!(failed(worker.work(&batch).await?), ["a"]);
    Ok(())
}
