//! The calls that GitHub and Gitea answer alike: Gitea's API copies version 3 of GitHub's.
//!
//! Each client has these calls, and adds those that differ. What differs within a call is said by its [`Dialect`].

mod answers;
mod comments;
mod dialect;
mod hooks;
mod lists;
mod user;

pub(crate) use answers::{Commit, Repository, ShownComment};
pub(crate) use comments::V3Comments;
pub(crate) use dialect::{CommentAddress, Dialect};
pub(crate) use hooks::V3Hooks;
pub(crate) use lists::V3Lists;
pub(crate) use user::User;

use http::{Method, StatusCode};
use serde_json::json;
use tidegate_model::{CommitStatus, PullRequestNumber, RepositoryPath, StatusState};

use self::answers::PullRequest;
use crate::api::{Api, HostError, PullRequestFacts, optional};

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
        optional(shown.and_then(|shown: PullRequest| shown.into_facts(&Self::DIALECT)))
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
