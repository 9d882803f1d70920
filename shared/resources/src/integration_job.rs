//! `IntegrationJob`: one instance of CI work for one trigger.

use kube::{CustomResource, KubeSchema, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_model::{
    CommitSha, GitRef, Host, JobName, JobSpec, Login, PullRequestNumber, RepositoryPath, Timeout,
};

use crate::{Condition, annotation, schema::structural};

mod cancel;
mod comment;
mod retest;
mod trigger;

pub use cancel::{Cancel, CancelReason};
pub use comment::CommentReference;
pub use retest::NotRetested;
pub use trigger::{Retested, Trigger};

/// One instance of CI work for one trigger. The controller makes it; people read it, or delete it to stop the work.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "tidegate.dev",
    version = "v1alpha1",
    kind = "IntegrationJob",
    plural = "integrationjobs",
    shortname = "ij",
    category = "tidegate",
    namespaced,
    status = "IntegrationJobStatus",
    derive = "PartialEq",
    cel,
    doc = "One instance of CI work for one trigger.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("a name has at most 63 characters"),
    printcolumn(name = "Config", type_ = "string", json_path = ".spec.config.name"),
    printcolumn(name = "Trigger", type_ = "string", json_path = ".spec.trigger.type"),
    printcolumn(name = "PR", type_ = "integer", json_path = ".spec.pulls[0].number"),
    printcolumn(name = "Ref", type_ = "string", json_path = ".spec.base.ref"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Succeeded')].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Succeeded')].message", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
#[x_kube(
    validation = Rule::new("self.trigger.type != 'PullRequest' || size(self.pulls) == 1").message("a PullRequest trigger has exactly one pull"),
    validation = Rule::new("self.trigger.type != 'Comment' || size(self.pulls) == 1").message("a Comment trigger has exactly one pull"),
    validation = Rule::new("self.trigger.type != 'Push' || size(self.pulls) == 0 && has(self.base.sha)").message("a Push trigger has base.sha and no pulls"),
    // Kubernetes doesn't evaluate a field's rule when the field is set or removed.
    validation = Rule::new("has(self.pulls) == has(oldSelf.pulls)").message("pulls can't be set or removed"),
    validation = Rule::new("has(self.skipped) == has(oldSelf.skipped)").message("skipped can't be set or removed"),
    validation = Rule::new("has(self.awaitsApproval) == has(oldSelf.awaitsApproval)").message("awaitsApproval can't be set or removed"),
    validation = Rule::new("!has(oldSelf.approved) || has(self.approved)").message("an approval can't be taken back"),
    validation = Rule::new("!has(oldSelf.cancel) || has(self.cancel)").message("a cancelled run stays cancelled")
)]
pub struct IntegrationJobSpec {
    /// The config it was made from.
    #[x_kube(validation = Rule::new("self == oldSelf").message("config can't change"))]
    pub config: ConfigReference,
    /// The kind of host.
    #[x_kube(validation = Rule::new("self == oldSelf").message("host can't change"))]
    pub host: Host,
    /// The repository's path on the host.
    #[x_kube(validation = Rule::new("self == oldSelf").message("repository can't change"))]
    pub repository: RepositoryPath,
    /// Why it was made.
    #[x_kube(validation = Rule::new("self == oldSelf").message("trigger can't change"))]
    pub trigger: Trigger,
    /// The branch or tag that is built, or that the pulls merge into.
    #[x_kube(validation = Rule::new("self == oldSelf").message("base can't change"))]
    pub base: Base,
    /// The pull requests that are merged into the base, in this order.
    #[serde(default)]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("pulls can't change"))]
    pub pulls: Vec<Pull>,
    /// A copy of the jobs that run.
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("jobs can't change"))]
    pub jobs: Vec<JobSpec>,
    /// Jobs of the config that don't run this time, with the reason that the host shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("skipped can't change"))]
    pub skipped: Vec<SkippedJob>,
    /// How long the run may take from its start. The operator's limit may be less: see `status.timeout`.
    #[x_kube(validation = Rule::new("self == oldSelf").message("timeout can't change"))]
    pub timeout: Timeout,
    /// Whether a person with write permission has to approve the head first. Such a run never starts: an approved head gets
    /// another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("awaitsApproval can't change"))]
    pub awaits_approval: bool,
    /// The comment that approved the head, for people. It grants nothing: the controller remembers approvals in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("an approval can't change"))]
    pub approved: Option<CommentReference>,
    /// Set once to stop the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("a cancelled run stays cancelled, for the reason it was cancelled for"))]
    pub cancel: Option<Cancel>,
}

impl IntegrationJob {
    /// When it was made, in milliseconds since 1970: as the controller wrote it, else as Kubernetes did, in whole seconds.
    pub fn created_at_ms(&self) -> i64 {
        let written = self.annotations().get(annotation::CREATED_AT_MS).and_then(|ms| ms.parse().ok());
        written.unwrap_or_else(|| self.creation_timestamp().map_or(0, |time| time.0.as_millisecond()))
    }

    /// How long the run may take: what was granted with its slot, else what its spec asks for.
    pub fn timeout(&self) -> Timeout {
        self.status.as_ref().and_then(|status| status.timeout).unwrap_or(self.spec.timeout)
    }

    /// Whether its code gets no Secrets: its spec forbids them, or the ledger did when it got its slot.
    pub fn is_untrusted(&self) -> bool {
        let is_denied = self.status.as_ref().is_some_and(|status| status.without_secrets);
        is_denied || self.spec.pulls.iter().any(|pull| pull.fork)
    }
}

/// The config an `IntegrationJob` was made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ConfigReference {
    /// Its name. The config is in the job's namespace.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Its uid: a config that was deleted and created again under its name is another one.
    #[schemars(length(min = 1, max = 64))]
    pub uid: String,
}

/// The branch or tag that is built, or merged into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Base {
    /// refs/heads/… or refs/tags/…
    #[serde(rename = "ref")]
    pub reference: GitRef,
    /// The pushed commit. For pull requests it is read when the run starts, and is in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<CommitSha>,
}

/// A pull request to merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Pull {
    /// Its number.
    pub number: PullRequestNumber,
    /// The head that is tested.
    pub sha: CommitSha,
    /// Who opened it.
    pub author: Login,
    /// Whether the run gets no Secret: its head is that of a fork, or no branch of the repository, or its opener may not write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fork: bool,
}

/// A job that doesn't run this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SkippedJob {
    /// The job's name.
    pub name: JobName,
    /// Why it is left out.
    #[schemars(length(max = 140))]
    pub reason: String,
    /// Whether the pull request's author left it out. Then nothing is decided: its status stays pending, and a comment can
    /// run it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
}

/// How far an `IntegrationJob` is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct IntegrationJobStatus {
    /// How far it is. Empty means Queued.
    #[serde(default)]
    pub phase: Phase,
    /// `Succeeded`: Unknown while the run is active, with a reason such as `AwaitingApproval`, `Superseded`, `MergeConflict`,
    /// `TimedOut`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
    /// The head of the base branch when the run got its slot: every task merges into this commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha: Option<CommitSha>,
    /// The commit that was built, as the checkout made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_sha: Option<CommitSha>,
    /// The tree of that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<CommitSha>,
    /// The name of the `PipelineRun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub pipeline_run: Option<String>,
    /// When it got its slot (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub started_at: Option<String>,
    /// How long it may take: what its spec asks for, or less where the operator's limit is less. Set with its slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Timeout>,
    /// Whether it gets no Secrets although its spec asks for them: the ledger doesn't grant them to its head. Set with its
    /// slot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_secrets: bool,
    /// When it ended (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub completed_at: Option<String>,
    /// Each job's own state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub jobs: Vec<JobStatus>,
}

/// How far an `IntegrationJob` is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Phase {
    /// It waits for a slot or for approval: there is no `PipelineRun`.
    #[default]
    Queued,
    /// It has a slot.
    Running,
    /// Every job that counts succeeded.
    Succeeded,
    /// A job failed, or the code can't be merged.
    Failed,
    /// It was stopped.
    Cancelled,
    /// It could not be carried out.
    Error,
}

impl Phase {
    /// Whether nothing will follow.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The name, for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Error => "Error",
        }
    }
}

/// One job's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct JobStatus {
    /// The job's name.
    pub name: JobName,
    /// How far it is.
    pub phase: JobPhase,
    /// What went wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub message: Option<String>,
    /// When it started (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub started_at: Option<String>,
    /// When it ended (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub completed_at: Option<String>,
}

/// How far one job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum JobPhase {
    /// It has not started.
    Pending,
    /// It runs.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// It never ran, because a job that it comes after failed.
    NotRun,
    /// It was stopped.
    Cancelled,
    /// It could not be carried out.
    Error,
}

impl JobPhase {
    /// Whether nothing will follow.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

#[cfg(test)]
mod tests;
