//! The one visible answer to a comment: a reaction if every command was done, otherwise one reply with a line for each command.

use std::{fmt::Write as _, time::Instant};

use kube::{
    Resource,
    runtime::events::{Event, EventType},
};
use tidegate_hosts::client::{ErrorClass, HostError, Reaction};
use tidegate_model::{Capabilities, CommentId, CommitSha, Login, PullRequestNumber};
use tidegate_rules::chatops::{LineVerdict, Verdict};
use tidegate_telemetry::field;

use super::facts::Known;
use crate::{
    budget::{CredentialKey, Write},
    error_chain,
    host::CallError,
    trigger::{error::TriggerError, reader::Reader},
};

/// The reply in Markdown, if a reaction isn't enough or isn't possible. Its last line is the marker by which it is found again.
pub fn reply(answers: &[LineVerdict], known: &Known, host: &Capabilities) -> Option<String> {
    if host.reacts_to(known.comment.kind) && answers.iter().all(|answer| answer.verdict == Verdict::Done) {
        return None;
    }
    Some(words(&known.comment.author, answers, &known.marker))
}

/// The answer as text.
pub fn words(author: &Login, answers: &[LineVerdict], marker: &str) -> String {
    let mut text = format!("@{author}:\n\n");
    for LineVerdict { line, verdict } in answers {
        let words = match verdict {
            Verdict::Done => "done",
            Verdict::Said(words) => words,
        };
        // Writing to a String can't fail.
        let _ = match verdict {
            Verdict::Said(words) if words.starts_with('|') => writeln!(text, "\n{words}\n"),
            Verdict::Said(_) | Verdict::Done => writeln!(text, "- `{line}`: {words}"),
        };
    }
    let _ = write!(text, "\n{marker}");
    text
}

/// An answer and its target.
#[derive(Debug, Clone, Copy)]
pub enum Reply<'a> {
    /// A reaction to a comment on a pull request.
    Reaction(PullRequestNumber, CommentId),
    /// A reply in the conversation of a pull request.
    OnPullRequest(PullRequestNumber, &'a str),
    /// A comment on a commit.
    OnCommit(&'a CommitSha, &'a str),
}

/// Answers a comment on a pull request: see [`deliver`].
pub async fn send(
    answers: &[LineVerdict],
    known: &Known,
    reader: &Reader<'_>,
) -> Result<String, TriggerError> {
    let words = reply(answers, known, reader.client.capabilities());
    let reply = match &words {
        None => Reply::Reaction(known.pull_request.number, known.comment.id),
        Some(text) => Reply::OnPullRequest(known.pull_request.number, text),
    };
    deliver(reply, reader).await
}

/// Answers within the credential's budget. If the host forbids it for good, an Event reports that, and the commands stay done.
/// Returns the result for the log.
pub async fn deliver(reply: Reply<'_>, reader: &Reader<'_>) -> Result<String, TriggerError> {
    // Without a credential there is no client either.
    let credential = CredentialKey::for_config(reader.config);
    if let Some(credential) = &credential {
        let now = Instant::now();
        let taken = reader.context().budgets().take(credential, Write::Answer, now);
        taken.map_err(|ready_at| TriggerError::Busy(ready_at.saturating_duration_since(now)))?;
    }
    let client = &reader.client;
    let (sent, how) = match reply {
        Reply::Reaction(number, comment) => {
            (client.react(number, comment, Reaction::ThumbsUp).await, "reacted")
        }
        Reply::OnPullRequest(number, text) => (client.create_comment(number, text).await, "replied"),
        Reply::OnCommit(sha, text) => (client.create_commit_comment(sha, text).await, "replied"),
    };
    match sent {
        Ok(()) => Ok(how.to_owned()),
        Err(CallError { source, .. }) if is_final(&source) => {
            let reason = error_chain(&source);
            tracing::warn!({ field::ERROR } = reason, "failed to answer a comment");
            reader.publish(refused(&reason)).await;
            Ok(format!("could not answer: {reason}"))
        }
        Err(error) => {
            if let (Some(credential), Some(wait)) = (credential, error.source.retry_after()) {
                let now = Instant::now();
                reader.context().budgets().pause(&credential, now + wait, now);
            }
            Err(error.into())
        }
    }
}

/// Whether another try can't help. A right may be granted later, but by then nobody waits for the answer.
fn is_final(error: &HostError) -> bool {
    match error.class() {
        ErrorClass::Right | ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Rejected => true,
        ErrorClass::Transient
        | ErrorClass::RateLimited
        | ErrorClass::Setup
        | ErrorClass::Credential
        | ErrorClass::Unreadable => false,
    }
}

fn refused(reason: &str) -> Event {
    Event {
        type_: EventType::Warning,
        reason: "AnswerRefused".to_owned(),
        note: Some(format!("the host refused the answer to a comment: {reason}")),
        action: "Answer".to_owned(),
        secondary: None,
    }
}

impl Reader<'_> {
    /// Publishes a Kubernetes Event about the config.
    async fn publish(&self, event: Event) {
        let published = self.context().recorder.publish(&event, &self.config.object_ref(&())).await;
        if let Err(error) = published {
            tracing::warn!({ field::ERROR } = error_chain(&error), "failed to publish an Event");
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_hosts::capabilities;
    use tidegate_model::Host;
    use tidegate_rules::chatops;

    use super::*;
    use crate::chat::{markdown, plan::tests::known};

    fn answer(line: &str, verdict: Verdict) -> LineVerdict {
        LineVerdict { line: line.to_owned(), verdict }
    }

    #[test]
    fn a_comment_whose_commands_were_all_done_gets_a_reaction() {
        assert_eq!(
            reply(
                &[answer("/test", Verdict::Done), answer("/cancel", Verdict::Done)],
                &known(),
                capabilities(Host::Gitea)
            ),
            None
        );
    }

    #[test]
    fn a_review_gets_a_reply_even_if_all_was_done() {
        let mut known = known();
        known.comment.kind = tidegate_model::CommentKind::Review;
        let text =
            reply(&[answer("/test", Verdict::Done)], &known, capabilities(Host::Gitea)).expect("words");
        assert!(text.starts_with("@dora:\n\n- `/test`: done\n"), "{text}");
        assert!(text.ends_with(&known.marker), "{text}");
    }

    #[test]
    fn a_host_without_reactions_gets_a_reply_even_if_all_was_done() {
        let without = Capabilities { reacts_to_comments: false, ..*capabilities(Host::Gitea) };
        assert!(reply(&[answer("/test", Verdict::Done)], &known(), &without).is_some());
    }

    #[test]
    fn one_reply_names_every_command_and_is_never_read_as_one() {
        let answers = [
            answer("/test unit", Verdict::Done),
            answer("/test nope", Verdict::Said("there is no job `nope`".to_owned())),
            answer("/help", Verdict::Said(chatops::help())),
        ];
        let text = reply(&answers, &known(), capabilities(Host::Gitea)).expect("words");
        assert!(text.starts_with(
            "@dora:\n\n- `/test unit`: done\n- `/test nope`: there is no job `nope`\n\n| comment |"
        ));
        assert!(text.ends_with(&format!("\n{}", known().marker)), "{text}");
        assert_eq!(markdown::plain_lines(&text).iter().filter(|line| line.starts_with('/')).count(), 0);
        assert!(text.lines().all(|line| !line.starts_with('/')), "{text}");
    }

    #[test]
    fn only_a_failure_that_a_retry_can_not_end_is_given_up() {
        assert!(is_final(&HostError::Forbidden { message: String::new() }) && is_final(&HostError::NotFound));
        assert!(
            !is_final(&HostError::Unauthorized) && !is_final(&HostError::RateLimited { retry_after: None })
        );
    }
}
