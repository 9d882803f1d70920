//! Carries out one step of a run.

use k8s_openapi::jiff::Timestamp;
use tidegate_model::{CommitSha, GitRef, JobName};
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, Phase, Pull};
use tidegate_rules::{schedule::Limits, trust::Rights};
use tidegate_telemetry::field;

use super::queue::{AWAITING_APPROVAL, Step, StepResult};
use tracing::Instrument as _;

use crate::{
    context::Context,
    error_chain,
    host::{CallError, CredentialError},
    job::{
        dereference::{self, DereferenceError},
        limit,
        status::{self, SUCCEEDED, Verdict, WriteError},
        waiting::Cause,
    },
    ledger::LedgerError,
    span,
};

/// Why a run can't start now.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Config(#[from] DereferenceError),
    #[error("head {0} waits for the approval of a person who may write")]
    Untrusted(CommitSha),
    #[error("failed to read the ledger of the repository")]
    Ledger(#[from] LedgerError),
    #[error("failed to use the credential of the config")]
    Credential(#[from] CredentialError),
    #[error("the head of {reference} can't be read from the host")]
    Host {
        reference: GitRef,
        #[source]
        source: CallError,
    },
}

impl StartError {
    /// The condition's reason.
    fn reason(&self) -> &'static str {
        match self {
            Self::Config(error) => error.reason(),
            Self::Untrusted(_) => AWAITING_APPROVAL,
            Self::Ledger(_) => "LedgerUnreadable",
            Self::Credential(error) => error.category(),
            Self::Host { source, .. } if source.source.class().is_transient() => "HostUnreachable",
            Self::Host { .. } => "HostRefused",
        }
    }
}

/// The condition's message of a run whose head is not trusted.
const APPROVAL: &str = "waits for the approval of a person who may write";

/// Carries out a step, and writes the new status.
pub async fn carry_out(step: Step, job: &IntegrationJob, context: &Context) -> StepResult {
    work_on(step, job, context).instrument(span::of_run(job)).await
}

async fn work_on(step: Step, job: &IntegrationJob, context: &Context) -> StepResult {
    let now = Timestamp::now();
    let mut retry = None;
    let old = &job.status;
    let job = &match step {
        Step::Start => limited(job, context.settings.limits()),
        Step::Cancel | Step::Finish | Step::AwaitApproval => job.clone(),
    };
    let new = match step {
        Step::Start => match ready(job, context).await {
            Ok(Some(ready)) => started(job, ready, now),
            Ok(None) => {
                let message = format!("{} does not exist", job.spec.base.reference);
                ended(
                    job,
                    Verdict::new(Phase::Error, "BaseMissing", &*message),
                    JobPhase::Error,
                    &message,
                    now,
                )
            }
            Err(StartError::Config(
                error @ (DereferenceError::ConfigGone(_) | DereferenceError::OtherRepository { .. }),
            )) => {
                let message = error.to_string();
                let verdict = Verdict::new(Phase::Error, error.reason(), &*message);
                ended(job, verdict, JobPhase::Error, &message, now)
            }
            // The drain creates no such run. It is tried again with backoff: somebody may approve the head.
            Err(StartError::Untrusted(_)) => {
                retry = Some(None);
                waits(job, AWAITING_APPROVAL, APPROVAL, now)
            }
            Err(error) => {
                context.metrics.reconcile_failure("schedule", error.reason());
                let message = error_chain(&error);
                tracing::warn!({ field::ERROR } = message, "an IntegrationJob stays queued",);
                retry = Some(match &error {
                    StartError::Host { source, .. } => source.source.retry_after(),
                    StartError::Config(_)
                    | StartError::Credential(_)
                    | StartError::Untrusted(_)
                    | StartError::Ledger(_) => None,
                });
                limit::held(job, &Cause::new(error.reason(), message), now)
            }
        },
        Step::Cancel => match &job.spec.cancel {
            Some(cancel) => {
                let verdict = Verdict::new(Phase::Cancelled, cancel.reason.as_str(), &*cancel.message);
                ended(job, verdict, JobPhase::Cancelled, &cancel.message, now)
            }
            None => return StepResult::Written,
        },
        Step::Finish => {
            let verdict =
                Verdict::new(Phase::Succeeded, "NothingToRun", "no job of the config runs this time");
            ended(job, verdict, JobPhase::Succeeded, "", now)
        }
        Step::AwaitApproval => waits(job, AWAITING_APPROVAL, APPROVAL, now),
    };
    let written = if old.as_ref() == Some(&new) { Ok(()) } else { status::write(context, job, &new).await };
    match written {
        Ok(()) => {
            if new.phase.is_final() {
                context.metrics.finished(new.phase.as_str());
            }
            retry.map_or(StepResult::Written, StepResult::Retry)
        }
        Err(WriteError::Outdated) => StepResult::Outdated,
        Err(error) => {
            context.metrics.reconcile_failure("schedule", "status");
            tracing::warn!({ field::ERROR } = error_chain(&error), "failed to give a slot");
            StepResult::Retry(retry.flatten())
        }
    }
}

/// What a run starts with.
struct Ready {
    /// The commit that it builds, or merges into.
    base: CommitSha,
    /// Whether the ledger denies it Secrets.
    is_denied_secrets: bool,
}

/// The pushed commit, or the present head of the base branch; `None` if that branch doesn't exist. The ledger decides whether a
/// pull request's head is trusted and may read Secrets: the run's own fields don't count.
async fn ready(job: &IntegrationJob, context: &Context) -> Result<Option<Ready>, StartError> {
    let config = dereference::config(job, context).await?;
    let mut is_denied_secrets = false;
    if !job.spec.pulls.is_empty() {
        let book = context.ledgers.open(&config).await?;
        if let Some(pull) = job.spec.pulls.iter().find(|pull| !book.is_trusted(&pull.sha)) {
            return Err(StartError::Untrusted(pull.sha.clone()));
        }
        let is_denied = |pull: &Pull| book.rights(pull.number, &pull.sha) == Rights::WithoutSecrets;
        is_denied_secrets = job.spec.pulls.iter().any(is_denied);
    }
    let ready = |base| Ready { base, is_denied_secrets };
    if let Some(sha) = &job.spec.base.sha {
        return Ok(Some(ready(sha.clone())));
    }
    let host = context.hosts.for_config(&config).await?;
    let reference = &job.spec.base.reference;
    let head = host.read_ref(reference).await;
    head.map(|head| head.map(ready))
        .map_err(|source| StartError::Host { reference: reference.clone(), source })
}

/// The run with its effective timeout: at most the operator's limit.
fn limited(job: &IntegrationJob, limits: Limits) -> IntegrationJob {
    let mut limited = job.clone();
    limited.status.get_or_insert_default().timeout = Some(limits.timeout(job.spec.timeout));
    limited
}

fn started(job: &IntegrationJob, ready: Ready, now: Timestamp) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    status.base_sha = Some(ready.base);
    status.without_secrets = ready.is_denied_secrets;
    status.started_at = Some(status::rfc3339(now));
    // The last cause stays in the messages until a job has started: the next try may fail, too.
    let message = |name: &JobName| {
        let old = job.status.iter().flat_map(|status| &status.jobs).find(|entry| entry.name == *name);
        old.and_then(|entry| entry.message.as_deref())
    };
    status.jobs = job
        .spec
        .jobs
        .iter()
        .map(|entry| status::job_status(&entry.name, JobPhase::Pending, message(&entry.name)))
        .collect();
    Verdict::new(Phase::Running, "Running", "").enter(&mut status, now);
    status
}

fn ended(
    job: &IntegrationJob,
    verdict: Verdict,
    phase: JobPhase,
    message: &str,
    now: Timestamp,
) -> IntegrationJobStatus {
    status::finished_without_run(job, verdict, phase, message, now)
}

/// The run stays queued, and its condition shows why.
fn waits(job: &IntegrationJob, reason: &str, message: &str, now: Timestamp) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    let is_shown = |status: &IntegrationJobStatus| {
        status.conditions.iter().any(|condition| condition.type_ == SUCCEEDED && condition.reason == reason)
    };
    // The same reason is not written again at every try.
    if !is_shown(&status) {
        Verdict::new(Phase::Queued, reason, message).enter(&mut status, now);
    }
    status
}
