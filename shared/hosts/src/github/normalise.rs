//! From GitHub's payloads to events.

use tidegate_model::{
    CommentAction, CommentEvent, CommentPointer, CommitCommentEvent, Event, GitRef, Head, Login, PullRequest,
    PullRequestAction, PullRequestEvent, PushEvent,
};

use super::payload::{
    self, CommentPayload, CommitCommentPayload, PullRequestPayload, PushPayload, ReviewPayload, User,
    UserKind,
};
use crate::{
    body::{cut, outcome, read},
    intake::{Ignored, NormaliseError, Outcome},
};

/// Reads a delivery of this kind (`X-GitHub-Event`).
pub(crate) fn normalise(kind: &str, body: &[u8]) -> Result<Outcome, NormaliseError> {
    match kind {
        "pull_request" => outcome(body, pull_request, |action| {
            matches!(action, payload::PullRequestAction::Other).then_some(Ignored::UnusedAction)
        }),
        "push" => read(body).map(push),
        "issue_comment" => outcome(body, comment, |action| match action {
            payload::CommentAction::Created | payload::CommentAction::Edited => None,
            payload::CommentAction::Deleted => Some(Ignored::DeletedComment),
            payload::CommentAction::Other => Some(Ignored::UnusedAction),
        }),
        "commit_comment" => outcome(body, commit_comment, |action| {
            matches!(action, payload::CommitCommentAction::Other).then_some(Ignored::UnusedAction)
        }),
        "pull_request_review" => outcome(body, review, |action| {
            matches!(action, payload::ReviewAction::Other).then_some(Ignored::UnusedAction)
        }),
        "ping" => Ok(Outcome::Ignored(Ignored::Ping)),
        _ => Ok(Outcome::Ignored(Ignored::UnusedKind)),
    }
}

fn pull_request(payload: PullRequestPayload) -> Outcome {
    let shown = payload.pull_request;
    let head = shown.head.unwrap_or_default();
    let action = match payload.action {
        payload::PullRequestAction::Opened => PullRequestAction::Opened,
        payload::PullRequestAction::Reopened => PullRequestAction::Reopened,
        payload::PullRequestAction::Synchronize => PullRequestAction::Synchronized,
        payload::PullRequestAction::Edited
            if payload.changes.as_ref().is_some_and(|changes| changes.base.is_some()) =>
        {
            PullRequestAction::BaseChanged
        }
        payload::PullRequestAction::Edited
            if payload.changes.is_some_and(|changes| changes.title.is_some()) =>
        {
            PullRequestAction::TitleChanged
        }
        payload::PullRequestAction::Closed if shown.merged == Some(true) => PullRequestAction::Merged,
        payload::PullRequestAction::Closed => PullRequestAction::Closed,
        payload::PullRequestAction::Edited | payload::PullRequestAction::Other => {
            return Outcome::Ignored(Ignored::UnusedAction);
        }
    };
    Outcome::Event(Event::PullRequest(PullRequestEvent {
        repository: payload.repository.full_name,
        action,
        pull_request: PullRequest {
            number: shown.number,
            author: login(shown.user),
            head: Head {
                sha: head.sha,
                branch: head.branch,
                repository: head.repo.and_then(|repository| repository.full_name),
            },
            base: shown.base.and_then(|base| base.branch),
        },
    }))
}

fn push(payload: PushPayload<'_>) -> Outcome {
    let Some(reference) = payload.reference else {
        return Outcome::Ignored(Ignored::OtherRef);
    };
    let (head, message) = match payload.head_commit {
        Some(commit) => (commit.id, cut(commit.message, PushEvent::MAX_MESSAGE)),
        None => (None, String::new()),
    };
    let after = match (&reference, payload.after, head) {
        // `after` of an annotated tag is the tag object, the head commit is what it points to.
        (GitRef::Tag(_), Some(_), Some(head)) => Some(head),
        (_, after, _) => after,
    };
    Outcome::Event(Event::Push(PushEvent {
        repository: payload.repository.full_name,
        reference,
        after,
        message,
        sender: payload.sender.map(|sender| sender.login),
    }))
}

fn comment(payload: CommentPayload<'_>) -> Outcome {
    let action = match payload.action {
        _ if payload.issue.pull_request.is_none() => return Outcome::Ignored(Ignored::PlainIssue),
        payload::CommentAction::Created => CommentAction::Created,
        payload::CommentAction::Edited => CommentAction::Edited,
        payload::CommentAction::Deleted => return Outcome::Ignored(Ignored::DeletedComment),
        payload::CommentAction::Other => return Outcome::Ignored(Ignored::UnusedAction),
    };
    let comment = payload.comment;
    if comment.user.as_ref().is_some_and(|user| user.kind == UserKind::Bot) {
        return Outcome::Ignored(Ignored::BotComment);
    }
    Outcome::Event(Event::Comment(CommentEvent {
        repository: payload.repository.full_name,
        action,
        pull_request: payload.issue.number,
        comment: CommentPointer::Comment(comment.id),
        author: login(comment.user),
        may_hold_command: comment.body.is_some_and(|text| CommentEvent::may_hold_command(&text)),
    }))
}

fn commit_comment(payload: CommitCommentPayload<'_>) -> Outcome {
    let comment = payload.comment;
    match payload.action {
        payload::CommitCommentAction::Created => (),
        payload::CommitCommentAction::Other => return Outcome::Ignored(Ignored::UnusedAction),
    }
    if comment.user.is_some_and(|user| user.kind == UserKind::Bot) {
        return Outcome::Ignored(Ignored::BotComment);
    }
    Outcome::Event(Event::CommitComment(CommitCommentEvent {
        repository: payload.repository.full_name,
        commit: comment.commit_id,
        comment: comment.id,
        may_hold_command: comment.body.is_some_and(|text| CommentEvent::may_hold_command(&text)),
    }))
}

fn review(payload: ReviewPayload<'_>) -> Outcome {
    let action = match payload.action {
        payload::ReviewAction::Submitted => CommentAction::Created,
        payload::ReviewAction::Edited => CommentAction::Edited,
        payload::ReviewAction::Other => return Outcome::Ignored(Ignored::UnusedAction),
    };
    let review = payload.review;
    if review.user.as_ref().is_some_and(|user| user.kind == UserKind::Bot) {
        return Outcome::Ignored(Ignored::BotComment);
    }
    Outcome::Event(Event::Comment(CommentEvent {
        repository: payload.repository.full_name,
        action,
        pull_request: payload.pull_request.number,
        comment: CommentPointer::Review { review: review.id },
        author: login(review.user),
        may_hold_command: review.body.is_some_and(|text| CommentEvent::may_hold_command(&text)),
    }))
}

/// Who did it. GitHub shows people who are gone as the user `ghost`, or as nobody.
fn login(user: Option<User>) -> Login {
    user.map_or_else(|| "ghost".parse().expect("ghost is a login"), |user| user.login)
}

#[cfg(test)]
mod tests;
