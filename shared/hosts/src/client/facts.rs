//! What hosts tell, in one language.

use jiff::Timestamp;
use secrecy::SecretString;
use tidegate_model::{CommentId, CommentKind, CommitSha, Head, Login, PullRequestNumber, RefName};

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
    pub head: Head,
    /// The branch it wants to merge into.
    pub base: RefName,
    /// Who opened it.
    pub author: Login,
    /// Its title.
    pub title: String,
    /// Whether its author calls it a draft.
    pub draft: bool,
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

impl Reaction {
    /// The name that GitHub and Gitea use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ThumbsUp => "+1",
        }
    }
}

/// The number at the end of an address such as `…/pulls/7`.
pub(crate) fn number_at_end(address: &str) -> Option<PullRequestNumber> {
    let (_, number) = address.rsplit_once('/')?;
    number.parse().ok().map(PullRequestNumber)
}

/// A webhook of a repository. Hosts never show its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The host's id of it.
    pub id: String,
    /// Where it delivers to.
    pub url: String,
    /// Whether it delivers at all.
    pub active: bool,
    /// Whether it delivers JSON, not forms.
    pub sends_json: bool,
    /// Whether it delivers every event that Tidegate uses.
    pub sends_all_events: bool,
}

impl Hook {
    /// Whether nobody changed what it was registered with, as far as the host shows it.
    pub fn is_as_registered(&self) -> bool {
        self.active && self.sends_json && self.sends_all_events
    }
}

/// What a webhook is registered with. The events are the host's names of those that Tidegate uses.
#[derive(Debug, Clone)]
pub struct HookSpec {
    /// Where it delivers to.
    pub url: String,
    /// What it signs with.
    pub secret: SecretString,
}
