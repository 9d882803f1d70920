//! From Bitbucket Cloud's payloads to what they say.

use std::borrow::Cow;

use tidegate_model::{CommentPointer, GitRef, Head, PullRequest, RefName};

use super::{
    account::{Shown, author},
    payload::{
        Comment as ShownComment, CommentPayload, CommitCommentPayload, End, PullRequestPayload, PushPayload,
        RefChange as ShownChange, RefKind, Repository,
    },
};
use crate::{
    body::read,
    delivery::{Ignored, NormaliseError},
    inbound::{Change, Comment, CommentChange, Inbound, Place, PullRequestChange, Push, RefChange},
};

/// Reads a delivery of this kind (`X-Event-Key`).
pub(super) fn parse<'a>(kind: &str, body: &'a [u8]) -> Result<Inbound<'a>, NormaliseError> {
    match kind {
        "pullrequest:created" => pull_request(body, Change::Opened),
        "pullrequest:push" => pull_request(body, Change::HeadMoved),
        "pullrequest:updated" => pull_request(body, Change::Updated),
        "pullrequest:fulfilled" => pull_request(body, Change::Merged),
        "pullrequest:rejected" => pull_request(body, Change::Closed),
        "pullrequest:comment_created" => pull_request_comment(body, CommentChange::Created),
        "pullrequest:comment_updated" => pull_request_comment(body, CommentChange::Edited),
        "pullrequest:comment_deleted" => Ok(Inbound::Nothing(Ignored::DeletedComment)),
        "pullrequest:comment_resolved" | "pullrequest:comment_reopened" => {
            Ok(Inbound::Nothing(Ignored::UnusedAction))
        }
        "repo:push" => read(body).map(push),
        "repo:commit_comment_created" => read(body).map(commit_comment),
        _ => Ok(Inbound::Nothing(Ignored::UnusedKind)),
    }
}

/// The kind says what changed, and the state is not looked at.
fn pull_request(body: &[u8], change: Change) -> Result<Inbound<'_>, NormaliseError> {
    let PullRequestPayload { pullrequest, repository } = read(body)?;
    let source = pullrequest.source.unwrap_or_default();
    Ok(Inbound::PullRequest(PullRequestChange {
        repository: repository.full_name,
        change,
        pull_request: PullRequest {
            number: pullrequest.id,
            author: Some(author(pullrequest.author).account),
            head: Head {
                sha: source.hint().cloned(),
                branch: source.branch().cloned(),
                repository: source.repository().cloned(),
            },
            base: pullrequest.destination.as_ref().and_then(End::branch).cloned(),
        },
    }))
}

fn push(PushPayload { repository, actor, push }: PushPayload<'_>) -> Inbound<'_> {
    Inbound::Push(Push {
        repository: repository.full_name,
        sender: actor.map(Into::into),
        changes: push.changes.into_iter().filter_map(ref_change).collect(),
    })
}

/// Neither branches nor tags are the bookmarks and named branches of the Mercurial repositories that Bitbucket once had.
fn ref_change(change: ShownChange<'_>) -> Option<RefChange<'_>> {
    Some(match (change.new, change.old) {
        (Some(new), _) => RefChange {
            reference: reference(new.kind, new.name)?,
            after: Some(new.target.hash),
            message: new.target.message,
        },
        (None, Some(old)) => {
            RefChange { reference: reference(old.kind, old.name?)?, after: None, message: Cow::default() }
        }
        (None, None) => return None,
    })
}

fn reference(kind: RefKind, name: RefName) -> Option<GitRef> {
    match kind {
        RefKind::Branch => Some(GitRef::Branch(name)),
        RefKind::Tag => Some(GitRef::Tag(name)),
        RefKind::Other => None,
    }
}

fn pull_request_comment(body: &[u8], change: CommentChange) -> Result<Inbound<'_>, NormaliseError> {
    let CommentPayload { comment, pullrequest, repository, actor } = read(body)?;
    let place = Place::PullRequest(pullrequest.id, CommentPointer::Comment(comment.id));
    Ok(written(repository, change, place, comment, actor))
}

fn commit_comment(payload: CommitCommentPayload<'_>) -> Inbound<'_> {
    let CommitCommentPayload { comment, commit, repository, actor } = payload;
    let place = Place::Commit(commit.hash, comment.id);
    written(repository, CommentChange::Created, place, comment, actor)
}

fn written(
    repository: Repository,
    change: CommentChange,
    place: Place,
    comment: ShownComment<'_>,
    actor: Option<Shown>,
) -> Inbound<'_> {
    Inbound::Comment(Comment {
        repository: repository.full_name,
        change,
        place,
        author: author(comment.user.or(actor)),
        text: comment.content.and_then(|content| content.raw).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
