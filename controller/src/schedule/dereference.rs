//! Dereference: reads what a run needs so that it can start.

use std::time::Duration;

use tidegate_model::{CommitSha, GitRef};
use tidegate_resources::{IntegrationJob, Pull};
use tidegate_rules::trust::Rights;

use super::queue::AWAITING_APPROVAL;
use crate::{
    context::Context,
    host::{CallError, CredentialError},
    job::dereference::{self, DereferenceError},
    ledger::LedgerError,
};

/// Why a run can't start now.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
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
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Config(error) => error.reason(),
            Self::Untrusted(_) => AWAITING_APPROVAL,
            Self::Ledger(_) => "LedgerUnreadable",
            Self::Credential(error) => error.category(),
            Self::Host { source, .. } if source.source.class().is_transient() => "HostUnreachable",
            Self::Host { .. } => "HostRefused",
        }
    }

    /// How long the host asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Host { source, .. } => source.source.retry_after(),
            Self::Config(_) | Self::Untrusted(_) | Self::Ledger(_) | Self::Credential(_) => None,
        }
    }
}

/// What a run starts with.
pub struct Ready {
    /// The commit that it builds, or merges into.
    pub base: CommitSha,
    /// Whether the ledger denies it Secrets.
    pub is_denied_secrets: bool,
}

/// The pushed commit, or the present head of the base branch; `None` if that branch doesn't exist. The ledger decides whether a
/// pull request's head is trusted and may read Secrets: the run's own fields don't count.
pub async fn ready(job: &IntegrationJob, context: &Context) -> Result<Option<Ready>, StartError> {
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
