//! What is used of Gitea's payloads, and nothing else: every other field may change or be missing.
//!
//! Source: <https://docs.gitea.com/usage/webhooks>, and `modules/structs/hook.go` of Gitea 1.26.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use tidegate_model::{
    CommentId, CommitSha, GitRef, HostTime, Login, PullRequestNumber, RefName, RepositoryPath,
};

use crate::body::{branch_or_tag, commit_or_zeros};

#[derive(Deserialize)]
pub(super) struct PullRequestPayload {
    pub(super) action: PullRequestAction,
    pub(super) pull_request: PullRequest,
    pub(super) repository: Repository,
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
    pub(super) user: Option<User>,
    pub(super) merged: Option<bool>,
    pub(super) head: Head,
    pub(super) base: Base,
}

#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) sha: CommitSha,
    #[serde(rename = "ref")]
    pub(super) branch: RefName,
    /// `null` when the fork was deleted.
    pub(super) repo: Option<Repository>,
}

#[derive(Deserialize)]
pub(super) struct Base {
    #[serde(rename = "ref")]
    pub(super) branch: RefName,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: RepositoryPath,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: Login,
    /// Negative for Gitea's own: ghost is -1, the user of Gitea Actions -2.
    #[serde(default)]
    pub(super) id: i64,
}

#[derive(Deserialize)]
pub(super) struct PushPayload<'a> {
    #[serde(rename = "ref", deserialize_with = "branch_or_tag")]
    pub(super) reference: Option<GitRef>,
    #[serde(deserialize_with = "commit_or_zeros")]
    pub(super) after: Option<CommitSha>,
    #[serde(borrow)]
    pub(super) head_commit: Option<Commit<'a>>,
    pub(super) repository: Repository,
    pub(super) sender: User,
}

#[derive(Deserialize)]
pub(super) struct DeletePayload {
    /// The short name.
    #[serde(rename = "ref")]
    pub(super) name: RefName,
    #[serde(rename = "ref_type")]
    pub(super) kind: DeletedKind,
    pub(super) repository: Repository,
    pub(super) sender: User,
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
    pub(super) id: CommitSha,
    #[serde(borrow, default)]
    pub(super) message: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct CommentPayload<'a> {
    pub(super) action: CommentAction,
    pub(super) issue: Issue,
    pub(super) is_pull: bool,
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
}

#[derive(Deserialize)]
pub(super) struct Comment<'a> {
    pub(super) id: CommentId,
    pub(super) user: Option<User>,
    #[serde(borrow)]
    pub(super) body: Cow<'a, str>,
}

/// A review, which has no id here.
#[derive(Deserialize)]
pub(super) struct ReviewPayload<'a> {
    pub(super) action: ReviewAction,
    pub(super) pull_request: ReviewedPullRequest,
    #[serde(borrow)]
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
    pub(super) content: Cow<'a, str>,
}
