//! What happened, and what it comes to.

use tidegate_model::{CommitSha, GitRef, Login, PullRequestNumber, RefName};
use tidegate_resources::IntegrationConfig;

use crate::runs::{action::Action, locks::Subject};

/// What happened to a pull request, branch or tag, as far as somebody says so.
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
    /// A branch or tag came to a commit, or was deleted, and nothing is to run for it.
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

    /// What has to be locked, in the repository of a config.
    pub fn subject(&self, config: &IntegrationConfig) -> Subject {
        match self {
            Self::PullRequest { number, .. } | Self::Closed(number) => Subject::pull_request(config, *number),
            Self::Push(reference, _) | Self::Moved(reference, _) => Subject::reference(config, reference),
        }
    }
}

/// What became of something that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// It was followed, or there was nothing to follow: what happened, for the log.
    Done(String),
    /// It claims something that isn't so.
    Refused(String),
}

/// What an act comes to. Pure functions make it of facts.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// These actions.
    Act(Vec<Action>),
    /// Nothing: the world has moved on, or nothing is configured.
    Nothing(String),
    /// Nothing: the act claims something that isn't so.
    Refuse(String),
}
