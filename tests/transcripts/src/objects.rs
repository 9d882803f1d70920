//! The objects that the conversations are about.

use anyhow::{Context as _, bail};
use kube::{Api, Client, api::PostParams};
use serde_json::{Value, json};
use tidegate_resources::{IntegrationConfig, IntegrationJob};

/// The configs of a namespace.
pub fn configs(client: Client, namespace: &str) -> Api<IntegrationConfig> {
    Api::namespaced(client, namespace)
}

/// The jobs of a namespace.
pub fn jobs(client: Client, namespace: &str) -> Api<IntegrationJob> {
    Api::namespaced(client, namespace)
}

/// A sound config as JSON.
pub fn config_json(name: &str) -> Value {
    json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "IntegrationConfig",
        "metadata": {"name": name},
        "spec": {
            "git": {
                "type": "github",
                "repository": "acme/web",
                "tokenSecretRef": {"name": "github", "key": "token"},
            },
            "jobs": {
                "preSubmit": [{"name": "test", "image": "busybox", "script": "true"}],
                "postSubmit": [{"name": "publish", "image": "busybox", "command": ["true"]}],
            },
        },
    })
}

/// A sound config.
pub fn config(name: &str) -> anyhow::Result<IntegrationConfig> {
    serde_json::from_value(config_json(name)).context("config_json is an IntegrationConfig")
}

/// A sound job as JSON.
pub fn job_json(name: &str) -> Value {
    json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "IntegrationJob",
        "metadata": {"name": name},
        "spec": {
            "config": {"name": "web", "uid": "u"},
            "host": "github",
            "repository": "acme/web",
            "trigger": {"type": "PullRequest"},
            "base": {"ref": "refs/heads/main"},
            "pulls": [{"number": 1, "sha": "a".repeat(40), "author": "ada"}],
            "jobs": [{"name": "test", "image": "busybox", "script": "true"}],
            "timeout": "1h",
        },
    })
}

/// Creates a config of this name.
pub async fn create_config(
    client: &Client,
    namespace: &str,
    name: &str,
) -> anyhow::Result<IntegrationConfig> {
    configs(client.clone(), namespace)
        .create(&PostParams::default(), &config(name)?)
        .await
        .with_context(|| format!("failed to create the config {name}"))
}

/// The code, the reason and the message of a refusal.
pub fn refusal<T>(outcome: kube::Result<T>) -> anyhow::Result<(u16, String, String)> {
    match outcome {
        Ok(_) => bail!("it was accepted"),
        Err(kube::Error::Api(status)) => Ok((status.code, status.reason.clone(), status.message.clone())),
        Err(other) => Err(other).context("failed to ask"),
    }
}
