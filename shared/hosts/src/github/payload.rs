//! What is used of GitHub's payloads, and nothing else: every other field may change or be missing.
//!
//! Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use tidegate_model::{CommentId, CommitSha, GitRef, Login, PullRequestNumber, RefName, RepositoryPath};

use crate::body::{branch_or_tag, commit_or_zeros, lenient, object};

#[derive(Deserialize)]
pub(super) struct PullRequestPayload {
    pub(super) action: PullRequestAction,
    pub(super) pull_request: PullRequest,
    pub(super) repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) changes: Option<Changes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PullRequestAction {
    Opened,
    Reopened,
    Synchronize,
    Edited,
    Closed,
    #[serde(other)]
    Other,
}

/// What an edit changed: `base` is there when the pull request wants to merge into another branch now, `title` when it has
/// another title.
#[derive(Deserialize)]
pub(super) struct Changes {
    pub(super) base: Option<IgnoredAny>,
    pub(super) title: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: PullRequestNumber,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) merged: Option<bool>,
    #[serde(default, deserialize_with = "object")]
    pub(super) head: Option<Head>,
    #[serde(default, deserialize_with = "object")]
    pub(super) base: Option<Base>,
}

#[derive(Deserialize, Default)]
pub(super) struct Head {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sha: Option<CommitSha>,
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    pub(super) branch: Option<RefName>,
    /// `null` when the fork was deleted.
    #[serde(default, deserialize_with = "object")]
    pub(super) repo: Option<HeadRepository>,
}

#[derive(Deserialize)]
pub(super) struct HeadRepository {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) full_name: Option<RepositoryPath>,
}

#[derive(Deserialize)]
pub(super) struct Base {
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    pub(super) branch: Option<RefName>,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: RepositoryPath,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: Login,
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub(super) kind: UserKind,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
pub(super) enum UserKind {
    Bot,
    #[default]
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct PushPayload<'a> {
    #[serde(rename = "ref", deserialize_with = "branch_or_tag")]
    pub(super) reference: Option<GitRef>,
    #[serde(deserialize_with = "commit_or_zeros")]
    pub(super) after: Option<CommitSha>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(super) head_commit: Option<Commit<'a>>,
    pub(super) repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct Commit<'a> {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<CommitSha>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(super) message: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct CommentPayload<'a> {
    pub(super) action: CommentAction,
    pub(super) issue: Issue,
    #[serde(borrow)]
    pub(super) comment: Comment<'a>,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CommentAction {
    Created,
    Edited,
    Deleted,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) number: PullRequestNumber,
    /// There only when the issue is a pull request.
    pub(super) pull_request: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Comment<'a> {
    pub(super) id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<User>,
    /// Missing where there is no text.
    #[serde(borrow, default)]
    pub(super) body: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct CommitCommentPayload<'a> {
    pub(super) action: CommitCommentAction,
    #[serde(borrow)]
    pub(super) comment: CommitComment<'a>,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CommitCommentAction {
    Created,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct CommitComment<'a> {
    pub(super) id: CommentId,
    pub(super) commit_id: CommitSha,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<User>,
    #[serde(borrow, default)]
    pub(super) body: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct ReviewPayload<'a> {
    pub(super) action: ReviewAction,
    #[serde(borrow)]
    pub(super) review: Review<'a>,
    pub(super) pull_request: ReviewedPullRequest,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReviewAction {
    Submitted,
    Edited,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct ReviewedPullRequest {
    pub(super) number: PullRequestNumber,
}

/// `body` is `null` where the reviewer only wrote on lines, or only approved.
#[derive(Deserialize)]
pub(super) struct Review<'a> {
    pub(super) id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<User>,
    #[serde(borrow, default)]
    pub(super) body: Option<Cow<'a, str>>,
}
