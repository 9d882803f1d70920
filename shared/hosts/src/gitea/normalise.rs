//! From Gitea's payloads to events.

use tidegate_model::{
    CommentAction, CommentEvent, CommentPointer, Event, GitRef, Head, Login, PullRequest, PullRequestAction,
    PullRequestEvent, PushEvent,
};

use super::{
    ACTIONS_USER,
    payload::{
        self, CommentPayload, DeletePayload, DeletedKind, PullRequestPayload, PushPayload, ReviewPayload,
        User,
    },
};
use crate::{
    body::{cut, outcome, read},
    intake::{Ignored, NormaliseError, Outcome},
};

/// Reads a delivery of this kind (`X-Gitea-Event`).
pub(crate) fn normalise(kind: &str, body: &[u8]) -> Result<Outcome, NormaliseError> {
    match kind {
        "pull_request" => outcome(body, pull_request, |action| {
            matches!(action, payload::PullRequestAction::Other).then_some(Ignored::UnusedAction)
        }),
        "push" => read(body).map(push),
        "delete" => read(body).map(deletion),
        "issue_comment" => outcome(body, comment, |action| match action {
            payload::CommentAction::Created | payload::CommentAction::Edited => None,
            payload::CommentAction::Deleted => Some(Ignored::DeletedComment),
            payload::CommentAction::Other => Some(Ignored::UnusedAction),
        }),
        "pull_request_approved" | "pull_request_rejected" | "pull_request_comment" => {
            outcome(body, review, |action| {
                matches!(action, payload::ReviewAction::Other).then_some(Ignored::UnusedAction)
            })
        }
        _ => Ok(Outcome::Ignored(Ignored::UnusedKind)),
    }
}

fn pull_request(payload: PullRequestPayload) -> Outcome {
    let shown = payload.pull_request;
    let head = shown.head.unwrap_or_default();
    let action = match payload.action {
        payload::PullRequestAction::Opened => PullRequestAction::Opened,
        payload::PullRequestAction::Reopened => PullRequestAction::Reopened,
        payload::PullRequestAction::Synchronized => PullRequestAction::Synchronized,
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

/// Gitea tells of a deleted branch or tag by this event alone.
fn deletion(payload: DeletePayload) -> Outcome {
    let reference = match payload.kind {
        DeletedKind::Branch => GitRef::Branch(payload.name),
        DeletedKind::Tag => GitRef::Tag(payload.name),
        DeletedKind::Other => return Outcome::Ignored(Ignored::OtherRef),
    };
    Outcome::Event(Event::Push(PushEvent {
        repository: payload.repository.full_name,
        reference,
        after: None,
        message: String::new(),
        sender: payload.sender.map(|sender| sender.login),
    }))
}

fn comment(payload: CommentPayload<'_>) -> Outcome {
    let action = match payload.action {
        _ if !payload.is_pull.unwrap_or(payload.issue.pull_request.is_some()) => {
            return Outcome::Ignored(Ignored::PlainIssue);
        }
        payload::CommentAction::Created => CommentAction::Created,
        payload::CommentAction::Edited => CommentAction::Edited,
        payload::CommentAction::Deleted => return Outcome::Ignored(Ignored::DeletedComment),
        payload::CommentAction::Other => return Outcome::Ignored(Ignored::UnusedAction),
    };
    let comment = payload.comment;
    if comment.user.as_ref().is_some_and(|user| user.id == ACTIONS_USER) {
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

/// Gitea doesn't say which review it is: it is found by its author and the time.
fn review(payload: ReviewPayload<'_>) -> Outcome {
    let text = match payload.action {
        payload::ReviewAction::Reviewed => {
            payload.review.and_then(|review| review.content).unwrap_or_default()
        }
        payload::ReviewAction::Other => return Outcome::Ignored(Ignored::UnusedAction),
    };
    if payload.sender.id == ACTIONS_USER {
        return Outcome::Ignored(Ignored::BotComment);
    }
    let reviewer = payload.sender.login;
    Outcome::Event(Event::Comment(CommentEvent {
        repository: payload.repository.full_name,
        action: CommentAction::Created,
        pull_request: payload.pull_request.number,
        comment: CommentPointer::LatestReview {
            reviewer: reviewer.clone(),
            shown_at: payload.pull_request.updated_at,
        },
        author: reviewer,
        may_hold_command: CommentEvent::may_hold_command(&text),
    }))
}

/// Who did it. Gitea shows people who are gone as the user `Ghost`.
fn login(user: Option<User>) -> Login {
    user.map_or_else(|| "Ghost".parse().expect("Ghost is a login"), |user| user.login)
}

#[cfg(test)]
mod tests;
