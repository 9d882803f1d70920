//! The cloud: the sandbox's, or a deployed one that Terraform or SAM has made. Both hold the functions' real
//! binaries and answer to the same verbs.

mod deployed;
mod sandbox;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::json;
use tidegate_sandbox_cloud::{Cloud as Sandbox, LogLine};

pub use deployed::Deployed;
pub use sandbox::cloud;

/// The queue of commands.
pub const COMMANDS: &str = "tidegate-commands";
/// The dead-letter queue of commands.
pub const DEAD_LETTERS: &str = "tidegate-commands-dead";
/// The command queue of the plugin of others, in a world that has one.
pub const PLUGIN_COMMANDS: &str = "tidegate-audit-commands";
/// Its dead-letter queue.
pub const PLUGIN_DEAD_LETTERS: &str = "tidegate-audit-commands-dead";
/// The plugins' queues of events.
pub const EVENTS: [&str; 2] = ["tidegate-integrator-events", "tidegate-chatops-events"];

/// The secret of the webhook master keys.
pub(crate) const MASTER_KEY_SECRET: &str = "tidegate/webhook-keys";
/// The one master key. Not a secret: it lives as long as a world.
pub const MASTER_KEY: [u8; 32] = [0x11; 32];

/// The secret of the GitHub App's webhook.
pub const GITHUB_APP_SECRET: &str = "app-secret";

/// SQS, Secrets Manager, API Gateway and Lambda.
pub enum Cloud {
    /// In this process, new for each scenario.
    Sandbox(Box<Sandbox>),
    /// Deployed before by `cargo xtask deploy`; scenarios have it one after the other.
    Deployed(Deployed),
}

impl Cloud {
    /// The sandbox's cloud, for what no other can be told to do.
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
