//! Which configs to check again when another one changes: those whose contexts belonged to it. Pure.

use std::sync::Arc;

use kube::{ResourceExt as _, runtime::reflector::ObjectRef, runtime::watcher::Event};
use tidegate_resources::{Condition, ConditionStatus, IntegrationConfig};

use crate::configs::StoredConfig;

/// The condition that says whose the commit statuses of a config are. It stands apart from `Ready`, which names one reason of
/// several.
pub const CONTEXTS_OWNED: &str = "ContextsOwned";

/// The condition that says that an older config owns the commit statuses of this one.
pub fn conflict(config: &IntegrationConfig) -> Option<&Condition> {
    let mut conditions = config.status.iter().flat_map(|status| &status.conditions);
    conditions.find(|c| c.type_ == CONTEXTS_OWNED && c.status == ConditionStatus::False)
}

/// The configs whose conflict may be over, or begin, after an event of the watch: those in conflict, and those beside a config that
/// has proven its right. A list that begins again tells no deletions.
pub fn to_check(event: &Event<StoredConfig>, all: &[Arc<StoredConfig>]) -> Vec<ObjectRef<StoredConfig>> {
    let proven = match event {
        Event::Apply(changed) => changed.readable().filter(|config| config.is_proven()),
        Event::Delete(_) | Event::Init | Event::InitApply(_) | Event::InitDone => None,
    };
    let changed = match event {
        Event::Apply(changed) | Event::Delete(changed) => Some((changed.name_any(), changed.uid())),
        Event::InitDone => None,
        Event::Init | Event::InitApply(_) => return Vec::new(),
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

    fn checked(event: &Event<StoredConfig>) -> Vec<String> {
        let all = [
            config("a", "shop", "Valid"),
            config("b", "shop", "ContextConflict"),
            config("c", "shop", "DependencyCycle"),
            config("b", "web", "ContextConflict"),
        ]
        .map(Arc::new);
        let references = to_check(event, &all).into_iter();
        references.map(|found| format!("{}/{}", found.namespace.unwrap_or_default(), found.name)).collect()
    }

    #[test]
    fn the_end_or_change_of_a_config_checks_those_of_its_name_that_are_in_conflict() {
        assert_eq!(checked(&Event::Delete(config("a", "shop", "Valid"))), ["b/shop"]);
        assert_eq!(checked(&Event::Apply(config("a", "shop", "Valid"))), ["b/shop"]);
        assert_eq!(checked(&Event::Apply(config("b", "shop", "ContextConflict"))), [""; 0], "its own change");
        assert_eq!(checked(&Event::Delete(config("a", "other", "Valid"))), [""; 0]);
    }

    #[test]
    fn a_new_list_checks_every_conflict_since_it_tells_no_deletions() {
        assert_eq!(checked(&Event::InitDone), ["b/shop", "b/web"]);
        assert_eq!(checked(&Event::Init), [""; 0]);
    }
}
