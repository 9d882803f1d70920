//! What a plugin wants the controller to do. A command is a hint: the controller reads from the host whatever grants or
//! selects before it acts, so a forged command buys nothing.

use serde::{Deserialize, Serialize};

use crate::{
    CommentId, CommentPointer, CommitHint, CommitSha, GitRef, Login, PullRequestNumber, RefName,
    RepositoryPath,
};

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
        /// The head that the event showed, if it showed one. The controller runs the head that the host shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<CommitHint>,
        /// Who opened it, as the event showed. It saves the controller time, and grants nothing: the host is asked who it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<Login>,
        /// The branch of its head, as the event showed it. It saves the controller time in the same way, and grants nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<RefName>,
    },
    /// Run what a pushed branch or tag asks for.
    RunPush {
        /// The branch or tag.
        #[serde(rename = "ref")]
        reference: GitRef,
        /// The commit that was pushed.
        sha: CommitSha,
    },
    /// Record where a branch or tag points to. Nothing runs: it was deleted, or its author leaves CI out.
    RecordRef {
        /// The branch or tag.
        #[serde(rename = "ref")]
        reference: GitRef,
        /// The commit that the event showed; absent when it was deleted. If the host shows something else, nothing is recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha: Option<CommitSha>,
    },
    /// Stop what runs for a pull request that is open no more.
    Cancel {
        /// The pull request.
        pull_request: PullRequestNumber,
    },
    /// Read a comment on a pull request, do what it asks for, and answer it once.
    FollowComment {
        /// The pull request.
        pull_request: PullRequestNumber,
        /// Where the comment is found. Its text doesn't travel: the controller reads the comment as it is then.
        comment: CommentPointer,
    },
    /// Read a comment on a commit, run the jobs of its pushes again that it asks for, and answer it once.
    FollowCommitComment {
        /// The commit.
        commit: CommitSha,
        /// The comment's id, among the comments on commits. Its text doesn't travel.
        comment: CommentId,
    },
}

impl Intention {
    /// The pull request that it concerns; pushes and commits concern none.
    pub const fn pull_request(&self) -> Option<PullRequestNumber> {
        match self {
            Self::RunPullRequest { pull_request, .. }
            | Self::Cancel { pull_request }
            | Self::FollowComment { pull_request, .. } => Some(*pull_request),
            Self::RunPush { .. } | Self::RecordRef { .. } | Self::FollowCommitComment { .. } => None,
        }
    }

    /// What it is.
    pub const fn kind(&self) -> IntentionKind {
        match self {
            Self::RunPullRequest { .. } => IntentionKind::RunPullRequest,
            Self::RunPush { .. } => IntentionKind::RunPush,
            Self::RecordRef { .. } => IntentionKind::RecordRef,
            Self::Cancel { .. } => IntentionKind::Cancel,
            Self::FollowComment { .. } => IntentionKind::FollowComment,
            Self::FollowCommitComment { .. } => IntentionKind::FollowCommitComment,
        }
    }

    /// The name, for logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        self.kind().as_str()
    }
}

/// The kinds of intentions: the intentions that a third-party plugin declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentionKind {
    /// [`Intention::RunPullRequest`]
    RunPullRequest,
    /// [`Intention::RunPush`]
    RunPush,
    /// [`Intention::RecordRef`]
    RecordRef,
    /// [`Intention::Cancel`]
    Cancel,
    /// [`Intention::FollowComment`]
    FollowComment,
    /// [`Intention::FollowCommitComment`]
    FollowCommitComment,
}

impl IntentionKind {
    /// The name in settings, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RunPullRequest => "run_pull_request",
            Self::RunPush => "run_push",
            Self::RecordRef => "record_ref",
            Self::Cancel => "cancel",
            Self::FollowComment => "follow_comment",
            Self::FollowCommitComment => "follow_commit_comment",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_intention_s_kind_is_named_as_it_is_written_in_a_command_and_in_a_declaration() {
        let sha = "a".repeat(40);
        for intention in [
            json!({"intention": "run_pull_request", "pull_request": 7, "head": sha}),
            json!({"intention": "run_push", "ref": "refs/heads/main", "sha": sha}),
            json!({"intention": "record_ref", "ref": "refs/tags/v1"}),
            json!({"intention": "cancel", "pull_request": 7}),
            json!({"intention": "follow_comment", "pull_request": 7, "comment": 1}),
            json!({"intention": "follow_commit_comment", "commit": sha, "comment": 1}),
        ] {
            let name = intention["intention"].clone();
            let kind = serde_json::from_value::<Intention>(intention).expect("an intention").kind();
            assert_eq!(name, kind.as_str());
            assert_eq!(serde_json::from_value::<IntentionKind>(name).expect("a kind"), kind);
        }
    }

    #[test]
    fn a_command_of_an_older_function_with_the_commands_of_a_comment_is_read_as_the_pointer() {
        let old = json!({
            "repository": "acme/shop", "intention": "follow_comment", "pull_request": 7, "comment": 9,
            "commands": [{"command": "run_jobs", "names": ["unit"]}, {"command": "unreadable"}],
        });
        let read: Command = serde_json::from_value(old).expect("a command");
        let comment = CommentPointer::Comment(crate::CommentId(9));
        let intention = Intention::FollowComment { pull_request: PullRequestNumber(7), comment };
        assert_eq!(read.intention, intention);
        let new = json!({
            "repository": "acme/shop", "intention": "follow_comment", "pull_request": 7, "comment": 9,
        });
        assert_eq!(serde_json::to_value(&read).expect("serialises"), new);
    }
}
