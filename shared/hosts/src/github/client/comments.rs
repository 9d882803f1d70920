//! Comments on commits. Source: <https://docs.github.com/en/rest/commits/comments>

use http::{Method, StatusCode};
use serde_json::json;
use tidegate_model::{CommentId, CommitSha, RepositoryPath};

use super::GithubClient;
use crate::{
    api::{Api, CommitCommentFacts, HostError, optional},
    v3::{ShownComment, V3},
};

impl GithubClient {
    pub(crate) async fn read_commit_comment(
        &self,
        repository: &RepositoryPath,
        _: &CommitSha,
        comment: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        let path = format!("/repos/{repository}/comments/{comment}");
        let shown: Option<ShownComment> = optional(self.api.get(&path).await)?;
        shown.map(|shown| shown.into_commit_facts(&Self::DIALECT)).transpose()
    }

    pub(crate) async fn list_commit_comments(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        let path = format!("/repos/{repository}/commits/{commit}/comments");
        let read = |shown: ShownComment| shown.into_commit_facts(&Self::DIALECT);
        self.api.list(&path, Api::MAX_ITEMS, read).await?.complete("comments")
    }

    pub(crate) async fn create_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/commits/{commit}/comments");
        let body = json!({ "body": body });
        self.api.write(Method::POST, &path, &body, &[StatusCode::CREATED]).await.map(drop)
    }
}
