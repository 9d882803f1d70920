//! What deliveries say, in structs that know no host, and what each host's folder owes for it.
//!
//! A host's folder fills these structs. What of them becomes an event is decided once for all hosts, in [`crate::normalise`].

use std::borrow::Cow;

use tidegate_model::{
    Account, CommentId, CommentPointer, CommitSha, GitRef, PullRequest, PullRequestNumber, RepositoryPath,
};

use crate::delivery::{Ignored, NormaliseError};

/// What a host's folder says about the host's deliveries. How they are proven stands beside it, as a
/// [`Proof`](crate::proof::Proof) for each label of the host's hook paths.
pub(crate) struct Port {
    /// **Kinds.** The header, in small letters, that names the kind of a delivery in the host's own word.
    pub(crate) kind: &'static str,
    /// The header, in small letters, with the host's id of the delivery: the same when the host sends it again.
    pub(crate) delivery: &'static str,
    /// What older versions of the host send in its place, the best first.
    pub(crate) older_delivery: &'static [&'static str],
    /// **Parse.** Reads a proven body of this kind.
    ///
    /// - It says what the host says, and decides nothing: a change that no plugin wants is filled in like any other.
    /// - A kind of which nothing can come is [`Ignored::UnusedKind`], and its body is not read. A kind or an action that the host
    ///   invents tomorrow is ignored, never an error.
    /// - Only what an event needs must be in the body: the repository, the number or the ref, and the action. Whatever else can't
    ///   be read is taken for missing.
    /// - It returns borrowed texts, and its time and memory are bounded by the body's size.
    pub(crate) parse: for<'a> fn(kind: &str, body: &'a [u8]) -> Result<Inbound<'a>, NormaliseError>,
}

/// What one delivery says.
pub(crate) enum Inbound<'a> {
    PullRequest(PullRequestChange),
    Push(Push<'a>),
    Comment(Comment<'a>),
    /// Nothing that any of the structs could hold.
    Nothing(Ignored),
}

/// Who did something.
pub(crate) struct Author {
    pub(crate) account: Account,
    /// Whether the host says that it is a program.
    pub(crate) is_bot: bool,
}

pub(crate) struct PullRequestChange {
    /// The one that it wants to merge into.
    pub(crate) repository: RepositoryPath,
    pub(crate) change: Change,
    pub(crate) pull_request: PullRequest,
}

#[derive(Clone, Copy)]
pub(crate) enum Change {
    Opened,
    Reopened,
    HeadMoved,
    Edited(Edited),
    /// The delivery doesn't say what changed.
    Updated,
    LabelsChanged,
    Closed,
    Merged,
    Other,
}

impl Change {
    /// Why no event comes of it, if that can be said without the rest of the delivery.
    pub(crate) const fn unused(self) -> Option<Ignored> {
        match self {
            Self::LabelsChanged | Self::Other => Some(Ignored::UnusedAction),
            Self::Opened
            | Self::Reopened
            | Self::HeadMoved
            | Self::Edited(_)
            | Self::Updated
            | Self::Closed
            | Self::Merged => None,
        }
    }
}

/// What an edit changed, as far as a delivery says it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Edited {
    pub(crate) base: bool,
    pub(crate) title: bool,
}

pub(crate) struct Push<'a> {
    pub(crate) repository: RepositoryPath,
    pub(crate) sender: Option<Account>,
    /// The branches and tags that changed; refs of other kinds are left out.
    pub(crate) changes: Vec<RefChange<'a>>,
}

pub(crate) struct RefChange<'a> {
    pub(crate) reference: GitRef,
    /// Where it points now, for an annotated tag the commit if the host says it; `None` when it was deleted.
    pub(crate) after: Option<CommitSha>,
    /// The message of that commit; empty where the host doesn't show it.
    pub(crate) message: Cow<'a, str>,
}

/// A comment, or the text of a review.
pub(crate) struct Comment<'a> {
    pub(crate) repository: RepositoryPath,
    pub(crate) change: CommentChange,
    pub(crate) place: Place,
    pub(crate) author: Author,
    /// The whole text; empty if the delivery has no text.
    pub(crate) text: Cow<'a, str>,
}

#[derive(Clone, Copy)]
pub(crate) enum CommentChange {
    Created,
    Edited,
    Deleted,
    Other,
}

impl CommentChange {
    /// Why no event comes of it, if that can be said without the rest of the delivery.
    pub(crate) const fn unused(self) -> Option<Ignored> {
        match self {
            Self::Created | Self::Edited => None,
            Self::Deleted => Some(Ignored::DeletedComment),
            Self::Other => Some(Ignored::UnusedAction),
        }
    }
}

/// What a comment is on, and where it is found there.
pub(crate) enum Place {
    PullRequest(PullRequestNumber, CommentPointer),
    Commit(CommitSha, CommentId),
    /// An issue, or whatever else has comments.
    Elsewhere,
}

#[cfg(test)]
pub(crate) mod tests;
