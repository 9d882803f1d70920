//! The master keys that the configs' hooks are registered under, by the configs' status.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use kube::{Api, Client, Config, Resource as _, ResourceExt, api::ListParams, core::DeserializeGuard};
use tidegate_model::ObjectName;
use tidegate_resources::{ConditionStatus, IntegrationConfig};

/// The progress of registering hooks under one key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hooks {
    /// How many configs there are.
    pub(super) all: usize,
    /// Configs whose hook is under another key or not registered, each with the controller's reason.
    pub(super) missing: Vec<String>,
}

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client of the cluster that `kubectl` uses.
pub(super) async fn client() -> Result<Client> {
    let mut config = Config::infer()
        .await
        .context("failed to find the cluster: expected a kubeconfig or a ServiceAccount")?;
    config.read_timeout = Some(TIMEOUT);
    Client::try_from(config).context("failed to set up the client of the Kubernetes API")
}

/// A config, or the reason why it can't be read. The controller can't register an unreadable config's hook under another key.
pub(super) type Guarded = DeserializeGuard<IntegrationConfig>;

/// Reads the configs of these namespaces, or of all. A hook that this doesn't see would lose its key, so each namespace
/// must be readable.
pub(super) async fn configs(client: &Client, namespaces: &[ObjectName]) -> Result<Vec<Guarded>> {
    let namespaces: BTreeSet<_> = namespaces.iter().collect();
    let mut apis: Vec<Api<Guarded>> =
        namespaces.into_iter().map(|namespace| Api::namespaced(client.clone(), namespace.as_str())).collect();
    if apis.is_empty() {
        apis.push(Api::all(client.clone()));
    }
    let mut configs = Vec::new();
    for api in apis {
        let list = api.list(&ListParams::default()).await;
        configs.extend(list.with_context(|| format!("failed to list {}", api.resource_url()))?);
    }
    Ok(configs)
}

impl Hooks {
    /// Compares the configs with the key of this id. Those that are being deleted lose their hooks anyway.
    pub(super) fn under(key: &str, configs: &[Guarded]) -> Self {
        let live = configs.iter().filter(|config| config.meta().deletion_timestamp.is_none());
        let missing = live.clone().filter(|config| key_id(config) != Some(key)).map(describe);
        Self { all: live.clone().count(), missing: missing.collect() }
    }
}

/// The key that a config's hook is registered under.
fn key_id(DeserializeGuard(config): &Guarded) -> Option<&str> {
    config.as_ref().ok()?.status.as_ref()?.webhook.as_ref()?.key_id.as_deref()
}

fn describe(guarded: &Guarded) -> String {
    let name = format!("{}/{}", guarded.namespace().unwrap_or_default(), guarded.name_any());
    let config = match &guarded.0 {
        Ok(config) => config,
        Err(unreadable) => return format!("{name} (it can't be read: {})", unreadable.error),
    };
    let conditions = config.status.iter().flat_map(|status| &status.conditions);
    let mut failed = conditions
        .filter(|c| c.type_ == "WebhookRegistered" && c.status == ConditionStatus::False)
        .map(|condition| format!("{name} ({}: {})", condition.reason, condition.message));
    failed.next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn configs_under_another_key_are_missing_and_say_why() {
        let config = |name: &str, status: serde_json::Value, deleted: bool| -> Guarded {
            let mut metadata = json!({"name": name, "namespace": "ci"});
            if deleted {
                metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            }
            serde_json::from_value(json!({
                "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig", "metadata": metadata,
                "spec": {"git": {"type": "gitea", "repository": "acme/shop"}}, "status": status,
            }))
            .expect("a config")
        };
        let webhook = |key: &str| json!({"salt": "0123456789abcdef", "keyId": key});
        let refused = json!({
            "webhook": webhook("old"),
            "conditions": [{"type": "WebhookRegistered", "status": "False", "reason": "Forbidden",
                            "message": "no right", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        });
        let configs = [
            config("done", json!({"webhook": webhook("new")}), false),
            config("old", json!({"webhook": webhook("old")}), false),
            config("gone", json!({"webhook": webhook("old")}), true),
            config("refused", refused, false),
            config("fresh", json!(null), false),
            config("bad", json!({"webhook": 7}), false),
        ];
        let hooks = Hooks::under("new", &configs);
        assert_eq!((hooks.all, hooks.missing.len()), (5, 4));
        assert_eq!(hooks.missing[..3], ["ci/old", "ci/refused (Forbidden: no right)", "ci/fresh"]);
        assert!(hooks.missing[3].starts_with("ci/bad (it can't be read: "), "{:?}", hooks.missing);
    }
}
