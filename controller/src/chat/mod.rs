//! What comments ask for.
//!
//! One comment: `facts` (host, cluster) → what it means (`admit`, `plan`, `rules::chatops`; pure) → actions, which `runs` carries
//! out → one `answer` (host). A comment is followed for all configs of its repository together, whichever's hook brought it, so
//! that it gets one answer. Each step may be repeated: what a comment did is written into the objects it did it to.

mod admit;
mod answer;
mod commit;
mod facts;
mod markdown;
mod memory;
mod plan;
mod pull_request;
mod quota;

use std::fmt;

use tidegate_hosts::client::CommentFacts;
use tidegate_model::{CommentId, CommentKind, CommentPointer, PullRequestNumber};
use tidegate_resources::IntegrationConfig;

pub use self::commit::CommitCommentRef;
use self::{admit::Admission, memory::Memory, quota::Quota};
use crate::{
    context::Context,
    runs::{
        locks::{Held, Locks, PullRequest, Repository},
        origin::Origin,
    },
    trigger::{
        Followed,
        error::TriggerError,
        reader::{FactsError, Reader},
    },
};

/// Which comment a plugin points to.
#[derive(Debug, Clone, Copy)]
pub struct CommentRef<'a> {
    /// The pull request it is on.
    pub pull_request: PullRequestNumber,
    /// Where it is found.
    pub pointer: &'a CommentPointer,
}

impl CommentRef<'_> {
    /// The kind and id, where the pointer says them.
    fn id(self) -> Option<(CommentKind, CommentId)> {
        match self.pointer {
            CommentPointer::Comment(id) => Some((CommentKind::Comment, *id)),
            CommentPointer::Review { review } => Some((CommentKind::Review, *review)),
            CommentPointer::LatestReview { .. } => None,
        }
    }
}

impl fmt::Display for CommentRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer {
            CommentPointer::Comment(id) => write!(f, "comment {id}"),
            CommentPointer::Review { review } => write!(f, "review {review}"),
            CommentPointer::LatestReview { reviewer, .. } => write!(f, "the review of {reviewer}"),
        }
    }
}

/// Which comment a command asks to follow.
#[derive(Debug, Clone, Copy)]
pub enum Comment<'a> {
    /// One on a pull request.
    OnPullRequest(CommentRef<'a>),
    /// One on a commit.
    OnCommit(CommitCommentRef<'a>),
}

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnPullRequest(comment) => comment.fmt(f),
            Self::OnCommit(comment) => write!(f, "comment {} on {}", comment.id, comment.commit.short()),
        }
    }
}

/// What is remembered between comments.
#[derive(Debug, Default)]
pub struct Chat {
    memory: Memory,
    quota: Quota<PullRequest>,
    /// On the commits of a repository together.
    on_commits: Quota<Repository>,
}

/// Where a comment comes from.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// A config whose hook brought it: its credential reads and answers.
    pub config: &'a IntegrationConfig,
    /// The event behind it.
    pub origin: &'a Origin,
    /// The lock of its pull request or commit.
    pub held: &'a Held,
    /// The other locks.
    pub locks: &'a Locks,
    /// Cluster and hosts.
    pub context: &'a Context,
}

impl Chat {
    /// Does what a comment asks for.
    pub async fn follow(&self, comment: Comment<'_>, asker: Asker<'_>) -> Result<Followed, TriggerError> {
        match comment {
            Comment::OnPullRequest(at) => self.follow_on_pull_request(at, asker).await,
            Comment::OnCommit(at) => self.follow_on_commit(at, asker).await,
        }
    }
}

/// The comment as the host shows it, if it is where it should be and holds a command.
pub async fn find(comment: Comment<'_>, reader: &Reader<'_>) -> Result<Option<CommentFacts>, FactsError> {
    match comment {
        Comment::OnPullRequest(at) => {
            let is_command = |found: &CommentFacts| holds_command(at.pull_request, found);
            Ok(facts::comments(reader, at).await?.into_iter().find(is_command))
        }
        Comment::OnCommit(at) => {
            let is_command = |found: &CommentFacts| matches!(admit::anywhere(found), Admission::Follow(_));
            Ok(commit::comment(reader, at).await?.filter(is_command))
        }
    }
}

/// Whether a comment is on this pull request, and has a line that would be followed.
pub fn holds_command(pull_request: PullRequestNumber, comment: &CommentFacts) -> bool {
    matches!(admit::on_pull_request(pull_request, comment), Admission::Follow(_))
}
