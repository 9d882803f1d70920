//! Whether a config is valid: the `rules` of its jobs, and whether it owns its commit statuses. Pure.

use kube::ResourceExt;
use tidegate_resources::{IntegrationConfig, IntegrationConfigSpec};
use tidegate_rules::jobs::{self, List, Problem};

/// Why a config can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Its jobs are invalid.
    #[error(transparent)]
    Jobs(Problem),
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
            Self::Jobs(problem) => problem.reason(),
            Self::ContextConflict { .. } => "ContextConflict",
        }
    }
}

/// Checks that runs of the config can be planned.
pub fn validate_plan(spec: &IntegrationConfigSpec) -> Result<(), Invalid> {
    refuse(problems(spec).find(Problem::prevents_planning))
}

/// Checks the whole spec: a run that can be planned may still be unable to run.
pub fn validate_all(spec: &IntegrationConfigSpec) -> Result<(), Invalid> {
    validate_plan(spec)?;
    refuse(problems(spec).next())
}

fn problems(spec: &IntegrationConfigSpec) -> impl Iterator<Item = Problem> {
    let lists = [(List::PreSubmit, &spec.jobs.pre_submit), (List::PostSubmit, &spec.jobs.post_submit)];
    lists.into_iter().flat_map(|(list, jobs)| jobs::check(list, jobs))
}

fn refuse(problem: Option<Problem>) -> Result<(), Invalid> {
    problem.map_or(Ok(()), |problem| Err(Invalid::Jobs(problem)))
}

/// Checks that no older config of another namespace sets the same commit statuses. A config whose credential has proven no
/// right in the repository sets none.
pub fn validate_unique_contexts<'a>(
    config: &IntegrationConfig,
    all: impl IntoIterator<Item = &'a IntegrationConfig>,
) -> Result<(), Invalid> {
    match owner(config, all) {
        None => Ok(()),
        Some(owner) => Err(Invalid::ContextConflict {
            name: config.name_any(),
            owner: format!("{}/{}", owner.namespace().unwrap_or_default(), owner.name_any()),
        }),
    }
}

/// The older config that sets the same commit statuses as this one.
pub fn owner<'a>(
    config: &IntegrationConfig,
    all: impl IntoIterator<Item = &'a IntegrationConfig>,
) -> Option<&'a IntegrationConfig> {
    let git = &config.spec.git;
    let age = |config: &IntegrationConfig| (config.metadata.creation_timestamp.clone(), config.uid());
    all.into_iter().find(|other| {
        other.name_any() == config.name_any()
            && other.uid() != config.uid()
            && other.is_proven()
            && other.metadata.deletion_timestamp.is_none()
            && other.spec.git.is_same_repository(git)
            && age(other) < age(config)
    })
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
            "status": {"proof": {
                "apiUrl": "https://git.example.com", "secret": {"name": "git", "key": "token"},
            }},
        }))
        .expect("a config")
    }

    #[test]
    fn a_cycle_names_the_list_and_the_jobs() {
        let jobs = json!({"postSubmit": [
            {"name": "a", "image": "i", "script": "s", "after": ["b"]},
            {"name": "b", "image": "i", "script": "s", "after": ["a"]},
        ]});
        let invalid = validate_plan(&config("ci", "2026-01-01T00:00:00Z", &jobs).spec).expect_err("a cycle");
        assert_eq!(invalid.reason(), "DependencyCycle");
        assert_eq!(invalid.to_string(), "spec.jobs.postSubmit: dependency cycle: a -> b -> a");
    }

    #[test]
    fn a_bad_pattern_is_found_before_the_first_event() {
        let jobs =
            json!({"preSubmit": [{"name": "a", "image": "i", "script": "s", "when": {"branches": ["[x"]}}]});
        let invalid = validate_plan(&config("ci", "2026-01-01T00:00:00Z", &jobs).spec).expect_err("no glob");
        assert_eq!(invalid.reason(), "InvalidPattern");
    }

    #[test]
    fn a_variable_of_tektons_makes_a_config_unready_and_is_still_planned() {
        let jobs = json!({"preSubmit": [{"name": "a", "image": "i", "script": "echo $(params.x)"}]});
        let config = config("ci", "2026-01-01T00:00:00Z", &jobs);
        assert_eq!(validate_plan(&config.spec), Ok(()), "the run's status shows the reason");
        let invalid = validate_all(&config.spec).expect_err("a variable of Tekton's");
        assert_eq!(invalid.reason(), "TektonVariable");
        assert_eq!(
            invalid.to_string(),
            "spec.jobs.preSubmit: job a: script contains $(params.x), which Tekton would replace; write it another way"
        );
    }

    #[test]
    fn the_older_of_two_configs_owns_the_contexts_that_both_name() {
        let old = config("a", "2026-01-01T00:00:00Z", &json!({}));
        let mut new = config("b", "2026-01-02T00:00:00Z", &json!({}));
        let mut claims_only = old.clone();
        claims_only.status = None;
        assert_eq!(validate_unique_contexts(&new, &[claims_only]), Ok(()), "anybody may claim a repository");
        let all = [old.clone(), new.clone()];
        assert_eq!(validate_unique_contexts(&old, &all), Ok(()));
        new.spec.git.api_url = Some("https://GIT.example.com:443/".to_owned());
        let invalid = validate_unique_contexts(&new, &all).expect_err("a conflict");
        assert_eq!(invalid.reason(), "ContextConflict");
        assert!(invalid.to_string().contains("older config a/shop"), "{invalid}");
        new.spec.git.repository = "acme/other".parse().expect("a repository");
        assert_eq!(validate_unique_contexts(&new, &all), Ok(()));
    }
}
