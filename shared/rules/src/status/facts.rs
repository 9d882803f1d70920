//! What a commit's statuses are computed from, and what they say.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidegate_model::{GitRef, JobName, PullRequestNumber, RefName, StatusState};

use super::shared_text::{RunName, Words};
use crate::trust::{Rights, TrustProof};

/// Which events a job runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobKind {
    /// Pull requests.
    PreSubmit,
    /// Pushes of branches and tags.
    PostSubmit,
}

/// The place of a status under a commit, within one config.
///
/// `spec.statusContext: perBase` will add a variant with a job and a base.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Context {
    /// The config's own: `tidegate/<config>`.
    Config,
    /// A job's: `tidegate/<config>/<job>`.
    Job(JobName),
}

impl Context {
    /// The name that the host shows.
    pub fn name(&self, config: &str) -> String {
        match self {
            Self::Config => format!("tidegate/{config}"),
            Self::Job(job) => format!("tidegate/{config}/{job}"),
        }
    }
}

/// What a run says about one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// How far the job is.
    pub state: VerdictState,
    /// The words of the status, as they are when nothing else shows the commit.
    pub text: Words,
    /// The name of the run: the status links to its page.
    pub run: RunName,
}

/// How far a job of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VerdictState {
    /// The run has no slot yet. A job that waits for its turn in a run with a slot is [`VerdictState::Running`].
    Queued,
    /// The run has a slot, and the job has not ended.
    Running,
    /// The job succeeded.
    Success,
    /// The job says that the code is bad.
    Failure,
    /// The job could not be carried out, or a person stopped it.
    Error,
    /// The job names a Secret that its run may not read. Shown as an error; a run with more rights runs it again.
    NeedsSecret,
}

impl VerdictState {
    /// Whether nothing will follow from this run.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// What is known of one job at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The config's filters leave it out, for this reason.
    NotApplicable(String),
    /// Its author left it out by this mark, and no run has it.
    LeftOut(String),
    /// It should run, and no run has it, or Tidegate stopped the run.
    Missing,
    /// A run has it.
    Verdict(Verdict),
}

/// What shows the commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shows {
    /// Open pull requests with this head and this base share one run.
    PullRequests {
        /// The base branch; for a GitHub stack the stack's.
        base: RefName,
        /// The pull requests. Never empty.
        numbers: BTreeSet<PullRequestNumber>,
        /// The rights of the run that they share: those of the one that has most.
        rights: Rights,
    },
    /// An open pull request had this base at this head, and was retargeted.
    FormerBase {
        /// The branch.
        base: RefName,
        /// The pull request.
        number: PullRequestNumber,
    },
    /// An accepted push. Without its run it is a target only of the jobs that ended, until a newer run has them.
    Push {
        /// The branch or tag.
        reference: GitRef,
        /// Whether the branch or tag was deleted since.
        is_deleted: bool,
    },
}

impl Shows {
    /// The jobs that it is a target of.
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::PullRequests { .. } | Self::FormerBase { .. } => JobKind::PreSubmit,
            Self::Push { .. } => JobKind::PostSubmit,
        }
    }
}

/// One target of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What shows the commit.
    pub shows: Shows,
    /// The jobs that are judged for it. For pull requests: every preSubmit job of the config. For a former base: the jobs
    /// that applied there and had not succeeded when the pull request left it. For a push: the jobs that the config had when
    /// the push was accepted.
    pub jobs: BTreeMap<JobName, Judgement>,
}

/// Whether the config can be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigState {
    /// It can.
    Valid,
    /// It can't, for this reason.
    Invalid(String),
    /// Its contexts are another config's, which reports them: nothing is written.
    Conflicting,
    /// It was deleted.
    Removed,
}

/// Why a commit is no pull request's head any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "camelCase")]
pub enum Left {
    /// The last pull request was closed.
    Closed {
        /// Its number.
        number: PullRequestNumber,
    },
    /// The last pull request was merged.
    Merged {
        /// Its number.
        number: PullRequestNumber,
    },
    /// The last pull request has a new head.
    NewHead {
        /// Its number.
        number: PullRequestNumber,
    },
}

/// What was decided last for a context of the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// The state.
    pub state: StatusState,
    /// The words.
    pub text: Words,
    /// The run that the status links to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunName>,
    /// The kind of the job; `None` for the config's own status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JobKind>,
    /// The rule that it followed from.
    pub rule: Rule,
    /// Whether it was a result when its last target went, so that `skipped` never overwrites it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept: bool,
}

/// Everything that shows one commit, under one config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The config.
    pub config: ConfigState,
    /// Its jobs.
    pub jobs: BTreeMap<JobName, JobKind>,
    /// Why the commit is trusted; `None` while it waits. A waiting commit has no status of a preSubmit job.
    pub trust: Option<TrustProof>,
    /// Whether it was ever shown as waiting.
    pub has_waited: bool,
    /// What shows it now.
    pub targets: Vec<Target>,
    /// Why no pull request shows it any more, as far as one did.
    pub left: Option<Left>,
    /// What was decided last.
    pub decided: BTreeMap<Context, Decided>,
}

impl Facts {
    /// Whether an open pull request has this head.
    pub fn is_open_head(&self) -> bool {
        self.targets.iter().any(|target| matches!(target.shows, Shows::PullRequests { .. }))
    }
}

/// Which rule a status follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// Rule 1: some verdict is failure or error.
    Failed,
    /// Rule 2: some verdict is not final, left out by its author, or missing.
    Pending,
    /// Rule 3: some verdict is success.
    Succeeded,
    /// Rule 4: the job applies to no target.
    Skipped,
    /// Rule 5: there is no target any more, and the status was pending.
    NoTarget,
    /// The job or the config is gone.
    Removed,
    /// The config's own status.
    Own,
}

/// A status to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The state.
    pub state: StatusState,
    /// The words, at most 140 characters. They name the target when it is not the only one.
    pub text: String,
    /// The run whose page the status links to.
    pub run: Option<RunName>,
    /// The kind of the job; `None` for the config's own status.
    pub kind: Option<JobKind>,
    /// The rule that it follows from.
    pub rule: Rule,
}

/// What happens to a context of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What was decided last stays; nothing, if nothing was.
    Keep,
    /// This is reported.
    Report(Report),
}
