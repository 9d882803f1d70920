//! From GitHub's payloads to what they say.

use tidegate_model::CommentPointer;

use super::payload::{CommentPayload, CommitCommentPayload, Github, ReviewPayload};
use crate::{
    delivery::{Ignored, NormaliseError},
    github_json::{Written, comment, pull_request, push},
    inbound::{Inbound, Place},
};

/// Reads a delivery of this kind (`X-GitHub-Event`).
pub(super) fn parse<'a>(kind: &str, body: &'a [u8]) -> Result<Inbound<'a>, NormaliseError> {
    match kind {
        "pull_request" => pull_request::<Github>(body),
        "push" => push::<Github>(body),
        "issue_comment" => comment(body, on_issue),
        "commit_comment" => comment(body, on_commit),
        "pull_request_review" => comment(body, review),
        "ping" => Ok(Inbound::Nothing(Ignored::Ping)),
        _ => Ok(Inbound::Nothing(Ignored::UnusedKind)),
    }
}

fn on_issue(
    CommentPayload { action, issue, comment, repository }: CommentPayload<'_>,
) -> Written<'_, Github> {
    let place = match issue.pull_request {
        Some(_) => Place::PullRequest(issue.number, CommentPointer::Comment(comment.id)),
        None => Place::Elsewhere,
    };
    Written { repository, action, place, user: comment.user, text: comment.body }
}

fn on_commit(payload: CommitCommentPayload<'_>) -> Written<'_, Github> {
    let CommitCommentPayload { action, comment, repository } = payload;
    let place = Place::Commit(comment.commit_id, comment.id);
    Written { repository, action, place, user: comment.user, text: comment.body }
}

fn review(payload: ReviewPayload<'_>) -> Written<'_, Github> {
    let ReviewPayload { action, review, pull_request, repository } = payload;
    let place = Place::PullRequest(pull_request.number, CommentPointer::Review { review: review.id });
    Written { repository, action, place, user: review.user, text: review.body }
}

#[cfg(test)]
mod tests;
