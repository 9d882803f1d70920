//! Status: what a config's status says, and its write.

use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Resource, ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tidegate_resources::{
    Condition, ConditionStatus, IntegrationConfig, IntegrationConfigSpec, IntegrationConfigStatus,
    WebhookStatus, set_condition,
};
use tidegate_rules::schedule::Limits;

use super::error::ReconcileError;
use crate::merge_patch;

/// The new value of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub status: ConditionStatus,
    /// One word.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Verdict {
    /// It holds.
    pub fn yes(reason: &'static str, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::True, reason, message: message.into() }
    }

    /// It doesn't hold.
    pub fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self { status: ConditionStatus::False, reason, message: message.into() }
    }
}

/// Whether a config's settings are within the operator's limits.
pub fn within(config: &IntegrationConfig, limits: Limits) -> Verdict {
    let spec = &config.spec;
    let timeout = spec.timeout.unwrap_or(IntegrationConfigSpec::DEFAULT_TIMEOUT);
    match limits.clamped(spec.max_concurrent_runs, timeout) {
        Some(clamped) => Verdict::no("Clamped", clamped),
        None => Verdict::yes("WithinLimits", "its runs get what the config asks for"),
    }
}

/// The new status of a config; equal to the old one if nothing has changed.
pub fn status(
    config: &IntegrationConfig,
    conditions: impl IntoIterator<Item = (&'static str, Verdict)>,
    webhook: Option<WebhookStatus>,
    now: Timestamp,
) -> IntegrationConfigStatus {
    let mut status = config.status.clone().unwrap_or_default();
    for (type_, verdict) in conditions {
        let condition = Condition {
            type_: type_.to_owned(),
            status: verdict.status,
            reason: verdict.reason.to_owned(),
            message: verdict.message,
            last_transition_time: now.to_string(),
            observed_generation: config.meta().generation,
        };
        set_condition(&mut status.conditions, condition);
    }
    status.webhook = webhook;
    status.observed_generation = config.meta().generation;
    status
}

/// Writes the status if it has changed.
pub async fn write(
    config: &IntegrationConfig,
    new: &IntegrationConfigStatus,
    api: &Api<IntegrationConfig>,
) -> Result<(), ReconcileError> {
    if config.status.as_ref() == Some(new) {
        return Ok(());
    }
    let patch = Patch::Merge(json!({ "status": merge_patch::between(config.status.as_ref(), new) }));
    api.patch_status(&config.name_any(), &PatchParams::default(), &patch)
        .await
        .map_err(ReconcileError::Status)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_condition_gives_an_equal_status() {
        let config: IntegrationConfig = serde_json::from_value(serde_json::json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": "ci", "generation": 2},
            "spec": {"git": {"type": "gitea", "repository": "acme/shop"}},
        }))
        .expect("a config");
        let verdict = || Verdict::yes("Fine", "all is well");
        let at = |second| Timestamp::from_second(second).expect("a time");
        let news = |registered| [("Ready", verdict()), ("WebhookRegistered", registered)];
        let refused = || Verdict::no("Refused", "no");
        let first = status(&config, news(refused()), None, at(1));
        let later = IntegrationConfig { status: Some(first.clone()), ..config };
        assert_eq!(status(&later, news(refused()), None, at(2)), first);
        let changed = status(&later, news(verdict()), None, at(2));
        assert_eq!(changed.conditions[1].last_transition_time, "1970-01-01T00:00:02Z");
    }
}
