//! `tidegate dlq`, run as people run it, against the sandbox's SQS.

use std::time::Duration;

use crate::command::{Outcome, tidegate_with};
use anyhow::Result;
use serde_json::{Value, json};
use tidegate_sandbox_cloud::{Cloud, CloudSpec, QueueSpec};

const DEAD: &str = "commands-dead";

/// A queue, its dead-letter queue, and another queue.
async fn cloud() -> Result<Cloud> {
    let queue = |name: &str, dead_letter: Option<&str>| QueueSpec {
        name: name.to_owned(),
        visibility: Duration::from_secs(30),
        max_receive_count: 5,
        dead_letter: dead_letter.map(str::to_owned),
    };
    let queues = vec![queue(DEAD, None), queue("commands", Some(DEAD)), queue("other", None)];
    Cloud::start(CloudSpec { queues, ..CloudSpec::default() }).await
}

fn command(repository: &str, number: u64) -> Value {
    json!({
        "v": 1, "delivery": "d-1", "host": "gitea", "received_at_ms": 7,
        "source": {"kind": "config", "namespace": "ci", "name": "shop"},
        "body": {"repository": repository, "intention": "cancel", "pull_request": number},
    })
}

/// Puts a message into the dead-letter queue, as the controller does; returns its id.
async fn bury(cloud: &Cloud, body: &str, reason: Option<&str>) -> Result<String> {
    let mut message = json!({"QueueUrl": cloud.queue_url(DEAD), "MessageBody": body});
    if let Some(reason) = reason {
        message["MessageAttributes"] = json!({"reason": {"DataType": "String", "StringValue": reason}});
    }
    let answer = reqwest::Client::new()
        .post(cloud.endpoint())
        .header("x-amz-target", "AmazonSQS.SendMessage")
        .header("content-type", "application/x-amz-json-1.0")
        .body(message.to_string())
        .send()
        .await?
        .error_for_status()?;
    let answer: Value = answer.json().await?;
    Ok(answer["MessageId"].as_str().expect("an id").to_owned())
}

async fn dlq(cloud: &Cloud, arguments: &[&str]) -> Result<Outcome> {
    let mut environment = cloud.aws_env();
    environment.insert("TIDEGATE_COMMAND_DEAD_LETTER_QUEUE_URL".to_owned(), cloud.queue_url(DEAD));
    environment.insert("TIDEGATE_COMMAND_QUEUE_URL".to_owned(), cloud.queue_url("commands"));
    let arguments: Vec<String> = ["dlq"].iter().chain(arguments).map(|text| (*text).to_owned()).collect();
    // The queues live in this process: its threads must keep running while the command runs.
    Ok(tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        tidegate_with(&environment, &arguments)
    })
    .await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_listed_and_shown_and_stay_where_they_are() -> Result<()> {
    let cloud = cloud().await?;
    let refused =
        bury(&cloud, &command("acme/shop", 3).to_string(), Some("there is no\npull request 3")).await?;
    let event = json!({
        "v": 1, "delivery": "d-2", "host": "github", "received_at_ms": 7, "source": {"kind": "app"},
        "body": {"kind": "push", "repository": "acme/web", "ref": "refs/heads/main",
                 "after": "b".repeat(40), "sender": "dora"},
    });
    let event = bury(&cloud, &event.to_string(), None).await?;
    let poison = bury(&cloud, "{\"token\": \"hunter2\"}", Some("it can't be read")).await?;

    let listed = dlq(&cloud, &["list"]).await?;
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""));
    let row = |id: &str| {
        let line = listed.stdout.lines().find(|line| line.starts_with(id)).expect("a row");
        line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row(&refused), "acme/shop cancel there is no pull request 3");
    assert_eq!(row(&event), "acme/web push it was received too often without success; see the logs");
    assert_eq!(row(&poison), "- unreadable it can't be read");

    let shown = dlq(&cloud, &["show", &refused]).await?;
    let json: Value = serde_json::from_str(&shown.stdout)?;
    assert_eq!((shown.code, &json["message"]), (0, &command("acme/shop", 3)));
    let shown = dlq(&cloud, &["show", &poison]).await?;
    assert_eq!(shown.code, 0);
    assert!(
        shown.stdout.contains("missing field `v`") && !shown.stdout.contains("hunter2"),
        "{}",
        shown.stdout
    );

    let missing = dlq(&cloud, &["show", "nobody"]).await?;
    assert_eq!((missing.code, missing.stderr.as_str()), (1, "tidegate: there is no message nobody\n"));
    assert_eq!(cloud.messages(DEAD).await?.len(), 3, "all are visible again");
    cloud.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_or_all_go_back_to_the_queue_they_came_from_and_nowhere_else() -> Result<()> {
    let cloud = cloud().await?;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(bury(&cloud, &command("acme/shop", number).to_string(), Some("down")).await?);
    }
    bury(&cloud, "poison", None).await?;

    let other = cloud.queue_url("other");
    let refused = dlq(&cloud, &["replay", "--all", "--to", &other]).await?;
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("is not the dead-letter queue of other"), "{}", refused.stderr);

    let one = dlq(&cloud, &["replay", &ids[7], "nobody"]).await?;
    assert_eq!((one.code, one.stderr.as_str()), (1, "tidegate: there is no message nobody\n"));
    assert!(one.stdout.ends_with("replayed to commands: 1, left in commands-dead: 12\n"), "{}", one.stdout);
    assert_eq!(cloud.messages("commands").await?, [command("acme/shop", 7).to_string()]);

    let all = dlq(&cloud, &["replay", "--all"]).await?;
    assert_eq!(all.code, 1);
    assert!(all.stderr.contains("it can't be read, and would only come back"), "{}", all.stderr);
    assert_eq!(cloud.queue_depth("commands").await?, 12);
    assert_eq!(cloud.messages(DEAD).await?, ["poison"]);

    let forced = dlq(&cloud, &["replay", "--all", "--force"]).await?;
    assert_eq!((forced.code, forced.stderr.as_str()), (0, ""));
    assert_eq!((cloud.queue_depth(DEAD).await?, cloud.queue_depth("commands").await?), (0, 13));
    cloud.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_is_exit_code_2_and_a_queue_that_is_not_there_1() -> Result<()> {
    let cloud = cloud().await?;
    for arguments in [&["replay"][..], &["replay", "--all", "x"], &["show"], &["list", "--max", "0"]] {
        let outcome = dlq(&cloud, arguments).await?;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.stderr);
    }
    let nowhere = format!("{}-nowhere", cloud.queue_url(DEAD));
    let outcome = dlq(&cloud, &["list", "--dead-letters", &nowhere]).await?;
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("failed to receive from queue commands-dead-nowhere"),
        "{}",
        outcome.stderr
    );
    cloud.stop().await
}
