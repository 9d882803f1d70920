//! What the APIs of hosts return, in the same types for every host.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_model::{
    AccountKind, CommentId, CommentKind, CommitSha, GitRef, Login, Permission, PullRequestNumber, RefName,
    RepositoryPath,
};

use super::error::HostError;
use crate::hook_label::HookLabel;

/// A pull request as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestFacts {
    /// Its number in the repository.
    pub number: PullRequestNumber,
    /// Whether it is open.
    pub open: bool,
    /// Whether it was merged.
    pub merged: bool,
    /// What it wants to merge.
    pub head: HeadFacts,
    /// The branch that it is judged against: the one it wants to merge into; in a GitHub stack, the one that the whole stack wants to
    /// merge into.
    pub base: RefName,
    /// Who opened it.
    pub author: Login,
    /// Its title.
    pub title: String,
    /// Whether its author calls it a draft.
    pub draft: bool,
}

/// An account as the host shows it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountFacts {
    /// What it may do with the code of the repository that it was read for. Nothing, if the host doesn't know it.
    pub permission: Permission,
    /// What it is. Not every host is asked about an account that may not write: it is [`AccountKind::Unknown`] then.
    pub kind: AccountKind,
}

/// The head of a pull request as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadFacts {
    /// The commit.
    pub sha: CommitSha,
    /// The branch's name in its own repository; `None` where it is not one that Tidegate reads.
    pub branch: Option<RefName>,
    /// The repository of the branch; `None` when the fork was deleted or can't be seen.
    pub repository: Option<RepositoryPath>,
    /// The account that controls that repository: on GitHub and Gitea the first part of its path. `None` where the host shows no
    /// account that may be a person, as for a workspace or a group: then nobody vouches for what is in it. A host that doesn't show
    /// it along with the pull request isn't asked for it in a list, nor for the base repository.
    pub owner: Option<Login>,
}

/// A branch or tag as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefFacts {
    /// Which.
    pub reference: GitRef,
    /// Its commit; for an annotated tag, the commit behind the tag object.
    pub sha: CommitSha,
}

/// A list that a host gave page by page. One item that can't be read doesn't spoil it.
///
/// A host may leave an item out when others disappear while the pages are read, so an absence is to be confirmed by reading the
/// item itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// What could be read, in the host's order.
    pub items: Vec<T>,
    /// How many items could not be read.
    pub unreadable: usize,
    /// Whether the list is longer than what a client reads.
    pub is_truncated: bool,
}

impl<T> Listing<T> {
    /// Whether everything in the list was read. Otherwise nothing follows from an absence.
    pub fn is_complete(&self) -> bool {
        self.unreadable == 0 && !self.is_truncated
    }

    pub(crate) fn new() -> Self {
        Self { items: Vec::new(), unreadable: 0, is_truncated: false }
    }

    /// All items; an error if the list is truncated.
    pub(crate) fn complete(self, what: &str) -> Result<Vec<T>, HostError> {
        if self.is_truncated {
            return Err(HostError::unreadable(&format!("the list of {what} has no end")));
        }
        Ok(self.items)
    }

    /// Both lists as one.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.items.extend(other.items);
        self.unreadable += other.unreadable;
        self.is_truncated |= other.is_truncated;
        self
    }

    /// Adds a page, and logs the first item that can't be read. Returns how many items the page had.
    pub(crate) fn add<S: DeserializeOwned>(
        &mut self,
        page: Vec<Value>,
        into_facts: impl Fn(S) -> Result<T, HostError>,
    ) -> usize {
        let length = page.len();
        for item in page {
            let read = serde_json::from_value(item).map_err(|error| HostError::unreadable(&error));
            match read.and_then(&into_facts) {
                Ok(facts) => self.items.push(facts),
                Err(error) => {
                    if self.unreadable == 0 {
                        tracing::warn!(%error, "skipped an item of the host's list: it can't be read");
                    }
                    self.unreadable += 1;
                }
            }
        }
        length
    }
}

/// A comment on a pull request as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentFacts {
    /// The host's id of it, among those of its kind.
    pub id: CommentId,
    /// Whether it is a comment in the conversation or the text of a review.
    pub kind: CommentKind,
    /// The commit that a review was made on, where the host says it.
    pub reviewed: Option<CommitSha>,
    /// The pull request it stands on; `None` for one on a plain issue.
    pub pull_request: Option<PullRequestNumber>,
    /// Who wrote it.
    pub author: Login,
    /// Whether the host says that no person wrote it.
    pub is_by_bot: bool,
    /// The text.
    pub body: String,
    /// When it was written, by the host's clock, in whole seconds.
    pub created_at: Timestamp,
    /// When it was last edited, by the host's clock.
    pub updated_at: Timestamp,
}

/// A comment on a commit as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitCommentFacts {
    /// The commit.
    pub commit: CommitSha,
    /// The comment, which is on no pull request.
    pub comment: CommentFacts,
}

/// A commit status as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusFacts {
    /// `tidegate/<config>/<job>`, or another program's.
    pub context: String,
    /// One line for people.
    pub description: String,
    /// When it was written, by the host's clock, in whole seconds.
    pub created_at: Timestamp,
}

/// What a comment can be answered with in place of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It was done.
    ThumbsUp,
}

/// A webhook of a repository. Hosts never show its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that can be changed alone")]
pub struct Hook {
    /// The host's id of it.
    pub id: String,
    /// Where it delivers to.
    pub url: String,
    /// Whether it delivers at all.
    pub active: bool,
    /// Whether it delivers the host's own JSON: no form, and on GitLab no template and no headers of somebody's own.
    pub sends_json: bool,
    /// Whether it delivers every event that Tidegate uses, of every branch.
    pub sends_all_events: bool,
    /// Whether it checks the certificate of whom it delivers to; `true` where each hook does, or the host doesn't show it.
    pub verifies_tls: bool,
    /// Whether it has a secret; `true` where the host doesn't show it.
    pub has_secret: bool,
    /// Whether it signs, where a host also has hooks that don't: GitLab's. `None` where the host doesn't show it: GitLab before
    /// 19.0, which signs nothing, and hosts that sign wherever there is a secret. So `Some(false)` is a hook that could be
    /// registered with a signature.
    pub signed: Option<bool>,
}

impl Hook {
    /// Whether nobody changed what it was registered with under this label, as far as the host shows it.
    pub fn is_as_registered(&self, label: HookLabel) -> bool {
        let proves = self.has_secret && (label != HookLabel::Gitlab || self.signed == Some(true));
        self.active && self.sends_json && self.sends_all_events && self.verifies_tls && proves
    }
}

/// What a webhook is registered with. The events are the host's names of those that Tidegate uses.
#[derive(Debug, Clone)]
pub struct HookSpec {
    /// Where it delivers to.
    pub url: String,
    /// The label in its address, which says how it proves its deliveries.
    pub label: HookLabel,
    /// What it proves them with.
    pub secret: SecretString,
}
