//! What decides about a comment on a pull request, as host, cluster and ledger show it.

use tidegate_model::{CommentId, CommentKind, CommitSha, JobName, JobSpec, Login, RefName};

use crate::trust::{Account, Head, Standing, TrustProof};

/// What decides about a comment.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The comment.
    pub comment: Comment<'a>,
    /// Whether the pull request is open.
    pub is_open: bool,
    /// The commit at its head.
    pub head_sha: &'a CommitSha,
    /// The branch that it merges into.
    pub base: &'a RefName,
    /// Who wrote the comment.
    pub commenter: &'a Account,
    /// Who controls the head, and who opened the pull request.
    pub head: &'a Head,
    /// Every config of the repository that can run something, the oldest first.
    pub configs: Vec<ConfigFacts<'a>>,
    /// Why the others can't, one sentence each.
    pub unfit: &'a [String],
}

impl Facts<'_> {
    /// What the head's code may do under a config.
    pub fn standing(&self, of: &ConfigFacts<'_>) -> Standing {
        self.head.standing(of.earlier, None)
    }
}

/// A comment on a pull request.
#[derive(Debug, Clone, Copy)]
pub struct Comment<'a> {
    /// Its id on the host.
    pub id: CommentId,
    /// Whether it is a comment in the conversation or the text of a review.
    pub kind: CommentKind,
    /// Who wrote it.
    pub author: &'a Login,
    /// The commit that a review is of.
    pub reviewed: Option<&'a CommitSha>,
    /// Whether its text may be another than its author wrote.
    pub is_edited: bool,
}

impl Comment<'_> {
    /// Whether a run names this comment.
    pub fn is(&self, other: Option<CommentKey>) -> bool {
        other == Some((self.kind, self.id))
    }
}

/// The identity of a comment within a pull request: hosts number reviews separately.
pub type CommentKey = (CommentKind, CommentId);

/// A config, and its runs of the pull request.
#[derive(Debug, Clone)]
pub struct ConfigFacts<'a> {
    /// Its jobs before a merge.
    pub pre_submit: &'a [JobSpec],
    /// Its jobs after a merge.
    pub post_submit: &'a [JobSpec],
    /// The runs: those of the pull request itself, and those that it shares with others of its head and base.
    pub runs: Vec<RunFacts<'a>>,
    /// Whether another open pull request has the same head and base.
    pub is_shared: bool,
    /// Why the head is trusted, as the config's ledger remembers it.
    pub earlier: Option<&'a TrustProof>,
    /// The commit that this comment approved, as the ledger remembers it.
    pub approved: Option<&'a CommitSha>,
    /// Whether the host had shown, before the comment was written, that the present head waits for approval.
    pub was_shown_waiting: bool,
}

/// A run.
#[derive(Debug, Clone)]
pub struct RunFacts<'a> {
    /// Its name.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Whether it has not ended, and nobody has cancelled it.
    pub is_active: bool,
    /// Whether it is of the present head and base.
    pub is_present: bool,
    /// Its jobs.
    pub jobs: Vec<(&'a JobName, JobState)>,
    /// The comment that asked for it.
    pub asked_by: Option<CommentKey>,
    /// The comment that cancelled it.
    pub cancelled_by: Option<CommentKey>,
}

/// How far a job of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It has not ended: it waits, or runs.
    Active,
    /// It succeeded.
    Succeeded,
    /// It ended in another way: it failed, was stopped, or never ran.
    Failed,
}

impl RunFacts<'_> {
    /// The state of a job; `None` when the run doesn't hold it.
    pub fn state(&self, name: &JobName) -> Option<JobState> {
        self.jobs.iter().find(|(job, _)| *job == name).map(|(_, state)| *state)
    }

    /// The jobs that have not ended.
    pub fn unfinished(&self) -> impl Iterator<Item = &JobName> {
        self.jobs.iter().filter(|(_, state)| *state == JobState::Active).map(|(name, _)| *name)
    }
}
