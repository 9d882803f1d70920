//! What is used of Gitea's payloads, and nothing else: every other field may change or be missing. What GitHub writes alike is in
//! [`crate::github_json`].
//!
//! Source: <https://docs.gitea.com/usage/webhooks>, and `modules/structs/hook.go` of Gitea 1.26.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use tidegate_model::{HostTime, Login, PullRequestNumber, RefName};

use crate::{
    body::lenient,
    github_json::{Dialect, Issue, Repository, Text},
    inbound::{Author, Edited},
};

/// The id of the user that Gitea Actions acts as. Other programs look like people here.
pub(super) const ACTIONS_USER: i64 = -2;

pub(super) struct Gitea;

impl Dialect for Gitea {
    type User = User;
    type Changes = Changes;
    const GONE: &'static str = "Ghost";
    const HEAD_MOVED: &'static str = "synchronized";
    const LABELS_CHANGED: [&'static str; 2] = ["label_updated", "label_cleared"];
    const REVIEWED: &'static str = "reviewed";
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: Login,
    /// Negative for Gitea's own: ghost is -1, the user of Gitea Actions -2.
    #[serde(default, deserialize_with = "lenient")]
    id: i64,
}

impl From<User> for Author {
    fn from(user: User) -> Self {
        Self { account: user.login.into(), is_bot: user.id == ACTIONS_USER }
    }
}

/// `ref` is there when the pull request wants to merge into another branch now, `title` when it has another title.
#[derive(Deserialize, Default)]
pub(super) struct Changes {
    #[serde(rename = "ref")]
    base: Option<IgnoredAny>,
    title: Option<IgnoredAny>,
}

impl From<Changes> for Edited {
    fn from(changes: Changes) -> Self {
        Self { base: changes.base.is_some(), title: changes.title.is_some() }
    }
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
pub(super) struct CommentPayload<'a> {
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    pub(super) issue: Issue,
    /// Missing before Gitea 1.8.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) is_pull: Option<bool>,
    #[serde(borrow)]
    pub(super) comment: Text<'a, Gitea>,
    pub(super) repository: Repository,
}

/// A review, which has no id here.
#[derive(Deserialize)]
pub(super) struct ReviewPayload<'a> {
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
    pub(super) pull_request: ReviewedPullRequest,
    #[serde(borrow, default)]
    pub(super) review: Option<Review<'a>>,
    pub(super) repository: Repository,
    pub(super) sender: User,
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
