//! What is used of Gitea's payloads, and nothing else: every other field may change or be missing.
//!
//! Source: <https://docs.gitea.com/usage/webhooks>, and `modules/structs/hook.go` of Gitea 1.26.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use tidegate_model::{
    CommentId, CommitSha, GitRef, HostTime, Login, PullRequestNumber, RefName, RepositoryPath,
};

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
    Synchronized,
    Edited,
    Closed,
    #[serde(other)]
    Other,
}

/// What an edit changed: `ref` is there when the pull request wants to merge into another branch now, `title` when it has
/// another title.
#[derive(Deserialize)]
pub(super) struct Changes {
    #[serde(rename = "ref")]
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
    /// Negative for Gitea's own: ghost is -1, the user of Gitea Actions -2.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: i64,
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
pub(super) struct DeletePayload {
    /// The short name.
    #[serde(rename = "ref")]
    pub(super) name: RefName,
    #[serde(rename = "ref_type")]
    pub(super) kind: DeletedKind,
    pub(super) repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender: Option<User>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeletedKind {
    Branch,
    Tag,
    #[serde(other)]
    Other,
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
    /// Missing before Gitea 1.8.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) is_pull: Option<bool>,
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
    #[serde(default)]
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

/// A review, which has no id here.
#[derive(Deserialize)]
pub(super) struct ReviewPayload<'a> {
    pub(super) action: ReviewAction,
    pub(super) pull_request: ReviewedPullRequest,
    #[serde(borrow, default)]
    pub(super) review: Option<Review<'a>>,
    pub(super) repository: Repository,
    pub(super) sender: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReviewAction {
    Reviewed,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct ReviewedPullRequest {
    pub(super) number: PullRequestNumber,
    pub(super) updated_at: HostTime,
}

#[derive(Deserialize)]
pub(super) struct Review<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Cow<'a, str>>,
}
