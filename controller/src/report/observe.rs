//! What an `IntegrationJob` shows, in the words of the ledger. Pure.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tidegate_model::{JobName, PullRequestNumber};
use tidegate_resources::{
    CancelReason, ConfigReference, IntegrationJob, JobPhase, JobStatus, Phase, Pull, annotation,
};
use tidegate_rules::{
    ledger::{Observation, PullRequest, PullRequestState, Run, RunId, TargetKey},
    status::{JobKind, Verdict, VerdictState},
    trust::{Proof, Rights},
};

use super::plan::said;

/// What a run shows.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The config that the run was made from.
    pub config: ConfigReference,
    /// The pull request, for a ledger that doesn't know it: the run is older than the ledger, and active.
    pub pull_request: Option<(PullRequestNumber, Observation)>,
    /// Why the commit is trusted, as far as the run proves it.
    pub trusted: Option<Observation>,
    /// The run. `None` while it waits for approval: the commit's own status says so.
    pub run: Option<Run>,
    /// When its jobs ended.
    pub ended: Vec<(JobName, Timestamp)>,
    /// The request to run its failed jobs again.
    pub retest: Option<String>,
}

impl Seen {
    /// What a run shows. `None` for a run of several pull requests together: it says nothing about one alone.
    pub fn of(job: &IntegrationJob) -> Option<Self> {
        let (kind, commit) = match job.spec.pulls.as_slice() {
            [] => (JobKind::PostSubmit, job.spec.base.sha.as_ref()?),
            [pull] => (JobKind::PreSubmit, &pull.sha),
            _ => return None,
        };
        let target = TargetKey { commit: commit.clone(), kind, reference: job.spec.base.reference.clone() };
        let trusted = proof(job).map(|proof| Observation::Trusted { commit: commit.clone(), proof });
        let statuses = job.status.iter().flat_map(|status| &status.jobs);
        let ended =
            |status: &JobStatus| Some((status.name.clone(), status.completed_at.as_ref()?.parse().ok()?));
        Some(Self {
            config: job.spec.config.clone(),
            pull_request: job.spec.pulls.first().and_then(|pull| unknown_pull_request(job, pull)),
            trusted,
            run: (!job.spec.lacks_approval()).then(|| run(job, target)),
            ended: statuses.filter_map(ended).collect(),
            retest: job.annotations().get(annotation::RETEST).cloned(),
        })
    }

    /// What the ledger is to remember of it, in this order.
    pub fn observations(&self) -> impl Iterator<Item = Observation> {
        self.trusted.clone().into_iter().chain(self.run.clone().map(Observation::Run))
    }
}

/// A push was accepted because its commit was on the branch or tag. A pull request's head is trusted by who approved it; else
/// the drain has recorded why.
fn proof(job: &IntegrationJob) -> Option<Proof> {
    if job.spec.pulls.is_empty() {
        return Some(Proof::HeadOf { reference: job.spec.base.reference.clone() });
    }
    let approved = job.spec.approved.as_ref()?;
    Some(Proof::Approval { approver: approved.author.clone(), comment: Some(approved.id) })
}

fn unknown_pull_request(job: &IntegrationJob, pull: &Pull) -> Option<(PullRequestNumber, Observation)> {
    let is_active =
        job.spec.cancel.is_none() && !job.status.as_ref().is_some_and(|status| status.phase.is_final());
    if !is_active {
        return None;
    }
    let seen = PullRequest {
        state: PullRequestState::Open,
        head: pull.sha.clone(),
        base: job.spec.base.reference.name().clone(),
        mark: None,
        is_draft: false,
        rights: if pull.fork { Rights::WithoutSecrets } else { Rights::WithSecrets },
        labels: None,
    };
    let trust = (!job.spec.awaits_approval).then(|| Proof::ForkOfWriter { owner: pull.author.clone() });
    Some((pull.number, Observation::PullRequest { number: pull.number, seen, trust }))
}

fn run(job: &IntegrationJob, target: TargetKey) -> Run {
    let name = job.name_any();
    let attempt = name.rsplit_once('-').and_then(|(_, attempt)| attempt.parse().ok()).unwrap_or(0);
    let jobs = job.spec.jobs.iter().map(|entry| (entry.name.clone(), verdict(job, &entry.name)));
    let left_out = job.spec.skipped.iter().filter(|skipped| !skipped.undecided);
    Run {
        id: RunId { created_at_ms: job.created_at_ms(), attempt, name },
        target,
        jobs: jobs.collect(),
        left_out: left_out.map(|skipped| (skipped.name.clone(), skipped.reason.clone())).collect(),
    }
}

/// What the run says about a job; `None` when Tidegate stopped the run before the job ended.
fn verdict(job: &IntegrationJob, name: &JobName) -> Option<Verdict> {
    let status = job.status.as_ref();
    let phase = status.map(|status| status.phase).unwrap_or_default();
    let entry = status.and_then(|status| status.jobs.iter().find(|entry| entry.name == *name));
    let was_stopped_by_us = job.spec.cancel.as_ref().is_some_and(|cancel| match cancel.reason {
        CancelReason::Superseded | CancelReason::PullRequestClosed | CancelReason::RefDeleted => true,
        CancelReason::Requested => false,
    });
    let state = match entry.map(|entry| entry.phase) {
        None => match phase {
            Phase::Queued | Phase::Running => VerdictState::Queued,
            Phase::Succeeded => VerdictState::Success,
            Phase::Failed | Phase::Cancelled | Phase::Error if was_stopped_by_us => return None,
            Phase::Failed | Phase::Cancelled | Phase::Error => VerdictState::Error,
        },
        Some(JobPhase::Pending | JobPhase::Running) => VerdictState::Running,
        Some(JobPhase::Succeeded) => VerdictState::Success,
        Some(JobPhase::Failed) => VerdictState::Failure,
        Some(JobPhase::NotRun | JobPhase::Cancelled) if was_stopped_by_us => return None,
        Some(JobPhase::Error) if needs_secret(entry) => VerdictState::NeedsSecret,
        Some(JobPhase::NotRun | JobPhase::Cancelled | JobPhase::Error) => VerdictState::Error,
    };
    Some(Verdict { state, text: said(job, name).description, run: job.name_any() })
}

/// Whether a job was refused a Secret that a run with more rights may read.
fn needs_secret(status: Option<&JobStatus>) -> bool {
    let message = status.and_then(|status| status.message.as_deref());
    message.is_some_and(|message| message.starts_with("needs secret "))
}

#[cfg(test)]
mod tests;
