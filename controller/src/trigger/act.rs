//! What happened, and the plan for it.

use tidegate_model::{CommitSha, GitRef, Login, PullRequestNumber, RefName};
use tidegate_resources::IntegrationConfig;

use crate::runs::{action::Action, locks::Subject};

/// What happened to a pull request, branch or tag, as a command claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A pull request was opened, or changed.
    PullRequest {
        /// Its number.
        number: PullRequestNumber,
        /// Who opened it: a hint.
        author: Option<Login>,
        /// The branch of its head: a hint.
        branch: Option<RefName>,
    },
    /// A pull request was closed.
    Closed(PullRequestNumber),
    /// A branch or tag was pushed.
    Push(GitRef, CommitSha),
    /// A branch or tag moved or was deleted, and nothing runs for it.
    Moved(GitRef, Option<CommitSha>),
}

impl Act {
    /// One name each, for logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::PullRequest { .. } => "run_pull_request",
            Self::Closed(_) => "cancel",
            Self::Push(..) => "run_push",
            Self::Moved(..) => "record_ref",
        }
    }

    /// The subject of the lock, in the repository of a config.
    pub fn subject(&self, config: &IntegrationConfig) -> Subject {
        match self {
            Self::PullRequest { number, .. } | Self::Closed(number) => Subject::pull_request(config, *number),
            Self::Push(reference, _) | Self::Moved(reference, _) => Subject::reference(config, reference),
        }
    }
}

/// The result of an act or a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// It was carried out, or needed nothing: what happened, for the log.
    Done(String),
    /// It claims something untrue.
    Refused(String),
}

/// What follows from an act. Pure functions derive it from facts.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// These actions.
    Act(Vec<Action>),
    /// Nothing: the facts have changed since, or nothing is configured.
    Nothing(String),
    /// Nothing: the act claims something untrue.
    Refuse(String),
}
