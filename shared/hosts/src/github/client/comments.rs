//! Comments on GitHub: those of a conversation since a time, and those on commits.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tidegate_model::{CommentId, CommentPointer, CommitSha, PullRequestNumber, RepositoryPath};

use super::GithubClient;
use crate::{
    client::{Api, CommentFacts, CommitCommentFacts, HostError, found},
    v3::{ShownComment, V3, V3Comments},
};

impl GithubClient {
    pub(crate) async fn read_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        pointer: &CommentPointer,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let one = match pointer {
            CommentPointer::Comment(id) => self.read_comment(repository, *id).await?,
            CommentPointer::Review { review } => self.read_review(repository, number, *review).await?,
            // GitHub's deliveries name the review.
            CommentPointer::LatestReview { .. } => None,
        };
        Ok(one.into_iter().collect())
    }

    /// Source: <https://docs.github.com/en/rest/issues/comments#list-issue-comments>
    pub(crate) async fn list_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/issues/{number}/comments?since={since}");
        let read = |shown: ShownComment| shown.into_facts(&Self::DIALECT);
        self.api.list(&path, Api::MAX_ITEMS, read).await?.whole("comments")
    }

    /// Source: <https://docs.github.com/en/rest/commits/comments>
    pub(crate) async fn read_commit_comment(
        &self,
        repository: &RepositoryPath,
        _: &CommitSha,
        comment: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        let path = format!("/repos/{repository}/comments/{comment}");
        let shown: Option<ShownComment> = found(self.api.get(&path).await)?;
        shown.map(|shown| shown.into_commit_facts(&Self::DIALECT)).transpose()
    }

    pub(crate) async fn list_commit_comments(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        let path = format!("/repos/{repository}/commits/{commit}/comments");
        let read = |shown: ShownComment| shown.into_commit_facts(&Self::DIALECT);
        self.api.list(&path, Api::MAX_ITEMS, read).await?.whole("comments")
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
