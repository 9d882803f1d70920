//! Gateway, functions and mappings, with a function whose runtime is written by hand.

mod client;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tidegate_sandbox_cloud::{Cloud, CloudSpec, FunctionSpec, MappingSpec, QueueSpec, RouteSpec};

const PATIENCE: Duration = Duration::from_secs(20);

fn function(name: &str, timeout: Duration) -> FunctionSpec {
    FunctionSpec {
        name: name.to_owned(),
        binary: env!("CARGO_BIN_EXE_sandbox-cloud-function").into(),
        env: BTreeMap::from([("QUEUE".to_owned(), "${queue:events}".to_owned())]),
        concurrency: 1,
        timeout,
    }
}

fn queue(name: &str, dead_letter: Option<&str>) -> QueueSpec {
    QueueSpec {
        name: name.to_owned(),
        visibility: Duration::from_secs(1),
        max_receive_count: 2,
        dead_letter: dead_letter.map(str::to_owned),
    }
}

fn gateway_spec(function: FunctionSpec) -> CloudSpec {
    CloudSpec {
        queues: vec![queue("events", None)],
        routes: vec![RouteSpec { key: "POST /do/{proxy+}".to_owned(), function: function.name.clone() }],
        functions: vec![function],
        ..CloudSpec::default()
    }
}

async fn post(
    cloud: &Cloud,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
) -> reqwest::Result<reqwest::Response> {
    let request = reqwest::Client::new().post(cloud.gateway() + path).timeout(PATIENCE);
    request.header("content-type", content_type).body(body).send().await
}

/// Waits until the queue holds so many messages. The test's own time limit bounds it.
async fn wait_for_depth(cloud: &Cloud, queue: &str, depth: usize) -> anyhow::Result<()> {
    let reached = async {
        while cloud.queue_depth(queue).await? != depth {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, reached).await?
}

#[tokio::test]
async fn the_gateway_passes_a_request_on_in_payload_format_2() -> anyhow::Result<()> {
    let cloud = Cloud::start(gateway_spec(function("echo", PATIENCE))).await?;
    let answer = post(&cloud, "/do/a/b?x=1&y", "application/json", b"{}".to_vec()).await?;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["x-kind"], "echo");
    let event: Value = answer.json().await?;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/do/a/b");
    assert_eq!(event["rawQueryString"], "x=1&y");
    assert_eq!(event["pathParameters"]["proxy"], "a/b");
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{}"), &json!(false)));

    let answer = post(&cloud, "/do/a", "application/octet-stream", vec![0xff]).await?;
    let event: Value = answer.json().await?;
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/w=="), &json!(true)));

    assert_eq!(post(&cloud, "/elsewhere", "text/plain", vec![]).await?.status(), 404);
    let big = vec![b'x'; 6 * 1024 * 1024];
    assert_eq!(post(&cloud, "/do/a", "text/plain", big).await?.status(), 413);
    let huge = vec![b'x'; 10 * 1024 * 1024 + 1];
    assert_eq!(post(&cloud, "/do/a", "text/plain", huge).await?.status(), 413);

    let url = cloud.queue_url("events");
    let lines = cloud.logs();
    assert!(lines.iter().any(|line| line.function == "echo" && line.text.ends_with(&url)), "{lines:?}");
    cloud.stop().await
}

#[tokio::test]
async fn a_function_that_fails_crashes_or_hangs_fails_its_caller_and_serves_the_next() -> anyhow::Result<()> {
    let cloud = Cloud::start(gateway_spec(function("f", Duration::from_millis(300)))).await?;
    for (path, status) in [("/do/fail", 500), ("/do/crash", 500), ("/do/hang", 503), ("/do/echo", 201)] {
        let answer = post(&cloud, path, "text/plain", vec![]).await?;
        assert_eq!(answer.status(), status, "{path}");
    }
    cloud.stop().await
}

#[tokio::test]
async fn a_function_that_cannot_start_fails_its_callers() -> anyhow::Result<()> {
    let mut broken = function("broken", PATIENCE);
    broken.env.insert("CRASH_AT_START".to_owned(), String::new());
    let cloud = Cloud::start(gateway_spec(broken)).await?;
    assert_eq!(post(&cloud, "/do/echo", "text/plain", vec![]).await?.status(), 500);
    cloud.stop().await
}

/// A worker behind the queue `events`; then sends it these messages.
async fn mapped(batch_size: u8, bodies: &[&str]) -> anyhow::Result<Cloud> {
    let cloud = Cloud::start(CloudSpec {
        queues: vec![queue("events", Some("events-dlq")), queue("events-dlq", None)],
        functions: vec![function("worker", PATIENCE)],
        mappings: vec![MappingSpec { queue: "events".to_owned(), function: "worker".to_owned(), batch_size }],
        ..CloudSpec::default()
    })
    .await?;
    let sqs = client::sqs(&cloud).await;
    for body in bodies {
        let send = sqs.send_message().queue_url(cloud.queue_url("events"));
        send.message_body(*body).send().await?;
    }
    Ok(cloud)
}

#[tokio::test]
async fn a_mapping_deletes_what_is_done_and_the_rest_ends_in_the_dead_letter_queue() -> anyhow::Result<()> {
    let cloud = mapped(10, &["good", "bad", "good"]).await?;
    wait_for_depth(&cloud, "events", 0).await?;
    assert_eq!(cloud.messages("events-dlq").await?, ["bad"]);
    assert_eq!(cloud.messages("events-dlq").await?, ["bad"], "looking takes nothing away");
    cloud.stop().await
}

#[tokio::test]
async fn a_message_that_kills_the_function_takes_no_other_with_it() -> anyhow::Result<()> {
    let cloud = mapped(1, &["poison", "good"]).await?;
    wait_for_depth(&cloud, "events", 0).await?;
    assert_eq!(cloud.messages("events-dlq").await?, ["poison"]);
    cloud.stop().await
}
