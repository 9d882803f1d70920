//! Which comment a command points to.

use std::fmt;

use tidegate_model::{CommentId, CommentKind, CommentPointer, CommitSha, PullRequestNumber};

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
    pub fn id(self) -> Option<(CommentKind, CommentId)> {
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

/// The comment on a commit that a plugin points to.
#[derive(Debug, Clone, Copy)]
pub struct CommitCommentRef<'a> {
    /// The commit.
    pub commit: &'a CommitSha,
    /// The comment's id.
    pub id: CommentId,
}
