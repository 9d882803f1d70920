//! The calls that GitHub and Gitea answer alike: Gitea's API copies version 3 of GitHub's.
//!
//! Each client has these calls, and adds those that differ. What differs within a call is said by its [`Dialect`].

mod answers;
mod comments;
mod hooks;
mod lists;

pub(crate) use answers::{Commit, Repository, ShownComment, User};
pub(crate) use comments::V3Comments;
pub(crate) use hooks::V3Hooks;
pub(crate) use lists::V3Lists;

use http::{Method, StatusCode};
use serde_json::json;
use tidegate_model::{CommitStatus, PullRequestNumber, RepositoryPath, StatusState};

use self::answers::PullRequest;
use crate::client::{Api, HostError, PullRequestFacts, found};

/// In what the two differ within one call.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// The host's own name for people who are gone.
    pub(crate) ghost: &'static str,
    /// Whether the host says of an account that it is no person.
    pub(crate) is_bot: fn(&User) -> bool,
    /// The address in a comment that ends with the number of its pull request.
    pub(crate) comment_address: fn(&ShownComment) -> &str,
    /// Whether a delivery about a review says which one.
    pub(crate) deliveries_name_reviews: bool,
    /// Whether the comments of a conversation come in pages.
    pub(crate) comments_have_pages: bool,
    /// How open pull requests are sorted by age.
    pub(crate) oldest_first: &'static str,
    /// How a commit's statuses are sorted, the newest first.
    pub(crate) newest_status_first: &'static str,
    /// What the events that Tidegate uses are called where a hook is shown.
    pub(crate) hook_events: &'static [&'static str],
}

/// A client of such an API.
pub(crate) trait V3 {
    const DIALECT: Dialect;

    fn api(&self) -> &Api;

    /// Follows the redirect from a path that the repository had before.
    async fn read_repository(&self, repository: &RepositoryPath) -> Result<RepositoryPath, HostError> {
        let shown: Repository = self.api().get(&format!("/repos/{repository}")).await?;
        Ok(shown.full_name)
    }

    /// Whether the owner of the token may push.
    async fn may_push(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        let shown: Repository = self.api().get(&format!("/repos/{repository}")).await?;
        Ok(shown.permissions.push)
    }

    async fn read_pull_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<Option<PullRequestFacts>, HostError> {
        let shown = self.api().get(&format!("/repos/{repository}/pulls/{number}")).await;
        found(shown.and_then(|shown: PullRequest| shown.into_facts(&Self::DIALECT)))
    }

    /// Sources: <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>, `CommitStatusState` in
    /// `modules/commitstatus/commit_status.go` of Gitea 1.26.
    async fn set_status(&self, repository: &RepositoryPath, status: &CommitStatus) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/statuses/{}", status.sha);
        let state = match status.state {
            StatusState::Pending => "pending",
            StatusState::Success => "success",
            StatusState::Failure => "failure",
            StatusState::Error => "error",
        };
        let body = json!({
            "state": state,
            "context": status.context,
            "description": status.description,
            "target_url": status.target_url,
        });
        self.api().write(Method::POST, &path, &body, &[StatusCode::CREATED]).await.map(drop)
    }
}
