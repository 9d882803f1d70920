//! An `IntegrationJob` as the ledger records it. Pure.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tidegate_model::{Host, JobName, RepositoryPath};
use tidegate_resources::{
    CancelReason, ConfigReference, IntegrationConfig, IntegrationJob, JobPhase, JobStatus, Phase, annotation,
};
use tidegate_rules::{
    ledger::{Run, RunId, TargetKey},
    status::{JobKind, RunName, Verdict, VerdictState},
};

use super::status_content::status_content;

/// What a run shows. It proves nothing about trust: whoever may make runs writes what he likes into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// The config that the run was made from.
    pub config: ConfigReference,
    /// The host and repository that the run names.
    pub repository: (Host, RepositoryPath),
    /// The run. `None` while it waits for approval: the commit's own status shows it.
    pub run: Option<Run>,
    /// When its jobs ended.
    pub ended: Vec<(JobName, Timestamp)>,
    /// The request to run its failed jobs again.
    pub retest: Option<String>,
}

impl RunFacts {
    /// What a run shows. `None` for a run of several pull requests together: it says nothing about one alone.
    pub fn of(job: &IntegrationJob) -> Option<Self> {
        let (kind, commit) = match job.spec.pulls.as_slice() {
            [] => (JobKind::PostSubmit, job.spec.base.sha.as_ref()?),
            [pull] => (JobKind::PreSubmit, &pull.sha),
            _ => return None,
        };
        let target = TargetKey { commit: commit.clone(), kind, reference: job.spec.base.reference.clone() };
        let statuses = job.status.iter().flat_map(|status| &status.jobs);
        let ended =
            |status: &JobStatus| Some((status.name.clone(), status.completed_at.as_ref()?.parse().ok()?));
        Some(Self {
            config: job.spec.config.clone(),
            repository: (job.spec.host, job.spec.repository.clone()),
            run: (!job.spec.awaits_approval).then(|| run(job, target)),
            ended: statuses.filter_map(ended).collect(),
            retest: job.annotations().get(annotation::RETEST).cloned(),
        })
    }

    /// Whether the run is for the repository of its config. One for another says nothing about this one's commits.
    pub fn is_of_repository(&self, config: &IntegrationConfig) -> bool {
        let (host, repository) = &self.repository;
        config.spec.git.type_ == *host && config.spec.git.repository.is_same_as(repository)
    }
}

fn run(job: &IntegrationJob, target: TargetKey) -> Run {
    let name = job.name_any();
    let attempt = name.rsplit_once('-').and_then(|(_, attempt)| attempt.parse().ok()).unwrap_or(0);
    let id = RunId { created_at_ms: job.created_at_ms(), attempt, name: name.into() };
    let jobs = job.spec.jobs.iter();
    let jobs = jobs.map(|entry| (entry.name.clone(), verdict(job, &entry.name, &id.name)));
    let left_out = job.spec.skipped.iter().filter(|skipped| !skipped.undecided);
    Run {
        target,
        jobs: jobs.collect(),
        left_out: left_out.map(|skipped| (skipped.name.clone(), skipped.reason.clone())).collect(),
        id,
    }
}

/// What the run says about a job; `None` when Tidegate stopped the run before the job ended.
fn verdict(job: &IntegrationJob, name: &JobName, run: &RunName) -> Option<Verdict> {
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
    Some(Verdict { state, text: status_content(job, name).description.into(), run: run.clone() })
}

/// Whether a job was refused a Secret that a run with more rights may read.
fn needs_secret(status: Option<&JobStatus>) -> bool {
    let message = status.and_then(|status| status.message.as_deref());
    message.is_some_and(|message| message.starts_with("needs secret "))
}

#[cfg(test)]
mod tests;
