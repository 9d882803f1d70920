//! Locks: one producer at a time works on a pull request, branch or tag. So the newest facts are carried out last: a slow read
//! of an older head can't cancel the run of a newer one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tidegate_model::{CommitSha, GitRef, Host, PullRequestNumber};
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

/// One pull request, whichever config names its repository.
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

/// The subject of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A pull request.
    PullRequest(PullRequest),
    /// A branch or tag.
    Ref(Repository, GitRef),
    /// A commit, for its comments. The holder of this lock may take that of a branch or tag, never the reverse.
    Commit(Repository, CommitSha),
}

impl Subject {
    /// A pull request in the repository of a config.
    pub fn pull_request(config: &IntegrationConfig, number: PullRequestNumber) -> Self {
        Self::PullRequest(PullRequest::of(config, number))
    }

    /// A branch or tag in the repository of a config.
    pub fn reference(config: &IntegrationConfig, reference: &GitRef) -> Self {
        Self::Ref(Repository::of(config), reference.clone())
    }

    /// A commit in the repository of a config.
    pub fn commit(config: &IntegrationConfig, commit: &CommitSha) -> Self {
        Self::Commit(Repository::of(config), commit.clone())
    }
}

/// The lock of a subject, held until this is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "dropping it releases the lock")] OwnedMutexGuard<()>);

/// The locks of all subjects. Only the leader creates runs, so locks in memory are enough.
#[derive(Debug, Default)]
pub struct Locks(Mutex<HashMap<Subject, Arc<tokio::sync::Mutex<()>>>>);

impl Locks {
    /// Waits for the lock, first come, first served.
    pub async fn lock(&self, subject: Subject) -> Held {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(subject).or_default())
        };
        Held(lock.lock_owned().await)
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
        let locks = Locks::default();
        let of =
            |config: &IntegrationConfig, number| Subject::pull_request(config, PullRequestNumber(number));
        let shop = config("shop", "acme/shop", Some("https://git.example"));
        let same = config("other", "ACME/Shop", Some("https://GIT.example:443/"));
        let elsewhere = config("other", "acme/shop", Some("https://other.example"));
        let held = locks.lock(of(&shop, 7)).await;
        assert!(locks.lock(of(&same, 7)).now_or_never().is_none());
        assert!(locks.lock(of(&shop, 8)).now_or_never().is_some());
        assert!(locks.lock(of(&elsewhere, 7)).now_or_never().is_some());
        drop(held);
        assert!(locks.lock(of(&same, 7)).now_or_never().is_some());
    }
}
