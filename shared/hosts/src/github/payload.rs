//! What is used of GitHub's payloads, and nothing else: every other field may change or be missing. What Gitea writes alike is
//! in [`crate::github_json`].
//!
//! Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use tidegate_model::{CommentId, CommitSha, Login, PullRequestNumber};

use crate::{
    body::lenient,
    github_json::{Dialect, Issue, Repository, Text},
    inbound::{Author, Edited},
};

pub(super) struct Github;

impl Dialect for Github {
    type User = User;
    type Changes = Changes;
    const GONE: &'static str = "ghost";
    const HEAD_MOVED: &'static str = "synchronize";
    const LABELS_CHANGED: [&'static str; 2] = ["labeled", "unlabeled"];
    const REVIEWED: &'static str = "submitted";
}

#[derive(Deserialize)]
pub(super) struct User {
    login: Login,
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    kind: UserKind,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
enum UserKind {
    Bot,
    #[default]
    #[serde(other)]
    Other,
}

impl From<User> for Author {
    fn from(user: User) -> Self {
        Self { account: user.login.into(), is_bot: user.kind == UserKind::Bot }
    }
}

/// `base` is there when the pull request wants to merge into another branch now, `title` when it has another title.
#[derive(Deserialize, Default)]
pub(super) struct Changes {
    base: Option<IgnoredAny>,
    title: Option<IgnoredAny>,
}

impl From<Changes> for Edited {
    fn from(changes: Changes) -> Self {
        Self { base: changes.base.is_some(), title: changes.title.is_some() }
    }
}

#[derive(Deserialize)]
pub(super) struct CommentPayload<'a> {
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    pub(super) issue: Issue,
    #[serde(borrow)]
    pub(super) comment: Text<'a, Github>,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct CommitCommentPayload<'a> {
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) comment: CommitComment<'a>,
    pub(super) repository: Repository,
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
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) review: Text<'a, Github>,
    pub(super) pull_request: ReviewedPullRequest,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct ReviewedPullRequest {
    pub(super) number: PullRequestNumber,
}
