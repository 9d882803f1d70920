//! Comments on Gitea: those that only Gitea's deliveries point to, and those of a conversation since a time.

use jiff::Timestamp;
use tidegate_model::{
    CommentId, CommentPointer, CommitSha, HostTime, Login, PullRequestNumber, RepositoryPath,
};

use super::GiteaClient;
use crate::{
    client::{Api, CommentFacts, CommitCommentFacts, HostError, Listing, found},
    v3::{ShownComment, ShownReview, V3, V3Comments},
};

impl GiteaClient {
    pub(crate) async fn read_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        pointer: &CommentPointer,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let one = match pointer {
            CommentPointer::Comment(id) => self.read_comment(repository, *id).await?,
            CommentPointer::Review { review } => self.read_review(repository, number, *review).await?,
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
        let Some(reviews) = found(self.api.list(&path, Api::MAX_ITEMS, read).await)? else {
            return Ok(Vec::new());
        };
        let is_meant = |review: &CommentFacts| {
            review.author == *reviewer && review.created_at <= shown_at && !review.body.is_empty()
        };
        let mut reviews: Vec<CommentFacts> =
            reviews.whole("reviews")?.into_iter().flatten().filter(is_meant).collect();
        reviews.sort_by_key(|review| review.id);
        let newest = reviews.last().map(|review| review.created_at);
        reviews.retain(|review| Some(review.created_at) == newest);
        Ok(reviews)
    }

    /// Gitea knows no pages here.
    pub(crate) async fn list_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let path = format!("/repos/{repository}/issues/{number}/comments?since={since}");
        let mut comments = Listing::new();
        let read = |shown: ShownComment| shown.into_facts(&Self::DIALECT);
        comments.add(self.api.get_page(&path).await?.items()?, read);
        Ok(comments.items)
    }

    #[expect(clippy::unused_async, reason = "other hosts have comments on commits")]
    pub(crate) async fn read_commit_comment(
        &self,
        _: &RepositoryPath,
        _: &CommitSha,
        _: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        Err(HostError::Unsupported)
    }

    #[expect(clippy::unused_async, reason = "other hosts have comments on commits")]
    pub(crate) async fn list_commit_comments(
        &self,
        _: &RepositoryPath,
        _: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        Err(HostError::Unsupported)
    }

    #[expect(clippy::unused_async, reason = "other hosts have comments on commits")]
    pub(crate) async fn create_commit_comment(
        &self,
        _: &RepositoryPath,
        _: &CommitSha,
        _: &str,
    ) -> Result<(), HostError> {
        Err(HostError::Unsupported)
    }
}
