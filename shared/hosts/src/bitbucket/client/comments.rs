//! Comments on pull requests and on commits.
//!
//! Sources: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>,
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/>

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tidegate_model::{CommentId, CommentKind, CommentPointer, CommitSha, PullRequestNumber, RepositoryPath};

use super::BitbucketClient;
use crate::{
    api::{Api, CommentFacts, CommitCommentFacts, HostError, Reaction, encoded, optional},
    bitbucket::account::{Shown, author},
    body::lenient,
};

const COMMENTS_PER_PAGE: u32 = 100;

#[derive(Deserialize)]
struct ShownComment {
    id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<Shown>,
    #[serde(default, deserialize_with = "lenient")]
    content: Content,
    created_on: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    updated_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    deleted: bool,
    /// Part of a review that its author is still writing.
    #[serde(default, deserialize_with = "lenient")]
    pending: bool,
    #[serde(default, deserialize_with = "lenient")]
    pullrequest: Option<Numbered>,
    #[serde(default, deserialize_with = "lenient")]
    commit: Option<Commit>,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default, deserialize_with = "lenient")]
    raw: String,
}

#[derive(Deserialize)]
struct Numbered {
    id: PullRequestNumber,
}

#[derive(Deserialize)]
struct Commit {
    hash: CommitSha,
}

impl ShownComment {
    /// A new comment shows two times that differ by some milliseconds.
    const SAME_TIME: SignedDuration = SignedDuration::from_secs(1);

    /// `None` for one that was deleted, which Bitbucket still shows, and for one that only its author can see yet.
    fn into_facts(self, pull_request: Option<PullRequestNumber>) -> Option<CommentFacts> {
        if self.deleted || self.pending {
            return None;
        }
        let is_edit = |at: &Timestamp| at.duration_since(self.created_on) >= Self::SAME_TIME;
        let author = author(self.user);
        Some(CommentFacts {
            id: self.id,
            kind: CommentKind::Comment,
            reviewed: None,
            pull_request: self.pullrequest.map(|shown| shown.id).or(pull_request),
            author: author.account.id,
            is_by_bot: author.is_bot,
            body: self.content.raw,
            created_at: whole_seconds(self.created_on),
            updated_at: whole_seconds(self.updated_on.filter(is_edit).unwrap_or(self.created_on)),
        })
    }

    fn into_commit_facts(self, asked: &CommitSha) -> Option<CommitCommentFacts> {
        let commit = self.commit.as_ref().map_or_else(|| asked.clone(), |commit| commit.hash.clone());
        Some(CommitCommentFacts { commit, comment: self.into_facts(None)? })
    }
}

/// The other hosts show whole seconds.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl BitbucketClient {
    pub(crate) async fn read_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        pointer: &CommentPointer,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let CommentPointer::Comment(id) = pointer else {
            // A review has no text of its own: what people write in it are comments.
            return Ok(Vec::new());
        };
        let path = format!("{}/{id}", comments_path(repository, number));
        let shown: Option<ShownComment> = optional(self.api.get(&path).await)?;
        Ok(shown.and_then(|shown| shown.into_facts(Some(number))).into_iter().collect())
    }

    pub(crate) async fn list_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let query = format!("updated_on >= {}", since.strftime("%Y-%m-%dT%H:%M:%S+00:00"));
        let query = format!("pagelen={COMMENTS_PER_PAGE}&sort=created_on&q={}", encoded(&query));
        let path = format!("{}?{query}", comments_path(repository, number));
        let read = |shown: ShownComment| Ok(shown.into_facts(Some(number)));
        let listing = self.list(&path, Api::MAX_ITEMS / COMMENTS_PER_PAGE, read).await?;
        let is_wanted = |comment: &CommentFacts| comment.updated_at >= whole_seconds(since);
        Ok(listing.complete("comments")?.into_iter().flatten().filter(is_wanted).collect())
    }

    pub(crate) async fn create_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        body: &str,
    ) -> Result<(), HostError> {
        self.write_comment(&comments_path(repository, number), body).await
    }

    pub(crate) async fn update_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        comment: CommentId,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("{}/{comment}", comments_path(repository, number));
        let body = json!({"content": {"raw": body}});
        self.api.write(Method::PUT, &path, &body, &[StatusCode::OK]).await.map(drop)
    }

    #[expect(clippy::unused_async, reason = "other hosts have reactions")]
    pub(crate) async fn react(
        &self,
        _: &RepositoryPath,
        _: PullRequestNumber,
        _: CommentId,
        _: Reaction,
    ) -> Result<(), HostError> {
        Err(HostError::Unsupported)
    }

    pub(crate) async fn read_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        comment: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        let path = format!("{}/{comment}", commit_comments_path(repository, commit));
        let shown: Option<ShownComment> = optional(self.api.get(&path).await)?;
        Ok(shown.and_then(|shown| shown.into_commit_facts(commit)))
    }

    pub(crate) async fn list_commit_comments(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        let query = format!("pagelen={COMMENTS_PER_PAGE}&sort=created_on");
        let path = format!("{}?{query}", commit_comments_path(repository, commit));
        let read = |shown: ShownComment| Ok(shown.into_commit_facts(commit));
        let listing = self.list(&path, Api::MAX_ITEMS / COMMENTS_PER_PAGE, read).await?;
        Ok(listing.complete("comments")?.into_iter().flatten().collect())
    }

    pub(crate) async fn create_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        body: &str,
    ) -> Result<(), HostError> {
        self.write_comment(&commit_comments_path(repository, commit), body).await
    }

    async fn write_comment(&self, path: &str, body: &str) -> Result<(), HostError> {
        let body = json!({"content": {"raw": body}});
        self.api.write(Method::POST, path, &body, &[StatusCode::CREATED]).await.map(drop)
    }
}

fn comments_path(repository: &RepositoryPath, number: PullRequestNumber) -> String {
    format!("/repositories/{repository}/pullrequests/{number}/comments")
}

fn commit_comments_path(repository: &RepositoryPath, commit: &CommitSha) -> String {
    format!("/repositories/{repository}/commit/{commit}/comments")
}
