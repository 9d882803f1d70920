//! The configs of a scene: what its user applies, and what the controller says of it.

use anyhow::{Context as _, Result};
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use serde_json::{Value, json};
use tidegate_resources::{ConditionStatus, IntegrationConfig};

use super::{CONFIG, REPOSITORY, Scene};

impl Scene {
    /// A config of the repository with these jobs.
    pub fn config(&self, jobs: &Value) -> Value {
        self.config_named(CONFIG, jobs)
    }

    pub(super) fn config_named(&self, name: &str, jobs: &Value) -> Value {
        json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": name, "namespace": self.world.namespace},
            "spec": {
                "git": {
                    "type": self.dialect,
                    "repository": self.world.forge.repository(REPOSITORY),
                    "apiUrl": self.world.forge.api_url(),
                    "tokenSecretRef": {"name": "git", "key": "token"},
                },
                "jobs": jobs,
            },
        })
    }

    /// Creates a config as a user does.
    pub async fn apply(&self, config: Value) -> Result<IntegrationConfig> {
        let config: IntegrationConfig = serde_json::from_value(config)?;
        let namespace = config.metadata.namespace.as_deref().context("a config without a namespace")?;
        let configs = Api::namespaced(self.world.client.clone(), namespace);
        configs.create(&PostParams::default(), &config).await.context("failed to create the config")
    }

    /// Creates a config of the repository in another namespace, and the Secret that it needs.
    pub async fn apply_in(&self, namespace: &str, name: &str, jobs: &Value) -> Result<()> {
        let secrets = |namespace: &str| Api::<Secret>::namespaced(self.world.client.clone(), namespace);
        let mut secret = secrets(&self.world.namespace).get("git").await?;
        secret.metadata = ObjectMeta { name: Some("git".to_owned()), ..ObjectMeta::default() };
        secrets(namespace).create(&PostParams::default(), &secret).await?;
        let mut config = self.config_named(name, jobs);
        config["metadata"]["namespace"] = namespace.into();
        self.apply(config).await.map(drop)
    }

    /// Waits until the webhook of a config in a namespace is registered.
    pub async fn registered_in(&self, namespace: &str, name: &str) -> Result<()> {
        let configs = Api::namespaced(self.world.client.clone(), namespace);
        let registered = |config: Option<&IntegrationConfig>| {
            condition(config, "WebhookRegistered", ConditionStatus::True)
        };
        self.wait_for(configs, name, "the webhook is registered", registered).await
    }

    /// Waits until the config's webhook is registered.
    pub async fn wait_until_registered(&self) -> Result<()> {
        self.registered_in(&self.world.namespace, CONFIG).await
    }

    /// Waits until a condition of the config has a status; returns its message.
    pub async fn wait_for_condition(&self, type_: &'static str, status: ConditionStatus) -> Result<String> {
        let what = format!("condition {type_} is {status:?}");
        self.wait_for(self.configs(), CONFIG, &what, |config: Option<&IntegrationConfig>| {
            condition(config, type_, status)
        })
        .await?;
        let config = self.configs().get(CONFIG).await?;
        let conditions = config.status.unwrap_or_default().conditions;
        Ok(conditions.into_iter().find(|c| c.type_ == type_).context("the condition is gone")?.message)
    }

    /// Deletes the config and waits until it is gone.
    pub async fn delete_config(&self) -> Result<()> {
        self.configs().delete(CONFIG, &DeleteParams::default()).await?;
        self.wait_for(self.configs(), CONFIG, "the config is gone", |config: Option<&IntegrationConfig>| {
            config.is_none()
        })
        .await
    }

    pub(super) fn configs(&self) -> Api<IntegrationConfig> {
        Api::namespaced(self.world.client.clone(), &self.world.namespace)
    }
}

fn condition(config: Option<&IntegrationConfig>, type_: &str, status: ConditionStatus) -> bool {
    let conditions = config.and_then(|config| config.status.as_ref()).map(|status| &status.conditions);
    conditions.is_some_and(|conditions| conditions.iter().any(|c| c.type_ == type_ && c.status == status))
}
