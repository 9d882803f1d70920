//! Calls about comments. Those on a pull request are addressed by its number, those on a commit by the commit: not every host
//! finds a comment by its id alone.

use jiff::Timestamp;
use tidegate_model::{CommentId, CommentPointer, CommitSha, PullRequestNumber, RepositoryPath};

use crate::{
    client::{CommentFacts, CommitCommentFacts, HostClient, HostError, Reaction},
    v3::V3Comments,
};

impl HostClient {
    /// The comments that a pointer means, oldest first. It is one, or none any more; only reviews that one person submitted
    /// within the same second can't be distinguished where deliveries don't name them. A review that its author is still writing
    /// is not there yet.
    ///
    /// The comment may be on another pull request or issue than the one that was asked for: its facts say which. Right: Pull
    /// requests read; `read:issue` and `read:repository`.
    pub async fn read_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        pointer: &CommentPointer,
    ) -> Result<Vec<CommentFacts>, HostError> {
        on_host!(self, client => client.read_comments(repository, number, pointer).await)
    }

    /// The comments in a pull request's conversation that were written or edited since then, oldest first. More than a
    /// thousand are an error.
    ///
    /// `NotFound`: the pull request. Right: Pull requests read; `read:issue`.
    pub async fn list_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        on_host!(self, client => client.list_comments(repository, number, since).await)
    }

    /// Comments on a pull request, in Markdown.
    ///
    /// Not idempotent: whoever repeats it looks for its own comment first. `NotFound`: the pull request. Right: Pull requests
    /// write; `write:issue`.
    pub async fn create_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        body: &str,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.create_comment(repository, number, body).await)
    }

    /// Replaces the text of a comment in a pull request's conversation that the credential's owner wrote, in Markdown.
    ///
    /// Idempotent. `NotFound`: the comment. Right: as `create_comment`.
    pub async fn update_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        comment: CommentId,
        body: &str,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.update_comment(repository, number, comment, body).await)
    }

    /// Reacts to a comment in a pull request's conversation, where the host [can](tidegate_model::Capabilities).
    ///
    /// Idempotent: the host keeps one reaction of each account and kind. `NotFound`: the comment. Right: as
    /// `create_comment`.
    pub async fn react(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        comment: CommentId,
        reaction: Reaction,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.react(repository, number, comment, reaction).await)
    }

    /// A comment on a commit, where the host has such; `None` when it has none of this id.
    ///
    /// The comment may be on another commit than the one that was asked for: its facts say which. Right: Contents read.
    pub async fn read_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        comment: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        on_host!(self, client => client.read_commit_comment(repository, commit, comment).await)
    }

    /// The comments on a commit, where the host has such, oldest first. More than a thousand are an error.
    ///
    /// `NotFound`: the repository, or the commit. Right: Contents read.
    pub async fn list_commit_comments(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        on_host!(self, client => client.list_commit_comments(repository, commit).await)
    }

    /// Comments on a commit, where the host has such comments, in Markdown.
    ///
    /// Not idempotent: whoever repeats it looks for its own comment first. `NotFound`: the repository, or the commit. Right:
    /// Contents write.
    pub async fn create_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        body: &str,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.create_commit_comment(repository, commit, body).await)
    }
}
