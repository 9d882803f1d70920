//! Whether the host has a config's repository under another path. Pure.

use tidegate_model::RepositoryPath;
use tidegate_resources::IntegrationConfig;

use super::status::Verdict;

/// The reason of the condition `Ready`.
pub const REASON: &str = "RepositoryRenamed";

/// The verdict on a repository that the host shows under this path; `None` if it is the config's path.
pub fn verdict(config: &IntegrationConfig, shown: &RepositoryPath) -> Option<Verdict> {
    let own = &config.spec.git.repository;
    let message =
        || format!("the host has {own} as {shown} now: make a config for {shown}, and delete this one");
    (!own.is_same_as(shown)).then(|| Verdict::no(REASON, message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_repository_is_named_and_another_case_of_its_path_is_ignored() {
        let config: IntegrationConfig = serde_json::from_value(serde_json::json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": "ci"},
            "spec": {"git": {"type": "gitea", "repository": "acme/shop"}},
        }))
        .expect("a config");
        let shown = |path: &str| verdict(&config, &path.parse().expect("a path"));
        assert_eq!(shown("ACME/Shop"), None);
        let message =
            "the host has acme/shop as acme/store now: make a config for acme/store, and delete this one";
        assert_eq!(shown("acme/store"), Some(Verdict::no("RepositoryRenamed", message)));
    }
}
