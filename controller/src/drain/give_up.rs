//! A comment whose command is given up: its author gets one reply, with the reason.

use std::time::Instant;

use kube::{
    Resource as _,
    runtime::events::{Event, EventType},
};
use tidegate_hosts::client::CommentFacts;
use tidegate_model::{Command, Envelope};
use tidegate_resources::IntegrationConfig;
use tidegate_rules::chatops::MARKER;
use tidegate_telemetry::field;

use super::{Drain, concerned, work::Work};
use crate::{
    budget::{CredentialKey, Write},
    chat::{self, Comment},
    error_chain,
    trigger::reader::{FactsError, Reader},
};

/// The longest part of a reason in a reply, in characters.
const MAX_REASON: usize = 300;

/// Why the author got no reply.
#[derive(Debug, thiserror::Error)]
enum ReplyError {
    /// Reading the comment or sending the reply failed.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The credential's budget is used up. The reply isn't worth a wait.
    #[error("the credential's budget of writes is used up")]
    Busy,
}

impl Drain {
    /// Replies to the author of a comment that its command went to the dead-letter queue. Other commands have no author. Each
    /// config's credential is tried once: the dead letter holds the reason in any case.
    pub(super) async fn tell_author(&self, envelope: &Envelope<Command>, reason: &str) {
        let Some(comment) = Work::of(&envelope.body.intention).comment() else { return };
        let concerned =
            concerned::configs(envelope.host, &envelope.source, &envelope.body, &self.context).await;
        for config in concerned.unwrap_or_default().configs {
            if !config.spec.git.repository.is_same_as(&envelope.body.repository) {
                continue;
            }
            match self.reply(&config, comment, reason).await {
                Ok(()) => return,
                Err(error) => {
                    let error = error_chain(&error);
                    tracing::warn!(
                        { field::ERROR } = error,
                        "failed to reply to the author of {comment} that it was given up"
                    );
                    self.publish(&config, comment, reason).await;
                }
            }
        }
    }

    async fn reply(
        &self,
        config: &IntegrationConfig,
        comment: Comment<'_>,
        reason: &str,
    ) -> Result<(), ReplyError> {
        let reader = Reader::new(config, &self.context).await?;
        // The command is a hint: only an existing comment of that pull request that holds a command gets a reply.
        let Some(found) = chat::find(comment, &reader).await? else { return Ok(()) };
        if let Some(credential) = CredentialKey::for_config(config) {
            let taken = self.context.budgets().take(&credential, Write::Answer, Instant::now());
            taken.map_err(|_| ReplyError::Busy)?;
        }
        let (client, text) = (&reader.client, text(&found, reason));
        let sent = match comment {
            Comment::OnPullRequest(at) => client.create_comment(at.pull_request, &text).await,
            Comment::OnCommit(at) => client.create_commit_comment(at.commit, &text).await,
        };
        Ok(sent.map_err(FactsError::from)?)
    }

    async fn publish(&self, config: &IntegrationConfig, comment: Comment<'_>, reason: &str) {
        let event = Event {
            type_: EventType::Warning,
            reason: "CommandGivenUp".to_owned(),
            note: Some(format!("{comment} went to the dead-letter queue: {}", shown(reason))),
            action: "Answer".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.context.recorder.publish(&event, &config.object_ref(&())).await {
            tracing::warn!({ field::ERROR } = error_chain(&error), "failed to publish an Event");
        }
    }
}

/// The reply. Its marker keeps it from being read as a command. It isn't the marker of an answer, so a replayed dead letter
/// is carried out and answered.
fn text(comment: &CommentFacts, reason: &str) -> String {
    format!(
        "@{}: your comment was not followed: `{}`\n\nThe command is in Tidegate's dead-letter queue: an operator can replay it. \
         Or comment again once the cause is gone.\n\n{MARKER} given-up {} -->",
        comment.author,
        shown(reason),
        comment.id,
    )
}

/// A reason as one line that can't end inline code.
fn shown(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control() && *c != '`').take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use tidegate_model::{CommentId, CommentKind, PullRequestNumber};

    use super::*;

    #[test]
    fn the_reply_names_author_and_reason_and_is_never_read_as_a_command() {
        let comment = CommentFacts {
            id: CommentId(9),
            kind: CommentKind::Comment,
            reviewed: None,
            pull_request: Some(PullRequestNumber(7)),
            author: "dora".parse().expect("a login"),
            is_by_bot: false,
            body: "/test".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let reason = format!("bad `answer`\n/cancel {}", "x".repeat(1_000));
        let text = text(&comment, &reason);
        assert!(text.starts_with("@dora: your comment was not followed: `bad answer/cancel xxx"), "{text}");
        let reply = CommentFacts { body: text.clone(), ..comment };
        assert!(!chat::holds_command(PullRequestNumber(7), &reply));
        assert!(text.lines().all(|line| !line.starts_with('/')), "{text}");
        assert!(text.len() < 700, "{text}");
    }
}
