//! A cloud that was deployed before, on an emulator of AWS at one address: `cargo xtask deploy` describes it in
//! environment variables. The tests use AWS's own wire protocols.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_sandbox_cloud::{LogLine, QueuedMessage};

use super::{COMMANDS, EVENTS, MASTER_KEY_SECRET, secret};

const REGION: &str = "us-east-1";
/// What Lambda itself writes into a function's log.
const PLATFORM: [&str; 4] = ["START ", "END ", "REPORT ", "INIT_START "];

/// A deployed cloud.
#[derive(Debug, Clone)]
pub struct Deployed {
    endpoint: String,
    gateway: String,
    began_at_ms: u128,
    client: reqwest::Client,
}

impl Deployed {
    /// The cloud at `TIDEGATE_DEPLOYED_ENDPOINT`, whose API is at `TIDEGATE_DEPLOYED_GATEWAY`, with a master key in its
    /// secret and nothing in its queues.
    pub async fn of_environment() -> Result<Self> {
        let set = |name: &str| {
            std::env::var(name).with_context(|| format!("{name} is not set: run `cargo xtask deploy`"))
        };
        let cloud = Self {
            endpoint: set("TIDEGATE_DEPLOYED_ENDPOINT")?,
            gateway: set("TIDEGATE_DEPLOYED_GATEWAY")?,
            began_at_ms: SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
            client: reqwest::Client::new(),
        };
        let keys = json!({"SecretId": MASTER_KEY_SECRET, "SecretString": secret()});
        cloud.call("secretsmanager.PutSecretValue", &keys).await?;
        let dead_letter_queues = cloud.dead_letter_queues().await?;
        for queue in EVENTS.into_iter().chain([COMMANDS]).chain(dead_letter_queues.iter().map(String::as_str))
        {
            cloud.purge(queue).await?;
        }
        cloud.feed_orphaned_polls(COMMANDS).await?;
        Ok(cloud)
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn gateway(&self) -> &str {
        &self.gateway
    }

    pub(super) fn queue_url(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.endpoint)
    }

    /// Drops all messages of a queue.
    pub async fn purge(&self, queue: &str) -> Result<()> {
        self.call("AmazonSQS.PurgeQueue", &json!({"QueueUrl": self.queue_url(queue)})).await.map(drop)
    }

    /// Puts messages into a queue, all at once.
    pub async fn send(&self, queue: &str, bodies: &[&str]) -> Result<()> {
        let entries: Vec<_> = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| json!({"Id": index.to_string(), "MessageBody": body}))
            .collect();
        let batch = json!({"QueueUrl": self.queue_url(queue), "Entries": entries});
        let sent = self.call("AmazonSQS.SendMessageBatch", &batch).await?;
        ensure!(sent["Failed"].as_array().is_none_or(Vec::is_empty), "not all were sent: {sent}");
        Ok(())
    }

    pub(super) async fn queue_depth(&self, name: &str) -> Result<usize> {
        Ok(self.counts(name).await?.into_iter().sum())
    }

    /// How many messages of a queue were received and not deleted since, within its visibility timeout.
    pub async fn in_flight(&self, queue: &str) -> Result<usize> {
        let [_, in_flight, _] = self.counts(queue).await?;
        Ok(in_flight)
    }

    /// How many messages are visible, in flight and delayed.
    async fn counts(&self, queue: &str) -> Result<[usize; 3]> {
        let request = json!({"QueueUrl": self.queue_url(queue), "AttributeNames": ["All"]});
        let answer = self.call("AmazonSQS.GetQueueAttributes", &request).await?;
        let count = |kind: &str| {
            let count = answer["Attributes"][format!("ApproximateNumberOfMessages{kind}")].as_str();
            anyhow::Ok(count.with_context(|| format!("queue {queue} tells no depth"))?.parse::<usize>()?)
        };
        Ok([count("")?, count("NotVisible")?, count("Delayed")?])
    }

    /// The emulator continues a long poll after its caller has disconnected, and delivers messages to it, which are then
    /// invisible for a while. Feeds such polls of the last scenario's controller until none is left: each ends with what it gets.
    pub async fn feed_orphaned_polls(&self, queue: &str) -> Result<()> {
        let fed = async {
            loop {
                self.send(queue, &["for an orphaned poll"]).await?;
                // The emulator looks every tenth of a second.
                tokio::time::sleep(Duration::from_millis(400)).await;
                let [visible, _, _] = self.counts(queue).await?;
                if visible > 0 {
                    return self.purge(queue).await;
                }
            }
        };
        let fed = tokio::time::timeout(Duration::from_mins(1), fed).await;
        fed.with_context(|| format!("somebody else receives from {queue}"))?
    }

    pub(super) async fn dead_letter_queues(&self) -> Result<Vec<String>> {
        let answer = self.call("AmazonSQS.ListQueues", &json!({"QueueNamePrefix": "tidegate-"})).await?;
        let urls = answer["QueueUrls"].as_array().context("SQS lists no queues")?;
        let names = urls.iter().filter_map(|url| url.as_str()?.rsplit('/').next());
        Ok(names.filter(|name| name.ends_with("-dead")).map(str::to_owned).collect())
    }

    pub(super) async fn messages(&self, name: &str) -> Result<Vec<String>> {
        Ok(self.peek(name).await?.into_iter().map(|message| message.body).collect())
    }

    /// The visible messages and their reasons.
    pub(super) async fn peek(&self, name: &str) -> Result<Vec<QueuedMessage>> {
        let url = self.queue_url(name);
        let mut messages = Vec::new();
        loop {
            let request = json!({
                "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 30,
                "MessageAttributeNames": ["reason"],
            });
            let answer = self.call("AmazonSQS.ReceiveMessage", &request).await?;
            match answer["Messages"].as_array() {
                Some(more) if !more.is_empty() => messages.extend(more.clone()),
                _ => break,
            }
        }
        for message in &messages {
            let handle = &message["ReceiptHandle"];
            let release = json!({"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0});
            self.call("AmazonSQS.ChangeMessageVisibility", &release).await?;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let queued = |message: Value| {
            let reason = text(&message["MessageAttributes"]["reason"]["StringValue"]);
            let attributes = reason.map(|reason| ("reason".to_owned(), reason)).into_iter().collect();
            Some(QueuedMessage { body: text(&message["Body"])?, attributes })
        };
        Ok(messages.into_iter().filter_map(queued).collect())
    }

    pub(super) fn aws_env(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    pub(super) async fn logs(&self) -> Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        for function in ["tidegate-webhook", "tidegate-integrator", "tidegate-chatops"] {
            let request =
                json!({"logGroupName": format!("/aws/lambda/{function}"), "startTime": self.began_at_ms});
            let answer = self.call("Logs_20140328.FilterLogEvents", &request).await?;
            let events = answer["events"].as_array().context("no log events")?;
            let texts = events.iter().filter_map(|event| event["message"].as_str());
            let texts = texts.map(str::trim_end).filter(|text| !text.is_empty());
            let own = texts.filter(|text| !PLATFORM.iter().any(|prefix| text.starts_with(prefix)));
            lines.extend(own.map(|text| LogLine { function: function.to_owned(), text: text.to_owned() }));
        }
        Ok(lines)
    }

    /// Reports a queue's depth as `CloudWatch` would, which the emulator lacks, and returns the state of the
    /// alarm on it (`OK`, `ALARM`, `INSUFFICIENT_DATA`). The alarm must be on that metric of that queue.
    pub async fn alarm_on_depth(&self, alarm: &str, queue: &str) -> Result<String> {
        let depth = self.queue_depth(queue).await?;
        let dimensions = json!([{"Name": "QueueName", "Value": queue}]);
        let metric = "ApproximateNumberOfMessagesVisible";
        let datum = json!({"MetricName": metric, "Dimensions": dimensions, "Value": depth, "Unit": "Count"});
        let data = json!({"Namespace": "AWS/SQS", "MetricData": [datum]});
        self.call("GraniteServiceVersion20100801.PutMetricData", &data).await?;
        let request = json!({"AlarmNames": [alarm]});
        let answer = self.call("GraniteServiceVersion20100801.DescribeAlarms", &request).await?;
        let found = &answer["MetricAlarms"][0];
        ensure!(
            found["MetricName"] == metric && found["Dimensions"] == dimensions,
            "alarm {alarm} is on something else than {queue}: {found}"
        );
        Ok(found["StateValue"].as_str().context("the alarm has no state")?.to_owned())
    }

    /// One variable of a function's environment.
    pub async fn variable(&self, function: &str, name: &str) -> Result<String> {
        let environment = self.environment(function).await?;
        let value = environment["Variables"][name].as_str();
        Ok(value.with_context(|| format!("{function} has no variable {name}"))?.to_owned())
    }

    /// Changes one variable of a function, as a bad deployment does.
    pub async fn set_variable(&self, function: &str, name: &str, value: &str) -> Result<()> {
        let mut environment = self.environment(function).await?;
        environment["Variables"][name] = json!(value);
        let request = self.client.put(self.configuration(function));
        let changed = request.json(&json!({"Environment": environment})).send().await?;
        changed.error_for_status().context("failed to change the function")?;
        Ok(())
    }

    /// Invokes a plugin's function with an empty batch, and returns whether it fails.
    pub async fn fails(&self, function: &str) -> Result<bool> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let answer = self.client.post(url).json(&json!({"Records": []})).send().await?.error_for_status()?;
        Ok(answer.headers().contains_key("x-amz-function-error"))
    }

    async fn environment(&self, function: &str) -> Result<Value> {
        let answer = self.client.get(self.configuration(function)).send().await?.error_for_status()?;
        Ok(answer.json::<Value>().await?["Environment"].take())
    }

    fn configuration(&self, function: &str) -> String {
        format!("{}/2015-03-31/functions/{function}/configuration", self.endpoint)
    }

    async fn call(&self, target: &str, body: &Value) -> Result<Value> {
        let request = self
            .client
            .post(&self.endpoint)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .body(body.to_string());
        let response = request.send().await.with_context(|| format!("failed to call {target}"))?;
        let status = response.status();
        let text = response.text().await?;
        ensure!(status.is_success(), "{target} answered {status}: {text}");
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{target} answered no JSON: {text}"))
    }
}
