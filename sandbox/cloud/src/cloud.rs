//! The running cloud.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context;
use tidegate_sandbox_gate::{Gate, Moment};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    LogLine, REGION, endpoint, environment, function::Function, gateway::Gateway, logs::Logs, mapping,
    message::QueuedMessage, secrets::Secrets, server, spec::CloudSpec, sqs::Sqs,
};

/// How long [`Cloud::stop`] waits for everything to end.
const STOP: Duration = Duration::from_secs(10);

/// A running cloud. Dropping it stops it too, without waiting.
pub struct Cloud {
    sqs: Arc<Sqs>,
    secrets: Arc<Secrets>,
    logs: Logs,
    functions: BTreeMap<String, Arc<Function>>,
    endpoint: SocketAddr,
    gateway: SocketAddr,
    cancel: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Cloud {
    /// Starts everything. Functions are started too, but not waited for: an invocation waits for its process.
    pub async fn start(spec: CloudSpec) -> anyhow::Result<Self> {
        spec.check()?;
        let (endpoint_listener, endpoint) = server::listen(spec.address).await?;
        let (gateway_listener, gateway) = server::listen(spec.address).await?;
        let mut cloud = Self {
            sqs: Arc::new(Sqs::new(endpoint)),
            secrets: Arc::default(),
            logs: Logs::default(),
            functions: BTreeMap::new(),
            endpoint,
            gateway,
            cancel: CancellationToken::new(),
            tasks: JoinSet::new(),
        };
        for queue in &spec.queues {
            cloud.sqs.create(queue).await?;
        }
        for (name, value) in spec.secrets {
            cloud.secrets.put(&name, value);
        }
        let (sqs, secrets) = (Arc::clone(&cloud.sqs), Arc::clone(&cloud.secrets));
        cloud.spawn_until_stopped(server::serve(endpoint_listener, move |request, _| {
            endpoint::handle(request, Arc::clone(&sqs), Arc::clone(&secrets))
        }));

        let mut functions = BTreeMap::new();
        for spec in spec.functions {
            let mut env = cloud.aws_env();
            env.extend(spec.expanded_env(|queue| Ok(cloud.sqs.url(queue)))?);
            let concurrency = spec.concurrency;
            let name = spec.name.clone();
            let (function, line) = Function::new(spec);
            for _ in 0..concurrency {
                cloud.tasks.spawn(environment::run(
                    Arc::clone(&function),
                    env.clone(),
                    Arc::clone(&line),
                    cloud.logs.clone(),
                    cloud.cancel.clone(),
                ));
            }
            functions.insert(name, function);
        }
        let function =
            |name: &str| functions.get(name).cloned().with_context(|| format!("no function {name}"));
        for mapping in spec.mappings {
            let function = function(&mapping.function)?;
            // One batch per execution environment is under way.
            for _ in 0..function.spec.concurrency {
                cloud.tasks.spawn(mapping::run(
                    mapping.clone(),
                    Arc::clone(&function),
                    Arc::clone(&cloud.sqs),
                    cloud.cancel.clone(),
                ));
            }
        }
        let routes = Arc::new(Gateway::new(&spec.routes, function)?);
        cloud.spawn_until_stopped(server::serve(gateway_listener, move |request, peer| {
            let routes = Arc::clone(&routes);
            async move { routes.handle(request, peer).await }
        }));
        cloud.functions = functions;
        Ok(cloud)
    }

    fn spawn_until_stopped(&mut self, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move { cancel.run_until_cancelled(task).await.unwrap_or(Ok(())) });
    }

    /// The URL of the AWS endpoint: SQS and Secrets Manager.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.endpoint)
    }

    /// The URL of the gateway, without a slash at its end.
    pub fn gateway(&self) -> String {
        format!("http://{}", self.gateway)
    }

    /// A queue's URL.
    pub fn queue_url(&self, name: &str) -> String {
        self.sqs.url(name)
    }

    /// How many messages a queue holds: visible, in flight and delayed.
    pub async fn queue_depth(&self, name: &str) -> anyhow::Result<usize> {
        self.sqs.depth(name).await
    }

    /// The texts of a queue's visible messages, which stay there. Looking counts as receiving them once: it is meant
    /// for dead-letter queues and for queues that nothing drains.
    pub async fn messages(&self, name: &str) -> anyhow::Result<Vec<String>> {
        Ok(self.peek(name).await?.into_iter().map(|message| message.body).collect())
    }

    /// The same messages with their attributes.
    pub async fn peek(&self, name: &str) -> anyhow::Result<Vec<QueuedMessage>> {
        self.sqs.peek(name).await
    }

    /// Holds the next request of the SDK for an operation on a queue, like `DeleteMessage`. A `ReceiveMessage` is held
    /// after it has taken effect only if it received something.
    pub fn hold_next(&self, operation: &str, queue: &str, moment: Moment) -> Gate {
        self.sqs.gates.hold_next((operation.to_owned(), queue.to_owned()), moment)
    }

    /// Answers an operation of the SDK on a queue with 503, like `SendMessage`, or does so no more.
    pub fn refuse(&self, operation: &str, queue: &str, refused: bool) {
        self.sqs.refuse(operation, queue, refused);
    }

    /// Lets the messages of a queue look this much older than they are.
    pub fn set_age(&self, queue: &str, age: Duration) {
        self.sqs.set_age(queue, age);
    }

    /// Makes what was received of a queue, and was not deleted, visible again: its visibility timeout is over.
    pub async fn expire_visibility(&self, queue: &str) {
        self.sqs.expire_visibility(queue).await;
    }

    /// Ends a function's process in the middle of its next invocation, as Lambda does when one takes too long.
    pub fn time_out_next(&self, function: &str) -> anyhow::Result<()> {
        let function = self.functions.get(function).with_context(|| format!("no function {function}"))?;
        function.time_out_next.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The environment of a process that is to use this cloud, for example the controller.
    pub fn aws_env(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint().as_str()),
            ("AWS_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ACCESS_KEY_ID", "sandbox"),
            ("AWS_SECRET_ACCESS_KEY", "the-secret-key-of-a-sandbox"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    /// Sets a secret's newest value.
    pub fn put_secret(&self, name: &str, value: impl Into<String>) {
        self.secrets.put(name, value.into());
    }

    /// What the functions printed, and what happened to their processes: the newest 10,000 lines.
    pub fn logs(&self) -> Vec<LogLine> {
        self.logs.lines()
    }

    /// Kills the functions and ends everything. An error says what had gone wrong before.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.cancel.cancel();
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended.context("a task of the cloud panicked")??;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(STOP, all).await.context("the cloud didn't stop in time")??;
        self.sqs.stop().await;
        Ok(())
    }
}
