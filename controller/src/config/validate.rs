//! What the CRD's own rules can't say about a config. Pure: `tidegate lint` and the drain ask the same.

use kube::ResourceExt;
use tidegate_resources::{IntegrationConfig, IntegrationConfigSpec};
use tidegate_rules::{
    filters::{self, PatternError},
    graph::{self, OrderError},
};

/// Why a config can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Jobs can't be put in order.
    #[error("spec.jobs.{list}: {problem}")]
    Order {
        /// preSubmit or postSubmit.
        list: &'static str,
        /// What is wrong.
        problem: OrderError,
    },
    /// A filter is no glob.
    #[error("spec.jobs.{list}: {problem}")]
    Pattern {
        /// preSubmit or postSubmit.
        list: &'static str,
        /// What is wrong.
        problem: PatternError,
    },
    /// An older config sets the same commit statuses.
    #[error(
        "the commit statuses tidegate/{name}/… of this repository belong to the older config {owner}: rename one"
    )]
    ContextConflict {
        /// The config's name.
        name: String,
        /// The other one: namespace/name.
        owner: String,
    },
}

impl Invalid {
    /// The condition's reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Order { problem: OrderError::Cycle(_), .. } => "DependencyCycle",
            Self::Order { problem: OrderError::Unknown { .. }, .. } => "UnknownDependency",
            Self::Pattern { .. } => "InvalidPattern",
            Self::ContextConflict { .. } => "ContextConflict",
        }
    }
}

/// Checks what lies in the config itself.
pub fn spec(spec: &IntegrationConfigSpec) -> Result<(), Invalid> {
    for (list, jobs) in [("preSubmit", &spec.jobs.pre_submit), ("postSubmit", &spec.jobs.post_submit)] {
        graph::check(jobs).map_err(|problem| Invalid::Order { list, problem })?;
        for job in jobs {
            filters::check(job).map_err(|problem| Invalid::Pattern { list, problem })?;
        }
    }
    Ok(())
}

/// Checks that no older config of another namespace sets the same commit statuses.
pub fn contexts<'a>(
    config: &IntegrationConfig,
    all: impl IntoIterator<Item = &'a IntegrationConfig>,
) -> Result<(), Invalid> {
    let git = &config.spec.git;
    let age = |config: &IntegrationConfig| (config.metadata.creation_timestamp.clone(), config.uid());
    let owner = all.into_iter().find(|other| {
        other.name_any() == config.name_any()
            && other.uid() != config.uid()
            && other.metadata.deletion_timestamp.is_none()
            && other.spec.git.type_ == git.type_
            && other.spec.git.api_url() == git.api_url()
            && other.spec.git.repository.is_same_as(&git.repository)
            && age(other) < age(config)
    });
    match owner {
        None => Ok(()),
        Some(owner) => Err(Invalid::ContextConflict {
            name: config.name_any(),
            owner: format!("{}/{}", owner.namespace().unwrap_or_default(), owner.name_any()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(namespace: &str, created: &str, jobs: &serde_json::Value) -> IntegrationConfig {
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": namespace, "uid": namespace, "creationTimestamp": created},
            "spec": {
                "git": {"type": "gitea", "repository": "acme/shop", "apiUrl": "https://git.example.com",
                        "tokenSecretRef": {"name": "git", "key": "token"}},
                "jobs": jobs,
            },
        }))
        .expect("a config")
    }

    #[test]
    fn a_cycle_names_the_list_and_the_jobs() {
        let jobs = json!({"postSubmit": [
            {"name": "a", "image": "i", "script": "s", "after": ["b"]},
            {"name": "b", "image": "i", "script": "s", "after": ["a"]},
        ]});
        let invalid = spec(&config("ci", "2026-01-01T00:00:00Z", &jobs).spec).expect_err("a cycle");
        assert_eq!(invalid.reason(), "DependencyCycle");
        assert_eq!(
            invalid.to_string(),
            "spec.jobs.postSubmit: jobs wait for each other in a circle: a -> b -> a"
        );
    }

    #[test]
    fn a_bad_pattern_is_found_before_an_event_meets_it() {
        let jobs =
            json!({"preSubmit": [{"name": "a", "image": "i", "script": "s", "when": {"branches": ["[x"]}}]});
        let invalid = spec(&config("ci", "2026-01-01T00:00:00Z", &jobs).spec).expect_err("no glob");
        assert_eq!(invalid.reason(), "InvalidPattern");
    }

    #[test]
    fn of_two_configs_that_claim_the_same_contexts_the_older_one_has_them() {
        let old = config("a", "2026-01-01T00:00:00Z", &json!({}));
        let mut new = config("b", "2026-01-02T00:00:00Z", &json!({}));
        let all = [old.clone(), new.clone()];
        assert_eq!(contexts(&old, &all), Ok(()));
        let invalid = contexts(&new, &all).expect_err("a conflict");
        assert_eq!(invalid.reason(), "ContextConflict");
        assert!(invalid.to_string().contains("older config a/shop"), "{invalid}");
        new.spec.git.repository = "acme/other".parse().expect("a repository");
        assert_eq!(contexts(&new, &all), Ok(()));
    }
}
