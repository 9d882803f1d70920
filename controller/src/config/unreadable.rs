//! A config that our types can't parse: its status shows the error, and it can be deleted like any other.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::{
    Api,
    api::{Patch, PatchParams},
    core::PartialObjectMeta,
    runtime::controller::Action,
};
use serde_json::json;
use tidegate_resources::{
    Condition, ConditionStatus, ConfigJobs, FINALIZER, IntegrationConfig, IntegrationConfigSpec,
    IntegrationConfigStatus, set_condition,
};
use tidegate_telemetry::field;

use super::{cleanup, error::ReconcileError};
use crate::{
    context::Context,
    stores::configs::{StoredConfig, UnreadableConfig},
};

/// The reason of the condition `Ready`.
const REASON: &str = "Unreadable";
/// The delay of the next try after the API server refused the condition.
const RETRY: Duration = Duration::from_mins(5);

/// Writes the error into the config's status. If the config is being deleted, removes the webhook and the finalizer.
pub async fn reconcile(config: &UnreadableConfig, context: &Context) -> Result<Action, ReconcileError> {
    let name = config.display_name();
    context.metrics.reconcile_failure("config", "unreadable");
    tracing::warn!(
        { field::CONFIG } = name,
        { field::ERROR } = config.error,
        "IntegrationConfig {name} can't be read, and its commands wait: {}",
        config.error
    );
    if config.metadata.deletion_timestamp.is_some() {
        return release(config, context).await;
    }
    let status = status(config, Timestamp::now());
    if status == config.status {
        return Ok(Action::await_change());
    }
    let api: Api<StoredConfig> = context.namespaced(config.metadata.namespace.as_deref().unwrap_or_default());
    let patch = Patch::Merge(json!({"status": {"conditions": status.conditions}}));
    let object = config.metadata.name.as_deref().unwrap_or_default();
    match api.patch_status(object, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(Action::await_change()),
        Err(error) => {
            // An API server without validation ratcheting (before Kubernetes 1.30) refuses every write of such an object.
            tracing::warn!(
                { field::CONFIG } = name,
                { field::ERROR } = crate::error_chain(&error),
                "failed to write the condition of IntegrationConfig {name}"
            );
            Ok(Action::requeue(RETRY))
        }
    }
}

/// The new status.
fn status(config: &UnreadableConfig, now: Timestamp) -> IntegrationConfigStatus {
    let mut status = config.status.clone();
    let condition = Condition {
        type_: "Ready".to_owned(),
        status: ConditionStatus::False,
        reason: REASON.to_owned(),
        message: format!("the config can't be read: {}", config.error),
        last_transition_time: now.to_string(),
        observed_generation: config.metadata.generation,
    };
    set_condition(&mut status.conditions, condition);
    status
}

async fn release(config: &UnreadableConfig, context: &Context) -> Result<Action, ReconcileError> {
    let finalizers = config.metadata.finalizers.as_deref().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(Action::await_change());
    }
    if let Some(stand_in) = stand_in(config) {
        cleanup::cleanup(&stand_in, context, Timestamp::now()).await?;
    } else {
        let reason = format!("spec.git can't be read: {}", config.error);
        let repository = "an unreadable config";
        cleanup::leave_behind(&config.metadata, &config.status, repository, &reason, context).await?;
    }
    let kept: Vec<_> = finalizers.iter().filter(|finalizer| *finalizer != FINALIZER).collect();
    let metadata = json!({"finalizers": kept, "resourceVersion": config.metadata.resource_version});
    let api: Api<PartialObjectMeta<IntegrationConfig>> =
        context.namespaced(config.metadata.namespace.as_deref().unwrap_or_default());
    let patch = Patch::Merge(json!({"metadata": metadata}));
    let object = config.metadata.name.as_deref().unwrap_or_default();
    api.patch(object, &PatchParams::default(), &patch).await.map_err(ReconcileError::Status)?;
    Ok(Action::await_change())
}

/// A config with the same repository and credential, and no jobs: enough to remove its webhook.
fn stand_in(config: &UnreadableConfig) -> Option<IntegrationConfig> {
    let spec = IntegrationConfigSpec {
        git: config.git.clone()?,
        jobs: ConfigJobs::default(),
        timeout: None,
        max_concurrent_runs: None,
    };
    Some(IntegrationConfig { metadata: config.metadata.clone(), spec, status: Some(config.status.clone()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable() -> UnreadableConfig {
        let stored = serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"namespace": "ci", "name": "shop", "generation": 3},
            "spec": {"git": {"type": "gitea", "repository": "acme/shop"}, "timeout": "0s"},
            "status": {"webhook": {"salt": "0123456789abcdef", "id": "7"}},
        }))
        .expect("a stored config");
        match stored {
            StoredConfig::Unreadable(config) => *config,
            StoredConfig::Readable(_) => unreachable!("0s was read"),
        }
    }

    #[test]
    fn its_condition_names_the_field_and_is_written_once() {
        let mut config = unreadable();
        let at = |second| Timestamp::from_second(second).expect("a time");
        let first = status(&config, at(1));
        let ready = &first.conditions[0];
        assert_eq!((ready.reason.as_str(), ready.observed_generation), ("Unreadable", Some(3)));
        assert!(ready.message.contains("spec.timeout"), "{}", ready.message);
        assert_eq!(first.webhook, config.status.webhook);
        config.status = first.clone();
        assert_eq!(status(&config, at(2)), first);
    }

    #[test]
    fn an_unreadable_config_still_removes_its_webhook() {
        let stand_in = stand_in(&unreadable()).expect("its repository can be read");
        let webhook = stand_in.status.and_then(|status| status.webhook).and_then(|webhook| webhook.id);
        assert_eq!((stand_in.spec.git.repository.as_str(), webhook.as_deref()), ("acme/shop", Some("7")));
    }
}
