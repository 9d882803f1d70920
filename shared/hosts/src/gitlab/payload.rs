//! What is used of GitLab's payloads, and nothing else: every other field may change or be missing.
//!
//! Source: <https://docs.gitlab.com/user/project/integrations/webhook_events/>, and `lib/gitlab/data_builder` and
//! `lib/gitlab/hook_data` of GitLab.
#![expect(clippy::zero_sized_map_values, reason = "of what changed, only the names are used")]

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, de::IgnoredAny};
use tidegate_model::{
    CommentId, CommitHint, CommitSha, GitRef, Login, PullRequestNumber, RefName, RepositoryPath,
};

use super::account::is_bot;
use crate::{
    body::{branch_or_tag, commit_or_zeros, lenient, object},
    inbound::Author,
};

#[derive(Deserialize)]
pub(super) struct Project {
    pub(super) path_with_namespace: RepositoryPath,
}

#[derive(Deserialize)]
pub(super) struct User {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<u64>,
    pub(super) username: Login,
}

impl From<User> for Author {
    fn from(user: User) -> Self {
        Self { is_bot: is_bot(&user.username), account: user.username.into() }
    }
}

/// What a delivery that can't be read may still say.
#[derive(Deserialize)]
pub(super) struct OnlyAction<'a> {
    #[serde(borrow)]
    pub(super) object_attributes: Acted<'a>,
}

#[derive(Deserialize)]
pub(super) struct Acted<'a> {
    #[serde(borrow)]
    pub(super) action: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct MergeRequestPayload<'a> {
    #[serde(borrow, rename = "object_attributes")]
    pub(super) merge_request: MergeRequest<'a>,
    pub(super) project: Project,
    /// Who acts, which need not be the author.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<User>,
    /// What an update changed, by name. It may be empty, or lack what did change.
    #[serde(default, deserialize_with = "object")]
    pub(super) changes: Option<BTreeMap<String, IgnoredAny>>,
}

#[derive(Deserialize)]
pub(super) struct MergeRequest<'a> {
    pub(super) iid: PullRequestNumber,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(super) action: Cow<'a, str>,
    /// There only when the head moved.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) oldrev: Option<CommitHint>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) author_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) source_branch: Option<RefName>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) target_branch: Option<RefName>,
    /// `null` when the fork was deleted.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) source_project_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) target_project_id: Option<u64>,
    #[serde(default, deserialize_with = "object")]
    pub(super) source: Option<SourceProject>,
    #[serde(default, deserialize_with = "object")]
    pub(super) last_commit: Option<LastCommit>,
}

#[derive(Deserialize)]
pub(super) struct SourceProject {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) path_with_namespace: Option<RepositoryPath>,
}

#[derive(Deserialize)]
pub(super) struct LastCommit {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<CommitHint>,
}

/// A push to one branch or tag: GitLab sends one for each.
#[derive(Deserialize)]
pub(super) struct PushPayload<'a> {
    #[serde(rename = "ref", deserialize_with = "branch_or_tag")]
    pub(super) reference: Option<GitRef>,
    /// The tag object of an annotated tag.
    #[serde(deserialize_with = "commit_or_zeros")]
    pub(super) after: Option<CommitSha>,
    /// The commit, also of an annotated tag; `null` when the ref was deleted.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) checkout_sha: Option<CommitSha>,
    /// At most the 20 newest.
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(super) commits: Vec<Commit<'a>>,
    pub(super) project: Project,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user_username: Option<Login>,
}

#[derive(Deserialize)]
pub(super) struct Commit<'a> {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<CommitSha>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(super) message: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct NotePayload<'a> {
    #[serde(borrow, rename = "object_attributes")]
    pub(super) note: Note<'a>,
    pub(super) project: Project,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<User>,
    /// There only when the note is on one.
    #[serde(default, deserialize_with = "object")]
    pub(super) merge_request: Option<NotedMergeRequest>,
}

#[derive(Deserialize)]
pub(super) struct Note<'a> {
    pub(super) id: CommentId,
    #[serde(borrow, default, rename = "note")]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(super) noteable_type: Cow<'a, str>,
    /// Missing before GitLab 16.11, which sent only new notes.
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(super) action: Option<Cow<'a, str>>,
    /// Whether GitLab itself wrote it, about what somebody did.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) system: bool,
    /// Empty when it is on no commit.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) commit_id: Option<CommitSha>,
}

#[derive(Deserialize)]
pub(super) struct NotedMergeRequest {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) iid: Option<PullRequestNumber>,
}
