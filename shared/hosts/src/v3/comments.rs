//! Comments on pull requests, which are an issue's, and reviews.
//!
//! Sources: <https://docs.github.com/en/rest/issues/comments>; `issue_comment.go`, `issue_reaction.go` and `pull_review.go` in
//! `routers/api/v1/repo` of Gitea 1.26.

use http::{Method, StatusCode};
use serde_json::json;
use tidegate_model::{CommentId, PullRequestNumber, RepositoryPath};

use super::{
    V3,
    answers::{ShownComment, ShownReview},
};
use crate::client::{CommentFacts, HostError, Reaction, found};

/// The calls about comments.
pub(crate) trait V3Comments: V3 {
    async fn read_comment(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/issues/comments/{comment}");
        match found(self.api().get_page(&path).await)? {
            // On Gitea, the id of something else in a conversation, like a changed label.
            Some(answer) if answer.status() == StatusCode::NO_CONTENT => Ok(None),
            Some(answer) => answer.read::<ShownComment>()?.into_facts(&Self::DIALECT).map(Some),
            None => Ok(None),
        }
    }

    /// Source: <https://docs.github.com/en/rest/pulls/reviews#get-a-review-for-a-pull-request>
    async fn read_review(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        review: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/pulls/{number}/reviews/{review}");
        let shown: Option<ShownReview> = found(self.api().get(&path).await)?;
        Ok(shown.map(|shown| shown.into_facts(&Self::DIALECT)).transpose()?.flatten())
    }

    async fn create_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/issues/{number}/comments");
        let body = json!({ "body": body });
        self.api().write(Method::POST, &path, &body, &[StatusCode::CREATED]).await.map(drop)
    }

    /// 200 says that the same account has reacted so before.
    /// Source: <https://docs.github.com/en/rest/reactions/reactions#create-reaction-for-an-issue-comment>
    async fn react(
        &self,
        repository: &RepositoryPath,
        _: PullRequestNumber,
        comment: CommentId,
        reaction: Reaction,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/issues/comments/{comment}/reactions");
        let body = json!({"content": match reaction { Reaction::ThumbsUp => "+1" }});
        let expected = [StatusCode::CREATED, StatusCode::OK];
        self.api().write(Method::POST, &path, &body, &expected).await.map(drop)
    }
}

impl<C: V3> V3Comments for C {}
