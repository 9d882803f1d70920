//! What one config remembers of its repository, as a pure state machine: [`Ledger::apply`] folds what was seen into it and
//! decides what each commit's statuses say. The controller stores it, and sends what is decided.
//!
//! Everything here can be folded twice: the same observation changes nothing the second time. So after a crash the
//! controller applies again what it sees on the host and in the cluster.
//!
//! It is bounded by open pull requests and live refs plus a window ([`Ledger::prune`]). It is stored as [`Record`]s.

mod apply;
mod config;
mod evaluate;
mod facts;
mod look;
mod looks;
mod missing;
mod prune;
mod record;
mod sharing;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidegate_model::{CommitSha, GitRef, JobName, PullRequestNumber, RefName};

use crate::{
    small_map::SmallMap,
    status::{Context, Decided, JobKind, Left, RunName, Verdict},
    trust::{Rights, TrustProof},
};

pub use config::{Config, Job};
pub use look::{Look, Looks};
pub use missing::MissingRun;
pub use record::{Record, RecordKey};

/// Bases that an open pull request may have had at one head. Beyond it every job fails as an error until a new head or a
/// writer's `/test`.
pub const MAX_FORMER_BASES: usize = 32;

/// What one config remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Branches and tags, and those that were deleted within the window.
    pub refs: BTreeMap<GitRef, RefRecord>,
    /// Open pull requests, and those that were closed within the window.
    pub pull_requests: BTreeMap<PullRequestNumber, PullRequestRecord>,
    /// Commits that something shows, or showed within the window.
    pub commits: BTreeMap<CommitSha, CommitRecord>,
    /// The verdicts, by what shows the commit.
    pub targets: BTreeMap<CommitSha, SmallMap<(JobKind, GitRef), TargetRecord>>,
    /// Whether pull requests have to be looked for on the host.
    pub looks: Looks,
}

/// A branch or tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefRecord {
    /// What it points to; `None` when it was deleted.
    pub target: Option<CommitSha>,
    /// When that was seen, in milliseconds since 1970.
    pub changed_at_ms: i64,
    /// When it was seen to come to this commit after it had been elsewhere or gone, in milliseconds since 1970: an older run of
    /// the commit was made for another push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_at_ms: Option<i64>,
    /// Whether it was pushed while the config could not be followed, so that it runs as soon as the config can.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_due: bool,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestRecord {
    /// What was seen last.
    #[serde(flatten)]
    pub seen: PullRequest,
    /// The bases that it had at this head before the present one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_bases: Vec<FormerBase>,
    /// Whether it had more than [`MAX_FORMER_BASES`] at this head.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_too_many_bases: bool,
    /// When it changed last, in milliseconds since 1970.
    pub changed_at_ms: i64,
}

/// A pull request as the host shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    /// Whether it is open.
    pub state: PullRequestState,
    /// Its head.
    pub head: CommitSha,
    /// The branch of its head, in whatever repository that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<RefName>,
    /// Its base; for a GitHub stack the stack's base.
    pub base: RefName,
    /// The mark by which its author leaves CI out, like `[skip ci]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Whether it is a draft.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_draft: bool,
    /// What its run may read.
    pub rights: Rights,
    /// The digest of its labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
}

/// Whether a pull request is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PullRequestState {
    /// It is open.
    Open,
    /// It was closed without being merged, or is gone.
    Closed,
    /// It was merged.
    Merged,
}

/// A base that a pull request had at its present head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerBase {
    /// The branch.
    pub base: RefName,
    /// The jobs that applied there and had not succeeded when the pull request left it, as far as nothing has made up for
    /// them: a success for a present target, or a writer's `/test`.
    pub due: BTreeSet<JobName>,
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitRecord {
    /// Why it is trusted. It is never taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustProof>,
    /// Whether it was ever shown as waiting for approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_waited: bool,
    /// Why no open pull request has it as head any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// What its statuses say.
    #[serde(default, with = "record::entries", skip_serializing_if = "SmallMap::is_empty")]
    pub statuses: SmallMap<Context, Status>,
    /// When it changed last, in milliseconds since 1970.
    pub changed_at_ms: i64,
}

/// What a context of a commit says, and what the host knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// What it should say.
    #[serde(flatten)]
    pub decided: Decided,
    /// Whether the host took it, or refused it for good. Otherwise a write is due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_settled: bool,
}

/// What shows a commit: the key of its verdicts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetKey {
    /// The commit.
    pub commit: CommitSha,
    /// The jobs that are judged.
    pub kind: JobKind,
    /// The base branch, or what was pushed.
    #[serde(rename = "ref")]
    pub reference: GitRef,
}

/// The verdicts for one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetRecord {
    /// Each job's, by the newest run that has it.
    pub jobs: SmallMap<JobName, JobRecord>,
    /// The runs of an accepted push that exist. Without one the push stands only for the jobs that ended.
    #[serde(default, with = "record::keys", skip_serializing_if = "SmallMap::is_empty")]
    pub runs: SmallMap<RunName, ()>,
    /// When it changed last, in milliseconds since 1970.
    pub changed_at_ms: i64,
}

/// What is remembered of one job for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum JobRecord {
    /// The filters left it out when the push was accepted.
    LeftOut {
        /// Which rule.
        reason: String,
    },
    /// A run has it.
    Run {
        /// The run.
        run: RunId,
        /// What the run says; `None` when Tidegate stopped it before the job ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Verdict>,
    },
}

/// Which run. The order is that of their age: the greatest is the newest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunId {
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Its attempt.
    pub attempt: u32,
    /// Its name.
    pub name: RunName,
}

/// A run as the cluster shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Which run.
    pub id: RunId,
    /// What it was made for.
    pub target: TargetKey,
    /// What it says about each of its jobs; `None` for a job that had not ended when Tidegate stopped the run.
    ///
    /// A run that a person stopped says error `stopped by X`.
    pub jobs: BTreeMap<JobName, Option<Verdict>>,
    /// Jobs that its filters left out, with the reason. Only a push's are remembered.
    pub left_out: BTreeMap<JobName, String>,
}

/// Who deleted a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeletedBy {
    /// A person: what was pending becomes an error.
    Person,
    /// Retention: nothing changes.
    Retention,
}

/// Something that was seen on the host or in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The host shows a pull request like this.
    PullRequest {
        /// Its number.
        number: PullRequestNumber,
        /// How it is.
        seen: PullRequest,
        /// Why its head is trusted (`trust::of_head`); `None` when nothing proves it now.
        trust: Option<TrustProof>,
    },
    /// The host shows that a branch or tag points to a commit, or is gone.
    Ref {
        /// The branch or tag.
        reference: GitRef,
        /// What it points to; `None` when it is gone.
        target: Option<CommitSha>,
    },
    /// A branch or tag that was seen was pushed while the config can't be followed; or what the push asked for was done.
    RefDue {
        /// The branch or tag.
        reference: GitRef,
        /// Whether it has to run.
        is_due: bool,
    },
    /// Events may have been dropped that the host sent: a hook was replaced, or the config lost the proof of its right.
    Dropped,
    /// A commit is trusted: somebody approved it, or every head in a queue's commit is trusted.
    Trusted {
        /// The commit.
        commit: CommitSha,
        /// Why.
        proof: TrustProof,
    },
    /// A run exists, and is like this. A push was accepted when its run exists.
    ///
    /// A run may be stored later than it was seen, as long as it exists.
    Run(Run),
    /// A run was deleted.
    RunDeleted {
        /// The run, as it was last.
        run: Run,
        /// Who deleted it.
        by: DeletedBy,
    },
    /// A person with write permission asked for jobs of a pull request by `/test`. A run of them exists already.
    Tested {
        /// The pull request.
        pull_request: PullRequestNumber,
        /// The jobs; `None` for all.
        jobs: Option<BTreeSet<JobName>>,
    },
    /// The config changed: its jobs, their filters, or whether it is valid.
    Config,
}

#[cfg(test)]
mod tests;
