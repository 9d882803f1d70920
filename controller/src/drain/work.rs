//! The work that a command causes: an act to carry out, or a comment to read.

use tidegate_model::Intention;
use tidegate_resources::IntegrationConfig;

use crate::{
    chat::{Comment, CommentRef, CommitCommentRef},
    runs::locks::Subject,
    trigger::Act,
};

/// The work that a command causes.
pub enum Work<'a> {
    /// An act on a pull request, branch or tag.
    Act(Act),
    /// A comment whose ChatOps commands are carried out.
    Comment(Comment<'a>),
}

impl<'a> Work<'a> {
    /// The work of an intention.
    pub fn of(intention: &'a Intention) -> Self {
        match intention {
            Intention::RunPullRequest { pull_request, author, branch, .. } => Self::Act(Act::PullRequest {
                number: *pull_request,
                author: author.clone(),
                branch: branch.clone(),
            }),
            Intention::Cancel { pull_request } => Self::Act(Act::Closed(*pull_request)),
            Intention::RunPush { reference, sha } => Self::Act(Act::Push(reference.clone(), sha.clone())),
            Intention::RecordRef { reference, sha } => Self::Act(Act::Moved(reference.clone(), sha.clone())),
            Intention::FollowComment { pull_request, comment } => {
                Self::Comment(Comment::OnPullRequest(CommentRef {
                    pull_request: *pull_request,
                    pointer: comment,
                }))
            }
            Intention::FollowCommitComment { commit, comment } => {
                Self::Comment(Comment::OnCommit(CommitCommentRef { commit, id: *comment }))
            }
        }
    }

    /// The comment of a `follow_comment` command.
    pub fn comment(self) -> Option<Comment<'a>> {
        match self {
            Self::Comment(comment) => Some(comment),
            Self::Act(_) => None,
        }
    }

    /// The subject of the lock, in the repository of a config.
    pub fn subject(&self, config: &IntegrationConfig) -> Subject {
        match self {
            Self::Act(act) => act.subject(config),
            Self::Comment(Comment::OnPullRequest(comment)) => {
                Subject::pull_request(config, comment.pull_request)
            }
            Self::Comment(Comment::OnCommit(comment)) => Subject::commit(config, comment.commit),
        }
    }
}
