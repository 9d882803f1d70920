//! Comments on GitHub: <https://docs.github.com/en/rest/issues/comments>. Those on pull requests are an issue's.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tidegate_model::{CommentId, CommitSha, PullRequestNumber, RepositoryPath};

use super::{
    GithubClient,
    answers::{ShownComment, ShownReview, ShownStatus},
};
use crate::client::{
    Answer, CommentFacts, CommitCommentFacts, HostError, Listing, Reaction, StatusFacts, found,
};

impl GithubClient {
    pub(crate) async fn comment(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/issues/comments/{comment}");
        let shown: Option<ShownComment> = found(self.api.get(&path).await)?;
        shown.map(ShownComment::into_facts).transpose()
    }

    /// Source: <https://docs.github.com/en/rest/pulls/reviews#get-a-review-for-a-pull-request>
    pub(crate) async fn review(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        review: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/pulls/{number}/reviews/{review}");
        let shown: Option<ShownReview> = found(self.api.get(&path).await)?;
        Ok(shown.map(ShownReview::into_facts).transpose()?.flatten())
    }

    pub(crate) async fn comments_since(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let mut comments = Listing::new();
        for page in 1..=Self::MAX_PAGES {
            let path = format!(
                "/repos/{repository}/issues/{number}/comments?since={since}&per_page=100&page={page}"
            );
            let answer = self.api.get_page(&path).await?;
            comments.add(answer.items()?, ShownComment::into_facts);
            if !has_next(&answer) {
                return Ok(comments.items);
            }
        }
        Err(HostError::unreadable(&"the list of comments has no end"))
    }

    pub(crate) async fn create_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/issues/{number}/comments");
        self.api.write(Method::POST, &path, &json!({"body": body}), &[StatusCode::CREATED]).await.map(drop)
    }

    /// Source: <https://docs.github.com/en/rest/commits/comments>
    pub(crate) async fn commit_comment(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        let path = format!("/repos/{repository}/comments/{comment}");
        let shown: Option<ShownComment> = found(self.api.get(&path).await)?;
        shown.map(ShownComment::into_commit_facts).transpose()
    }

    pub(crate) async fn commit_comments(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        let mut comments = Listing::new();
        for page in 1..=Self::MAX_PAGES {
            let path = format!("/repos/{repository}/commits/{commit}/comments?per_page=100&page={page}");
            let answer = self.api.get_page(&path).await?;
            comments.add(answer.items()?, ShownComment::into_commit_facts);
            if !has_next(&answer) {
                return Ok(comments.items);
            }
        }
        Err(HostError::unreadable(&"the list of comments has no end"))
    }

    pub(crate) async fn create_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/commits/{commit}/comments");
        self.api.write(Method::POST, &path, &json!({"body": body}), &[StatusCode::CREATED]).await.map(drop)
    }

    /// 200 says that the same account has reacted so before.
    /// Source: <https://docs.github.com/en/rest/reactions/reactions#create-reaction-for-an-issue-comment>
    pub(crate) async fn react(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
        reaction: Reaction,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/issues/comments/{comment}/reactions");
        let body = json!({"content": reaction.as_str()});
        let expected = [StatusCode::CREATED, StatusCode::OK];
        self.api.write(Method::POST, &path, &body, &expected).await.map(drop)
    }

    /// Source: <https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference>
    pub(crate) async fn statuses(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<Vec<StatusFacts>, HostError> {
        let mut statuses = Listing::new();
        for page in 1..=Self::MAX_PAGES {
            let path = format!("/repos/{repository}/commits/{sha}/statuses?per_page=100&page={page}");
            let answer = self.api.get_page(&path).await?;
            statuses.add(answer.items()?, |shown: ShownStatus| Ok(shown.into_facts()));
            if !has_next(&answer) {
                break;
            }
        }
        Ok(statuses.items)
    }
}

pub(super) fn has_next(answer: &Answer) -> bool {
    answer.header("link").is_some_and(|links| links.contains("rel=\"next\""))
}
