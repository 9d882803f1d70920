//! Comments on Gitea: those on pull requests are an issue's. Source: `issue_comment.go`, `issue_reaction.go` and
//! `pull_review.go` in `routers/api/v1/repo` of Gitea 1.26.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tidegate_model::{CommentId, CommitSha, HostTime, Login, PullRequestNumber, RepositoryPath};

use super::{
    GiteaClient,
    answers::{ShownComment, ShownReview, ShownStatus},
};
use crate::client::{CommentFacts, HostError, Listing, Reaction, StatusFacts, found};

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

    pub(crate) async fn review(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        review: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        let path = format!("/api/v1/repos/{repository}/pulls/{number}/reviews/{review}");
        let shown: Option<ShownReview> = found(self.api.get(&path).await)?;
        Ok(shown.map(ShownReview::into_facts).transpose()?.flatten())
    }

    /// The newest review of a person that a pull request held at a time, and those of the same second.
    ///
    /// One person writes one review of a pull request at a time, so the newest by number was submitted last
    /// (`SubmitReview` in Gitea's `models/issues/review.go`); its time is when it was begun.
    pub(crate) async fn latest_reviews(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        reviewer: &Login,
        shown_at: &HostTime,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let shown_at: Timestamp = shown_at.as_str().parse().map_err(|error| HostError::unreadable(&error))?;
        let path = format!("/api/v1/repos/{repository}/pulls/{number}/reviews");
        let mut reviews = Listing::new();
        let mut seen = 0;
        for page in 1..=Self::MAX_PAGES {
            let page = format!("{path}?limit=50&page={page}");
            let Some(answer) = found(self.api.get_page(&page).await)? else {
                return Ok(Vec::new());
            };
            let length = reviews.add(answer.items()?, ShownReview::into_facts);
            seen += length;
            let total = answer.header("x-total-count").and_then(|count| count.parse().ok()).unwrap_or(0);
            if length == 0 || seen >= total {
                let is_meant = |review: &CommentFacts| {
                    review.author == *reviewer && review.created_at <= shown_at && !review.body.is_empty()
                };
                let mut reviews: Vec<CommentFacts> =
                    reviews.items.into_iter().flatten().filter(is_meant).collect();
                reviews.sort_by_key(|review| review.id);
                let newest = reviews.last().map(|review| review.created_at);
                reviews.retain(|review| Some(review.created_at) == newest);
                return Ok(reviews);
            }
        }
        Err(HostError::unreadable(&"the list of reviews has no end"))
    }

    /// Gitea knows no pages here.
    pub(crate) async fn comments_since(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let path = format!("/api/v1/repos/{repository}/issues/{number}/comments?since={since}");
        let mut comments = Listing::new();
        comments.add(self.api.get_page(&path).await?.items()?, ShownComment::into_facts);
        Ok(comments.items)
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
        let mut statuses = Listing::new();
        let mut seen = 0;
        for page in 1..=Self::MAX_PAGES {
            let path = format!(
                "/api/v1/repos/{repository}/commits/{sha}/statuses?sort=leastindex&limit=50&page={page}"
            );
            let answer = self.api.get_page(&path).await?;
            let length = statuses.add(answer.items()?, |shown: ShownStatus| Ok(shown.into_facts()));
            seen += length;
            let total = answer.header("x-total-count").and_then(|count| count.parse().ok()).unwrap_or(0);
            if length == 0 || seen >= total {
                break;
            }
        }
        Ok(statuses.items)
    }
}
