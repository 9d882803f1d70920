//! From Gitea's payloads to what they say.

use std::borrow::Cow;

use tidegate_model::{CommentPointer, GitRef};

use super::payload::{CommentPayload, DeletePayload, DeletedKind, Gitea, ReviewPayload};
use crate::{
    body::read,
    delivery::{Ignored, NormaliseError},
    github_json::{Written, comment, pull_request, push, ref_change},
    inbound::{Inbound, Place},
};

/// Reads a delivery of this kind (`X-Gitea-Event`).
pub(super) fn parse<'a>(kind: &str, body: &'a [u8]) -> Result<Inbound<'a>, NormaliseError> {
    match kind {
        "pull_request" => pull_request::<Gitea>(body),
        "push" => push::<Gitea>(body),
        "delete" => read(body).map(deletion),
        "issue_comment" => comment(body, on_issue),
        "pull_request_approved" | "pull_request_rejected" | "pull_request_comment" => comment(body, review),
        _ => Ok(Inbound::Nothing(Ignored::UnusedKind)),
    }
}

/// No push says that a branch or tag was deleted.
fn deletion<'a>(DeletePayload { name, kind, repository, sender }: DeletePayload) -> Inbound<'a> {
    let reference = match kind {
        DeletedKind::Branch => Some(GitRef::Branch(name)),
        DeletedKind::Tag => Some(GitRef::Tag(name)),
        DeletedKind::Other => None,
    };
    ref_change::<Gitea>(repository, sender, reference, None, Cow::default())
}

fn on_issue(payload: CommentPayload<'_>) -> Written<'_, Gitea> {
    let CommentPayload { action, issue, is_pull, comment, repository } = payload;
    let place = if is_pull.unwrap_or(issue.pull_request.is_some()) {
        Place::PullRequest(issue.number, CommentPointer::Comment(comment.id))
    } else {
        Place::Elsewhere
    };
    Written { repository, action, place, user: comment.user, text: comment.body }
}

/// Gitea doesn't say which review it is: it is found by its author and the time.
fn review(payload: ReviewPayload<'_>) -> Written<'_, Gitea> {
    let ReviewPayload { action, pull_request, review, repository, sender } = payload;
    let (reviewer, shown_at) = (sender.login.clone(), pull_request.updated_at);
    let place = Place::PullRequest(pull_request.number, CommentPointer::LatestReview { reviewer, shown_at });
    Written { repository, action, place, user: Some(sender), text: review.and_then(|review| review.content) }
}

#[cfg(test)]
mod tests;
