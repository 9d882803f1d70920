//! Corrects the statuses and removes the webhook of a config that is being deleted. An unreachable host delays the deletion by
//! 5 minutes at most.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};
use kube::{
    Resource, ResourceExt,
    core::PartialObjectMetaExt as _,
    runtime::events::{Event, EventType},
};
use tidegate_hosts::client::HostError;
use tidegate_resources::{IntegrationConfig, IntegrationConfigStatus, WebhookStatus};
use tidegate_telemetry::field;

use crate::{
    context::Context,
    fitness::conflict::conflict,
    host::{CallError, CredentialError},
    ledger::LedgerError,
};

/// How long the removal is tried before the finalizer is released anyway.
const TIMEOUT: Duration = Duration::from_mins(5);

/// How long one round waits for the statuses to be written.
const ROUND: Duration = Duration::from_secs(10);
/// How many statuses an Event names.
const NAMED: usize = 5;

/// Why the webhook could not be removed yet.
#[derive(Debug, thiserror::Error)]
pub enum CleanupError {
    /// There is no usable credential.
    #[error("failed to get the host's credential")]
    Credential(#[source] CredentialError),
    /// The host refused, or was unreachable.
    #[error("failed to delete hook {id} of {repository}")]
    Host {
        /// The hook.
        id: String,
        /// The repository.
        repository: String,
        /// Why.
        source: CallError,
    },
    /// Statuses that the config left pending could not be corrected yet.
    #[error("{0} commit statuses are still to be corrected on the host")]
    Statuses(usize),
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The Event that names the leftover hook could not be written.
    #[error("failed to publish the Event about the leftover hook")]
    Event(#[source] kube::Error),
}

impl CleanupError {
    /// Whether a retry can't help: the credential or the right is gone.
    fn is_final(&self) -> bool {
        match self {
            Self::Credential(error) => !error.is_transient(),
            Self::Host { source, .. } => source.source.class().is_denial(),
            Self::Statuses(_) | Self::Ledger(_) | Self::Event(_) => false,
        }
    }
}

/// Waits until the report loop has corrected the pending statuses of the deleted config.
async fn correct(config: &IntegrationConfig, context: &Context, now: Timestamp) -> Result<(), CleanupError> {
    if conflict(config).is_some() {
        // Another config owns the statuses.
        return Ok(());
    }
    let mut changes = context.ledgers.changes();
    let book = context.ledgers.open(config).await?;
    let written = async { while !book.due().is_empty() && changes.changed().await.is_ok() {} };
    let is_hopeless = matches!(context.hosts.for_config(config).await, Err(error) if !error.is_transient());
    if !is_hopeless && tokio::time::timeout(ROUND, written).await.is_ok() {
        return Ok(());
    }
    let due = book.due();
    if due.is_empty() {
        return Ok(());
    }
    if !is_hopeless && !has_waited(config, now) {
        return Err(CleanupError::Statuses(due.len()));
    }
    let names = due
        .iter()
        .take(NAMED)
        .map(|due| format!("{} of {}", due.context.name(&config.name_any()), due.commit));
    let names = names.collect::<Vec<_>>().join(", ");
    let note = format!("{} commit statuses stay as they are on the host: {names}", due.len());
    tracing::warn!("{note}");
    publish(config.meta(), "StatusesLeftBehind", "CorrectStatuses", &note, context).await
}

fn has_waited(config: &IntegrationConfig, now: Timestamp) -> bool {
    let since = config.meta().deletion_timestamp.as_ref();
    since.is_some_and(|since| now.duration_since(since.0) >= TIMEOUT.try_into().unwrap_or_default())
}

async fn publish(
    metadata: &ObjectMeta,
    reason: &str,
    action: &str,
    note: &str,
    context: &Context,
) -> Result<(), CleanupError> {
    let event = Event {
        type_: EventType::Warning,
        reason: reason.to_owned(),
        note: Some(note.chars().take(1024).collect()),
        action: action.to_owned(),
        secondary: None,
    };
    let config = metadata.clone().into_response_partial::<IntegrationConfig>();
    context.recorder.publish(&event, &config.object_ref(&())).await.map_err(CleanupError::Event)
}

/// Corrects the statuses and removes the webhook. Success releases the finalizer: the hook is deleted, or an Event names what
/// is left.
pub async fn cleanup(
    config: &IntegrationConfig,
    context: &Context,
    now: Timestamp,
) -> Result<(), CleanupError> {
    correct(config, context, now).await?;
    let webhook = config.status.as_ref().and_then(|status| status.webhook.as_ref());
    let Some(WebhookStatus { id: Some(id), url, .. }) = webhook else {
        return Ok(());
    };
    let Err(error) = delete(config, id, url.as_deref(), context).await else {
        tracing::info!({ field::HOOK } = id, "removed the webhook of {}", config.spec.git.repository);
        return Ok(());
    };
    if !error.is_final() && !has_waited(config, now) {
        return Err(error);
    }
    let status = config.status.clone().unwrap_or_default();
    let repository = config.spec.git.repository.as_str();
    leave_behind(config.meta(), &status, repository, &crate::error_chain(&error), context).await
}

/// Publishes an Event about the webhook that stays on the host, if there is one.
pub async fn leave_behind(
    metadata: &ObjectMeta,
    status: &IntegrationConfigStatus,
    repository: &str,
    reason: &str,
    context: &Context,
) -> Result<(), CleanupError> {
    let Some(WebhookStatus { id: Some(id), url, .. }) = &status.webhook else {
        return Ok(());
    };
    let url = url.as_deref().unwrap_or("unknown address");
    let note = format!("hook {id} ({url}) of {repository} is left on the host, remove it there: {reason}");
    tracing::warn!({ field::CONFIG } = metadata.name, { field::HOOK } = id, "{note}");
    publish(metadata, "WebhookLeftBehind", "RemoveWebhook", &note, context).await
}

async fn delete(
    config: &IntegrationConfig,
    id: &str,
    url: Option<&str>,
    context: &Context,
) -> Result<(), CleanupError> {
    let client = context.hosts.for_config(config).await.map_err(CleanupError::Credential)?;
    let failed = |source| CleanupError::Host {
        id: id.to_owned(),
        repository: client.repository().to_string(),
        source,
    };
    // A recently replaced hook may still exist.
    let hooks = match client.list_hooks().await {
        // The repository was deleted, and its hooks with it.
        Err(CallError { source: HostError::NotFound, .. }) => return Ok(()),
        hooks => hooks.map_err(failed)?,
    };
    // All hooks of this config: they differ in the salt.
    let prefix = url.and_then(|url| url.rsplit_once('/')).map(|(prefix, _)| prefix);
    let is_ours = |url: &str| prefix.is_some() && url.rsplit_once('/').map(|(start, _)| start) == prefix;
    for hook in hooks.iter().filter(|hook| hook.id == id || is_ours(&hook.url)) {
        client.delete_hook(&hook.id).await.map_err(failed)?;
    }
    Ok(())
}
