//! Sends a commit status to the host.

use std::sync::Arc;

use kube::{
    Resource,
    runtime::events::{Event, EventType},
};
use tidegate_hosts::client::{ErrorClass, HostError};
use tidegate_model::{CommitSha, CommitStatus, PullRequestNumber, RefName};
use tidegate_resources::{IntegrationConfig, statuses_digest};
use tidegate_telemetry::field;

use super::{
    comment,
    outbox::{Due, Sent},
};
use crate::{context::Context, error_chain, host::CallError, key::Key, outcome::status_content::page_url};

/// Sends a status to the host of a config. `branch` is that of a pull request with the commit as its head.
/// `is_head`: pull requests have it as head, so that a comment can replace it.
pub async fn send(
    due: &Due,
    branch: Option<RefName>,
    is_head: bool,
    config: &IntegrationConfig,
    context: &Context,
) -> Sent {
    // A missing or unreadable Secret can be repaired; the config's condition shows the cause.
    let Ok(host) = context.hosts.for_config(config).await else {
        return Sent::Failed { retry_after: None };
    };
    let run = due.run.as_ref().map(|run| Key::new(Arc::clone(&due.target.config.namespace), run.as_str()));
    let base = context.settings.report_url.as_deref();
    let status = CommitStatus {
        sha: due.target.sha.clone(),
        context: due.target.context.name(&due.target.config.name),
        state: due.status.state,
        description: due.status.description.clone(),
        target_url: base.zip(run.as_ref()).map(|(base, run)| page_url(base, run)),
        branch,
    };
    let Err(CallError { source: error, .. }) = host.set_status(&status).await else { return Sent::Taken };
    let message = error_chain(&error);
    if matches!(error, HostError::StatusInFork) {
        return if is_head { Sent::ToComment } else { Sent::Refused(message) };
    }
    tracing::warn!(
        { field::JOB } = run.map(|run| run.to_string()),
        { field::CONTEXT } = status.context,
        { field::ERROR } = message,
        "failed to set a commit status",
    );
    match Next::after(&error) {
        Next::GiveUp => Sent::Refused(message),
        Next::Wait => Sent::Failed { retry_after: error.retry_after() },
        Next::LookForCommit => match host.has_commit(&due.target.sha).await {
            // Where the base repository doesn't hold the heads of forks, it has no such commit.
            Ok(false) if is_head => Sent::ToComment,
            Ok(false) => Sent::Refused(format!("the repository has no such commit any more ({message})")),
            Ok(true) | Err(_) => Sent::Failed { retry_after: error.retry_after() },
        },
    }
}

/// Writes what the host doesn't take as statuses into a comment on each pull request.
pub async fn comment(
    head: &CommitSha,
    numbers: &[PullRequestNumber],
    rows: &[comment::Row],
    config: &IntegrationConfig,
    context: &Context,
) -> Sent {
    // As for a status: the config's condition shows the cause.
    let Ok(host) = context.hosts.for_config(config).await else {
        return Sent::Failed { retry_after: None };
    };
    let digest = statuses_digest(config.metadata.uid.as_deref().unwrap_or_default());
    let body = comment::body(head, rows, &digest);
    for number in numbers {
        let Err(CallError { source: error, .. }) = comment::write(&host, *number, &body, &digest).await
        else {
            continue;
        };
        let message = error_chain(&error);
        tracing::warn!({ field::ERROR } = message, "failed to write the comment that replaces statuses");
        return match error.class() {
            ErrorClass::Right | ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Rejected => {
                Sent::Refused(message)
            }
            ErrorClass::Transient
            | ErrorClass::RateLimited
            | ErrorClass::Setup
            | ErrorClass::Credential
            | ErrorClass::Unreadable => Sent::Failed { retry_after: error.retry_after() },
        };
    }
    Sent::Taken
}

/// What follows from a failed write of a status. Only a refusal of this very status is final: an operator can repair everything else,
/// and then the status is still to be written.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// The host refuses this status.
    GiveUp,
    /// Send it again later.
    Wait,
    /// Ask whether the commit exists: not every host answers with an error of its own.
    LookForCommit,
}

impl Next {
    fn after(error: &HostError) -> Self {
        match error.class() {
            ErrorClass::Refused => Self::GiveUp,
            ErrorClass::Credential | ErrorClass::Right | ErrorClass::RateLimited | ErrorClass::Setup => {
                Self::Wait
            }
            ErrorClass::Missing | ErrorClass::Rejected | ErrorClass::Transient | ErrorClass::Unreadable => {
                Self::LookForCommit
            }
        }
    }
}

/// Publishes that a host refused a status for good.
pub async fn publish_refusal(due: &Due, reason: &str, context: &Context) {
    let Some(config) = context.configs.get(&due.target.config.namespace, &due.target.config.name) else {
        return;
    };
    let (name, sha) = (due.target.context.name(&due.target.config.name), due.target.sha.short());
    let note =
        format!("the host refused the status {name} of {sha} ({:?}): {reason}", due.status.description);
    let event = Event {
        type_: EventType::Warning,
        reason: "StatusRefused".to_owned(),
        note: Some(note.chars().take(1024).collect()),
        action: "Report".to_owned(),
        secondary: None,
    };
    if let Err(error) = context.recorder.publish(&event, &config.object_ref(&())).await {
        tracing::warn!(
            { field::CONFIG } = %due.target.config,
            { field::ERROR } = error_chain(&error),
            "failed to publish an Event"
        );
    }
}

#[cfg(test)]
mod tests {
    use tidegate_hosts::client::EgressError;

    use super::*;

    fn rejected(status: u16) -> HostError {
        let status = status.try_into().expect("a status code");
        HostError::Rejected { status, message: "no".to_owned() }
    }

    #[test]
    fn only_a_refusal_of_the_status_itself_gives_it_up() {
        assert_eq!(Next::after(&rejected(422)), Next::GiveUp);
        for error in [
            rejected(400),
            rejected(409),
            rejected(410),
            rejected(301),
            HostError::NotFound,
            HostError::Unauthorized,
            HostError::Forbidden { message: "no".to_owned() },
            HostError::RateLimited { retry_after: None },
            HostError::Unavailable { retry_after: None, source: "no".into() },
            HostError::Unreadable { reason: "expected status 201, got 200".to_owned() },
            HostError::Egress(EgressError::NotHttps),
            HostError::PrivateKey,
        ] {
            assert_ne!(Next::after(&error), Next::GiveUp, "{error:?}");
        }
    }
}
