//! What is used of Bitbucket's payloads, and nothing else: every other field may change or be missing.
//!
//! Source: <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>

use std::borrow::Cow;

use serde::Deserialize;
use tidegate_model::{CommentId, CommitHint, CommitSha, PullRequestNumber, RefName, RepositoryPath};

use super::account::Shown;
use crate::body::{lenient, object};

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: RepositoryPath,
}

#[derive(Deserialize)]
pub(super) struct PullRequestPayload {
    pub(super) pullrequest: PullRequest,
    pub(super) repository: Repository,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) id: PullRequestNumber,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) author: Option<Shown>,
    #[serde(default, deserialize_with = "object")]
    pub(super) source: Option<End>,
    #[serde(default, deserialize_with = "object")]
    pub(super) destination: Option<End>,
}

/// A branch in a repository, where a pull request comes from or goes to.
#[derive(Deserialize, Default)]
pub(super) struct End {
    #[serde(default, deserialize_with = "object")]
    pub(super) branch: Option<Branch>,
    #[serde(default, deserialize_with = "object")]
    pub(super) commit: Option<ShortCommit>,
    /// `null` when the fork was deleted.
    #[serde(default, deserialize_with = "object")]
    pub(super) repository: Option<EndRepository>,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<RefName>,
}

/// 12 digits were seen; the API's description says "7 or more".
#[derive(Deserialize)]
pub(super) struct ShortCommit {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) hash: Option<CommitHint>,
}

#[derive(Deserialize)]
pub(super) struct EndRepository {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) full_name: Option<RepositoryPath>,
}

impl End {
    pub(super) fn branch(&self) -> Option<&RefName> {
        self.branch.as_ref()?.name.as_ref()
    }

    pub(super) fn hint(&self) -> Option<&CommitHint> {
        self.commit.as_ref()?.hash.as_ref()
    }

    pub(super) fn repository(&self) -> Option<&RepositoryPath> {
        self.repository.as_ref()?.full_name.as_ref()
    }
}

#[derive(Deserialize)]
pub(super) struct PushPayload<'a> {
    pub(super) repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) actor: Option<Shown>,
    #[serde(borrow)]
    pub(super) push: Changes<'a>,
}

#[derive(Deserialize)]
pub(super) struct Changes<'a> {
    #[serde(borrow)]
    pub(super) changes: Vec<RefChange<'a>>,
}

#[derive(Deserialize)]
pub(super) struct RefChange<'a> {
    /// `null` when the ref was deleted.
    #[serde(borrow)]
    pub(super) new: Option<NewRef<'a>>,
    /// `null` when the ref was created.
    #[serde(default, deserialize_with = "object")]
    pub(super) old: Option<OldRef>,
}

#[derive(Deserialize)]
pub(super) struct NewRef<'a> {
    #[serde(rename = "type")]
    pub(super) kind: RefKind,
    pub(super) name: RefName,
    #[serde(borrow)]
    pub(super) target: Target<'a>,
}

#[derive(Deserialize)]
pub(super) struct OldRef {
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub(super) kind: RefKind,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) name: Option<RefName>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefKind {
    Branch,
    Tag,
    #[default]
    #[serde(other)]
    Other,
}

/// The commit of a ref, for an annotated tag the commit behind the tag object.
#[derive(Deserialize)]
pub(super) struct Target<'a> {
    /// In a push every hash has all its digits. One that had fewer would select a commit by a part of its id, so it can't be read.
    pub(super) hash: CommitSha,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(super) message: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct CommentPayload<'a> {
    #[serde(borrow)]
    pub(super) comment: Comment<'a>,
    pub(super) pullrequest: CommentedPullRequest,
    pub(super) repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) actor: Option<Shown>,
}

#[derive(Deserialize)]
pub(super) struct CommentedPullRequest {
    pub(super) id: PullRequestNumber,
}

#[derive(Deserialize)]
pub(super) struct CommitCommentPayload<'a> {
    #[serde(borrow)]
    pub(super) comment: Comment<'a>,
    pub(super) commit: CommentedCommit,
    pub(super) repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) actor: Option<Shown>,
}

#[derive(Deserialize)]
pub(super) struct CommentedCommit {
    pub(super) hash: CommitSha,
}

#[derive(Deserialize)]
pub(super) struct Comment<'a> {
    pub(super) id: CommentId,
    /// Missing in old payloads. Who did it, did it to a comment of their own.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) user: Option<Shown>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(super) content: Option<Content<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    /// As it was typed.
    #[serde(borrow, default)]
    pub(super) raw: Option<Cow<'a, str>>,
}
