//! The cloud: the sandbox's, or a deployed one that Terraform or SAM has made. Both hold the functions' real
//! binaries and answer to the same verbs.

mod deployed;
mod sandbox;

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use tidegate_sandbox_cloud::{Cloud as Sandbox, LogLine};

pub use deployed::Deployed;
pub use sandbox::cloud;

/// The queue of commands.
pub const COMMANDS: &str = "tidegate-commands";
/// The dead-letter queue of commands.
pub const DEAD_LETTERS: &str = "tidegate-commands-dead";
/// The command queue of the third-party plugin, in a world that has one.
pub const PLUGIN_COMMANDS: &str = "tidegate-audit-commands";
/// Its dead-letter queue.
pub const PLUGIN_DEAD_LETTERS: &str = "tidegate-audit-commands-dead";
/// The dead-letter queues of the sandbox's cloud.
const SANDBOX_DEAD_LETTERS: [&str; 4] =
    [DEAD_LETTERS, PLUGIN_DEAD_LETTERS, "tidegate-integrator-events-dead", "tidegate-chatops-events-dead"];
/// The plugins' queues of events.
pub const EVENTS: [&str; 2] = ["tidegate-integrator-events", "tidegate-chatops-events"];

/// The secret of the webhook master keys.
pub(crate) const MASTER_KEY_SECRET: &str = "tidegate/webhook-keys";
/// The one master key. Not a secret: it lives as long as a world.
pub const MASTER_KEY: [u8; 32] = [0x11; 32];

/// The secret of the GitHub App's webhook.
pub const GITHUB_APP_SECRET: &str = "app-secret";

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The dead-letter queue that it is in.
    pub queue: String,
    /// Its text.
    pub body: String,
    /// Why the controller refused it. `None` if SQS moved it because it was received too often.
    pub reason: Option<String>,
}

/// SQS, Secrets Manager, API Gateway and Lambda.
pub enum Cloud {
    /// In this process, new for each scenario.
    Sandbox(Box<Sandbox>),
    /// Deployed before by `cargo xtask deploy`; scenarios have it one after the other.
    Deployed(Deployed),
}

impl Cloud {
    /// The sandbox's cloud, for what no other cloud can do on request.
    pub fn sandbox(&self) -> Result<&Sandbox> {
        match self {
            Self::Sandbox(cloud) => Ok(cloud),
            Self::Deployed(_) => bail!("unsupported: this cloud was deployed"),
        }
    }

    /// The deployed cloud, for what the sandbox's can't show.
    pub fn deployed(&self) -> Result<&Deployed> {
        match self {
            Self::Deployed(cloud) => Ok(cloud),
            Self::Sandbox(_) => bail!("unsupported: this is the sandbox's cloud"),
        }
    }

    /// The URL of the AWS endpoint.
    pub fn endpoint(&self) -> String {
        match self {
            Self::Sandbox(cloud) => cloud.endpoint(),
            Self::Deployed(cloud) => cloud.endpoint().to_owned(),
        }
    }

    /// The URL of the gateway, without a slash at its end.
    pub fn gateway(&self) -> String {
        match self {
            Self::Sandbox(cloud) => cloud.gateway(),
            Self::Deployed(cloud) => cloud.gateway().to_owned(),
        }
    }

    /// A queue's URL.
    pub fn queue_url(&self, name: &str) -> String {
        match self {
            Self::Sandbox(cloud) => cloud.queue_url(name),
            Self::Deployed(cloud) => cloud.queue_url(name),
        }
    }

    /// How many messages a queue holds: visible, in flight and delayed.
    pub async fn queue_depth(&self, name: &str) -> Result<usize> {
        match self {
            Self::Sandbox(cloud) => cloud.queue_depth(name).await,
            Self::Deployed(cloud) => cloud.queue_depth(name).await,
        }
    }

    /// The texts of a queue's visible messages, which stay there; looking counts as receiving them once.
    pub async fn messages(&self, name: &str) -> Result<Vec<String>> {
        match self {
            Self::Sandbox(cloud) => cloud.messages(name).await,
            Self::Deployed(cloud) => cloud.messages(name).await,
        }
    }

    /// The names of all dead-letter queues.
    pub async fn dead_letter_queues(&self) -> Result<Vec<String>> {
        match self {
            Self::Sandbox(_) => Ok(SANDBOX_DEAD_LETTERS.map(str::to_owned).to_vec()),
            Self::Deployed(cloud) => cloud.dead_letter_queues().await,
        }
    }

    /// The visible messages of all dead-letter queues, which stay there.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        let mut letters = Vec::new();
        for queue in self.dead_letter_queues().await? {
            let depth = self.queue_depth(&queue).await?;
            if depth == 0 {
                continue;
            }
            let messages = match self {
                Self::Sandbox(cloud) => cloud.peek(&queue).await?,
                Self::Deployed(cloud) => cloud.peek(&queue).await?,
            };
            ensure!(messages.len() == depth, "{queue} holds {depth} messages, but shows {messages:?}");
            letters.extend(messages.into_iter().map(|mut message| DeadLetter {
                queue: queue.clone(),
                body: message.body,
                reason: message.attributes.remove("reason"),
            }));
        }
        Ok(letters)
    }

    /// The environment of a process that is to use this cloud, for example the controller.
    pub fn aws_env(&self) -> BTreeMap<String, String> {
        match self {
            Self::Sandbox(cloud) => cloud.aws_env(),
            Self::Deployed(cloud) => cloud.aws_env(),
        }
    }

    /// What the functions have printed since the scenario began.
    pub async fn logs(&self) -> Result<Vec<LogLine>> {
        match self {
            Self::Sandbox(cloud) => Ok(cloud.logs()),
            Self::Deployed(cloud) => cloud.logs().await,
        }
    }

    /// Ends it, if it lives in this process.
    pub async fn stop(self) -> Result<()> {
        match self {
            Self::Sandbox(cloud) => cloud.stop().await,
            Self::Deployed(_) => Ok(()),
        }
    }
}

/// The text of the secret that holds the master keys.
fn secret() -> String {
    json!({"keys": [hex::encode(MASTER_KEY)], "githubAppWebhookSecret": GITHUB_APP_SECRET}).to_string()
}
