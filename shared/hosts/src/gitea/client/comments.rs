//! Comments on Gitea: those on pull requests are an issue's. Source: `routers/api/v1/repo/issue_comment.go` and
//! `issue_reaction.go` of Gitea 1.26.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tidegate_model::{CommentId, CommitSha, PullRequestNumber, RepositoryPath};

use super::{
    GiteaClient,
    answers::{ShownComment, ShownStatus},
};
use crate::client::{CommentFacts, HostError, Reaction, StatusFacts, found};

impl GiteaClient {
    pub(crate) async fn comment(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        let path = format!("/api/v1/repos/{repository}/issues/comments/{comment}");
        match found(self.api.get_page(&path).await)? {
            // The id of something else in a conversation, like a changed label.
            Some(answer) if answer.status() == StatusCode::NO_CONTENT => Ok(None),
            Some(answer) => answer.read::<ShownComment>()?.into_facts().map(Some),
            None => Ok(None),
        }
    }

    /// Gitea knows no pages here.
    pub(crate) async fn comments_since(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let path = format!("/api/v1/repos/{repository}/issues/{number}/comments?since={since}");
        let shown: Vec<ShownComment> = self.api.get(&path).await?;
        shown.into_iter().map(ShownComment::into_facts).collect()
    }

    pub(crate) async fn create_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("/api/v1/repos/{repository}/issues/{number}/comments");
        self.api.write(Method::POST, &path, &json!({"body": body}), &[StatusCode::CREATED]).await.map(drop)
    }

    /// 200 says that the same account has reacted so before.
    pub(crate) async fn react(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
        reaction: Reaction,
    ) -> Result<(), HostError> {
        let path = format!("/api/v1/repos/{repository}/issues/comments/{comment}/reactions");
        let body = json!({"content": reaction.as_str()});
        let expected = [StatusCode::CREATED, StatusCode::OK];
        self.api.write(Method::POST, &path, &body, &expected).await.map(drop)
    }

    /// By the index downwards, whatever the name of the order says: `ToOrders` in `models/git/commit_status.go`.
    pub(crate) async fn statuses(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<Vec<StatusFacts>, HostError> {
        let mut statuses = Vec::new();
        for page in 1..=Self::MAX_PAGES {
            let path = format!(
                "/api/v1/repos/{repository}/commits/{sha}/statuses?sort=leastindex&limit=50&page={page}"
            );
            let answer = self.api.get_page(&path).await?;
            let shown: Vec<ShownStatus> = answer.read()?;
            let total = answer.header("x-total-count").and_then(|count| count.parse().ok()).unwrap_or(0);
            let is_last = shown.is_empty() || statuses.len() + shown.len() >= total;
            statuses.extend(shown.into_iter().map(ShownStatus::into_facts));
            if is_last {
                break;
            }
        }
        Ok(statuses)
    }
}
