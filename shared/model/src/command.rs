//! What a plugin wants the controller to do. A command is a hint: the controller reads from the host whatever grants or
//! selects before it acts, so a forged command buys nothing.

use serde::{Deserialize, Serialize};

use crate::{CommitSha, GitRef, PullRequestNumber, RepositoryPath};

/// An intention, and the repository that it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The repository.
    pub repository: RepositoryPath,
    /// What should happen there.
    #[serde(flatten)]
    pub intention: Intention,
}

/// What should happen. It names no jobs to run by itself, grants no trust and holds no reply text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "intention", rename_all = "snake_case")]
pub enum Intention {
    /// Run what a pull request's present head asks for.
    RunPullRequest {
        /// The pull request.
        pull_request: PullRequestNumber,
        /// The head that the event showed. The controller runs the head that the host shows.
        head: CommitSha,
    },
    /// Run what a pushed branch or tag asks for.
    RunPush {
        /// The branch or tag.
        #[serde(rename = "ref")]
        reference: GitRef,
        /// The commit that was pushed.
        sha: CommitSha,
    },
    /// Stop what runs for a pull request that is open no more.
    Cancel {
        /// The pull request.
        pull_request: PullRequestNumber,
    },
}

impl Intention {
    /// The name, for logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::RunPullRequest { .. } => "run_pull_request",
            Self::RunPush { .. } => "run_push",
            Self::Cancel { .. } => "cancel",
        }
    }
}
