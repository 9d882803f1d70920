//! Comments on pull requests, which are an issue's, and reviews.
//!
//! Sources: <https://docs.github.com/en/rest/issues/comments>; `issue_comment.go`, `issue_reaction.go` and `pull_review.go` in
//! `routers/api/v1/repo` of Gitea 1.26.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tidegate_model::{CommentId, CommentPointer, HostTime, Login, PullRequestNumber, RepositoryPath};

use super::{
    V3,
    answers::{ShownComment, ShownReview},
};
use crate::api::{Api, CommentFacts, HostError, Listing, Reaction, optional};

/// The calls about comments.
pub(crate) trait V3Comments: V3 {
    async fn read_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        pointer: &CommentPointer,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let one = match pointer {
            CommentPointer::Comment(id) => self.read_comment(repository, *id).await?,
            CommentPointer::Review { review } => self.read_review(repository, number, *review).await?,
            CommentPointer::LatestReview { .. } if Self::DIALECT.deliveries_name_reviews => None,
            CommentPointer::LatestReview { reviewer, shown_at } => {
                return self.read_latest_reviews(repository, number, reviewer, shown_at).await;
            }
        };
        Ok(one.into_iter().collect())
    }

    /// The newest review of a person that a pull request held at a time, and those of the same second.
    ///
    /// One person writes one review of a pull request at a time, so the newest by number was submitted last
    /// (`SubmitReview` in Gitea's `models/issues/review.go`); its time is when it was begun.
    async fn read_latest_reviews(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        reviewer: &Login,
        shown_at: &HostTime,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let shown_at: Timestamp = shown_at.as_str().parse().map_err(|error| HostError::unreadable(&error))?;
        let path = format!("/repos/{repository}/pulls/{number}/reviews");
        let read = |shown: ShownReview| shown.into_facts(&Self::DIALECT);
        let Some(reviews) = optional(self.api().list(&path, Api::MAX_ITEMS, read).await)? else {
            return Ok(Vec::new());
        };
        let is_meant = |review: &CommentFacts| {
            review.author == *reviewer && review.created_at <= shown_at && !review.body.is_empty()
        };
        let mut reviews: Vec<CommentFacts> =
            reviews.complete("reviews")?.into_iter().flatten().filter(is_meant).collect();
        reviews.sort_by_key(|review| review.id);
        let newest = reviews.last().map(|review| review.created_at);
        reviews.retain(|review| Some(review.created_at) == newest);
        Ok(reviews)
    }

    async fn list_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/issues/{number}/comments?since={since}");
        let read = |shown: ShownComment| shown.into_facts(&Self::DIALECT);
        if Self::DIALECT.comments_have_pages {
            return self.api().list(&path, Api::MAX_ITEMS, read).await?.complete("comments");
        }
        let mut comments = Listing::new();
        comments.add(self.api().get_page(&path).await?.items()?, read);
        Ok(comments.items)
    }

    async fn read_comment(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/issues/comments/{comment}");
        match optional(self.api().get_page(&path).await)? {
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
        let shown: Option<ShownReview> = optional(self.api().get(&path).await)?;
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

    /// Source: <https://docs.github.com/en/rest/issues/comments#update-an-issue-comment>
    async fn update_comment(
        &self,
        repository: &RepositoryPath,
        _: PullRequestNumber,
        comment: CommentId,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/issues/comments/{comment}");
        let body = json!({ "body": body });
        self.api().write(Method::PATCH, &path, &body, &[StatusCode::OK]).await.map(drop)
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
