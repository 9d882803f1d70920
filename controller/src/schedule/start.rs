//! Carries out what the queue decided for one job.

use k8s_openapi::jiff::Timestamp;
use tidegate_model::{CommitSha, GitRef, JobName};
use tidegate_resources::{IntegrationJob, IntegrationJobStatus, JobPhase, Phase, Pull};
use tidegate_rules::{schedule::Limits, trust::Rights};
use tidegate_telemetry::field;

use super::queue::{AWAITING_APPROVAL, Done, Need};
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

/// Why a job can't start now.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Config(#[from] DereferenceError),
    #[error("head {0} waits for the approval of a person who may write")]
    Untrusted(CommitSha),
    #[error("failed to read what is remembered of the repository")]
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
    /// The reason, as a condition's.
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

/// What the condition of a run says whose head is not trusted.
const APPROVAL: &str = "waits for the approval of a person who may write";

/// Does it, and writes the status that follows.
pub async fn carry_out(need: Need, job: &IntegrationJob, context: &Context) -> Done {
    work_on(need, job, context).instrument(span::of_run(job)).await
}

async fn work_on(need: Need, job: &IntegrationJob, context: &Context) -> Done {
    let now = Timestamp::now();
    let mut retry = None;
    let old = &job.status;
    let job = &match need {
        Need::Start => limited(job, context.settings.limits()),
        Need::Cancel | Need::Nothing | Need::Approval => job.clone(),
    };
    let new = match need {
        Need::Start => match ready(job, context).await {
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
            // The drain makes no such run: it looks again from time to time whether somebody approved the head.
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
        Need::Cancel => match &job.spec.cancel {
            Some(cancel) => {
                let verdict = Verdict::new(Phase::Cancelled, cancel.reason.as_str(), &*cancel.message);
                ended(job, verdict, JobPhase::Cancelled, &cancel.message, now)
            }
            None => return Done::Written,
        },
        Need::Nothing => {
            let verdict =
                Verdict::new(Phase::Succeeded, "NothingToRun", "no job of the config runs this time");
            ended(job, verdict, JobPhase::Succeeded, "", now)
        }
        Need::Approval => waits(job, AWAITING_APPROVAL, APPROVAL, now),
    };
    let written = if old.as_ref() == Some(&new) { Ok(()) } else { status::write(context, job, &new).await };
    match written {
        Ok(()) => {
            if new.phase.is_final() {
                context.metrics.finished(new.phase.as_str());
            }
            retry.map_or(Done::Written, Done::Retry)
        }
        Err(WriteError::Outdated) => Done::Outdated,
        Err(error) => {
            context.metrics.reconcile_failure("schedule", "status");
            tracing::warn!({ field::ERROR } = error_chain(&error), "failed to give a slot");
            Done::Retry(retry.flatten())
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

/// What the run starts with: what was pushed, or the base branch's head as the host has it now; `None` where that is gone. The
/// ledger says whether a pull request's head is trusted and may read Secrets, whatever the run says about itself.
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

/// The job with the time that its run is granted: never more than the operator's limit.
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
    // What kept the run from starting is said until something of it has started: the next try may fail, too.
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
    status::ended_unrun(job, verdict, phase, message, now)
}

/// The job stays queued, and its condition says why.
fn waits(job: &IntegrationJob, reason: &str, message: &str, now: Timestamp) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    let says_so = |status: &IntegrationJobStatus| {
        status.conditions.iter().any(|condition| condition.type_ == SUCCEEDED && condition.reason == reason)
    };
    // The same reason is not written again at every try.
    if !says_so(&status) {
        Verdict::new(Phase::Queued, reason, message).enter(&mut status, now);
    }
    status
}
