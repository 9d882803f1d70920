//! One command at a time for each pull request, branch and tag, so that what the host showed last is also carried out last: a
//! slow reading of an older head can't stop the run of a newer one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tidegate_model::{CommitSha, GitRef, Host, Intention, PullRequestNumber};
use tidegate_resources::IntegrationConfig;
use tokio::sync::OwnedMutexGuard;

/// One repository, whichever config names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    host: Host,
    site: String,
    path: String,
}

impl Repository {
    /// The repository of a config.
    pub fn of(config: &IntegrationConfig) -> Self {
        let git = &config.spec.git;
        let path = git.repository.as_str().to_ascii_lowercase();
        Self { host: git.type_, site: git.site(), path }
    }
}

/// One pull request, whichever config's hook tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PullRequest {
    repository: Repository,
    number: PullRequestNumber,
}

impl PullRequest {
    /// A pull request in the repository of a config.
    pub fn of(config: &IntegrationConfig, number: PullRequestNumber) -> Self {
        Self { repository: Repository::of(config), number }
    }
}

/// What a command works on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A pull request.
    PullRequest(PullRequest),
    /// A branch or tag.
    Ref(Ref),
    /// A commit whose comments are followed. Whoever has its turn may take that of a branch or tag, never the reverse.
    Commit(Repository, CommitSha),
}

/// A branch or tag, whichever config's hook tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ref {
    repository: Repository,
    reference: GitRef,
}

impl Subject {
    /// What a command works on, in the repository of a config.
    pub fn of(config: &IntegrationConfig, intention: &Intention) -> Self {
        match intention {
            Intention::RunPullRequest { pull_request, .. }
            | Intention::Cancel { pull_request }
            | Intention::FollowComment { pull_request, .. } => {
                Self::PullRequest(PullRequest::of(config, *pull_request))
            }
            Intention::FollowCommitComment { commit, .. } => {
                Self::Commit(Repository::of(config), commit.clone())
            }
            Intention::RunPush { reference, .. } | Intention::RecordRef { reference, .. } => {
                Self::Ref(Ref { repository: Repository::of(config), reference: reference.clone() })
            }
        }
    }
}

/// Whose turn it is. Only the leader drains, so nobody else works on the same pull request, branch or tag.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Subject, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else works on the same subject, in the order of asking; the turn ends with the guard.
    pub async fn take(&self, subject: Subject) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(subject).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use serde_json::json;

    use super::*;

    fn config(name: &str, repository: &str, api_url: Option<&str>) -> IntegrationConfig {
        let token = json!({"name": "git", "key": "token"});
        let git =
            json!({"type": "gitea", "apiUrl": api_url, "repository": repository, "tokenSecretRef": token});
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": name, "namespace": "ci"},
            "spec": {"git": git, "jobs": {}},
        }))
        .expect("a config")
    }

    #[tokio::test]
    async fn a_pull_request_is_worked_on_by_one_at_a_time_whichever_config_names_its_repository() {
        let turns = Turns::default();
        let of = |config: &IntegrationConfig, number| {
            Subject::PullRequest(PullRequest::of(config, PullRequestNumber(number)))
        };
        let shop = config("shop", "acme/shop", Some("https://git.example"));
        let same = config("other", "ACME/Shop", Some("https://GIT.example:443/"));
        let elsewhere = config("other", "acme/shop", Some("https://other.example"));
        let turn = turns.take(of(&shop, 7)).await;
        assert!(turns.take(of(&same, 7)).now_or_never().is_none());
        assert!(turns.take(of(&shop, 8)).now_or_never().is_some());
        assert!(turns.take(of(&elsewhere, 7)).now_or_never().is_some());
        drop(turn);
        assert!(turns.take(of(&same, 7)).now_or_never().is_some());
    }
}
