//! Which configs to check again when another one changes: those whose contexts belonged to it. Pure.

use std::sync::Arc;

use kube::{ResourceExt as _, runtime::reflector::ObjectRef};
use tidegate_resources::{Condition, ConditionStatus, IntegrationConfig};

use crate::stores::{
    Change,
    configs::{Name, StoredConfig},
};

/// The condition that shows whether a config owns its commit statuses. It is separate from `Ready`, which shows only one of
/// several reasons.
pub const CONTEXTS_OWNED: &str = "ContextsOwned";

/// The condition, if it shows that an older config owns the commit statuses of this one.
pub fn conflict(config: &IntegrationConfig) -> Option<&Condition> {
    let mut conditions = config.status.iter().flat_map(|status| &status.conditions);
    conditions.find(|c| c.type_ == CONTEXTS_OWNED && c.status == ConditionStatus::False)
}

/// The configs whose conflict may end or begin after a change of the store: those in conflict, and those beside a config that
/// has proven its right.
pub fn to_check(change: &Change<Arc<StoredConfig>>, all: &[Arc<StoredConfig>]) -> Vec<Name> {
    let proven = match change {
        Change::Applied(changed) => changed.readable().filter(|config| config.is_proven()),
        Change::Deleted(_) | Change::Listed => None,
    };
    let changed = match change {
        Change::Applied(changed) | Change::Deleted(changed) => Some((changed.name_any(), changed.uid())),
        Change::Listed => None,
    };
    let may_be_freed = |config: &&IntegrationConfig| match &changed {
        Some((name, uid)) => config.name_any() == *name && config.uid() != *uid,
        None => true,
    };
    let readable = all.iter().filter_map(|stored| stored.readable());
    let is_beside = |config: &IntegrationConfig| {
        proven.is_some_and(|proven| {
            proven.spec.git.is_same_repository(&config.spec.git)
                && proven.creation_timestamp() <= config.creation_timestamp()
        })
    };
    let in_conflict =
        readable.filter(|config| conflict(config).is_some() || is_beside(config)).filter(may_be_freed);
    in_conflict
        .map(|config| ObjectRef::new(&config.name_any()).within(&config.namespace().unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(namespace: &str, name: &str, reason: &str) -> StoredConfig {
        let owned = if reason == "ContextConflict" { "False" } else { "True" };
        let time = "2026-01-01T00:00:00Z";
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"namespace": namespace, "name": name, "uid": format!("{namespace}/{name}")},
            "spec": {"git": {"type": "gitea", "repository": "acme/shop"}},
            "status": {"conditions": [
                // The conflict counts whatever else is wrong.
                {"type": "Ready", "status": "False", "reason": "TektonVariable", "message": "", "lastTransitionTime": time},
                {"type": CONTEXTS_OWNED, "status": owned, "reason": reason, "message": "", "lastTransitionTime": time},
            ]},
        }))
        .expect("a config")
    }

    fn checked(change: &Change<Arc<StoredConfig>>) -> Vec<String> {
        let all = [
            config("a", "shop", "Valid"),
            config("b", "shop", "ContextConflict"),
            config("c", "shop", "DependencyCycle"),
            config("b", "web", "ContextConflict"),
        ]
        .map(Arc::new);
        let references = to_check(change, &all).into_iter();
        references.map(|found| format!("{}/{}", found.namespace.unwrap_or_default(), found.name)).collect()
    }

    #[test]
    fn the_end_or_change_of_a_config_checks_those_of_its_name_that_are_in_conflict() {
        assert_eq!(checked(&Change::Deleted(Arc::new(config("a", "shop", "Valid")))), ["b/shop"]);
        assert_eq!(checked(&Change::Applied(Arc::new(config("a", "shop", "Valid")))), ["b/shop"]);
        assert_eq!(
            checked(&Change::Applied(Arc::new(config("b", "shop", "ContextConflict")))),
            [""; 0],
            "its own change"
        );
        assert_eq!(checked(&Change::Deleted(Arc::new(config("a", "other", "Valid")))), [""; 0]);
    }

    #[test]
    fn the_first_list_checks_every_conflict_as_what_happened_before_is_unknown() {
        assert_eq!(checked(&Change::Listed), ["b/shop", "b/web"]);
    }
}
