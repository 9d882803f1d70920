//! From GitLab's payloads to what they say.

use tidegate_model::{CommentPointer, GitRef, Head, Login, PullRequest};

use super::{
    account::GHOST,
    payload::{MergeRequest, MergeRequestPayload, NotePayload, OnlyAction, PushPayload},
};
use crate::{
    body::{read, with_action},
    delivery::{Ignored, NormaliseError},
    inbound::{
        Author, Change, Comment, CommentChange, Edited, Inbound, Place, PullRequestChange, Push, RefChange,
    },
};

/// Reads a delivery of this kind (`X-Gitlab-Event`).
pub(super) fn parse<'a>(kind: &str, body: &'a [u8]) -> Result<Inbound<'a>, NormaliseError> {
    match kind {
        "Merge Request Hook" => with_action(
            body,
            |payload: MergeRequestPayload<'_>| Ok(merge_request(payload)),
            |OnlyAction { object_attributes }| change(&object_attributes.action).unused(),
        ),
        "Push Hook" | "Tag Push Hook" => read(body).map(push),
        "Note Hook" => with_action(body, note, |OnlyAction { object_attributes }| {
            comment_change(Some(&object_attributes.action)).unused()
        }),
        _ => Ok(Inbound::Nothing(Ignored::UnusedKind)),
    }
}

/// What an action means, as far as it says it by itself.
fn change(action: &str) -> Change {
    match action {
        "open" => Change::Opened,
        "reopen" => Change::Reopened,
        "update" => Change::Updated,
        "close" => Change::Closed,
        "merge" => Change::Merged,
        _ => Change::Other,
    }
}

/// What an update changed. GitLab doesn't say it if the branch that the merge request wants to merge into changed
/// (<https://gitlab.com/gitlab-org/gitlab/-/issues/224610>), so only what is known to be something else is something else.
fn updated<'a>(changes: impl Iterator<Item = &'a str>) -> Change {
    let mut edited = Edited::default();
    let (mut labels, mut other, mut unknown) = (false, false, false);
    for name in changes {
        match name {
            "target_branch" => edited.base = true,
            "title" | "draft" | "work_in_progress" => edited.title = true,
            "labels" => labels = true,
            "assignees" | "description" | "discussion_locked" | "milestone_id" | "reviewers" | "severity"
            | "time_change" | "time_estimate" | "total_time_spent" => other = true,
            // These come with every change.
            "last_edited_at" | "last_edited_by_id" | "updated_at" | "updated_by_id" => (),
            _ => unknown = true,
        }
    }
    if edited.base || edited.title {
        Change::Edited(edited)
    } else if unknown || !(labels || other) {
        Change::Updated
    } else if labels {
        Change::LabelsChanged
    } else {
        Change::Other
    }
}

fn comment_change(action: Option<&str>) -> CommentChange {
    match action {
        None | Some("create") => CommentChange::Created,
        Some("update") => CommentChange::Edited,
        Some(_) => CommentChange::Other,
    }
}

fn merge_request<'a>(payload: MergeRequestPayload<'_>) -> Inbound<'a> {
    let MergeRequestPayload { merge_request: shown, project, user, changes } = payload;
    let change = match change(&shown.action) {
        Change::Updated if shown.oldrev.is_some() => Change::HeadMoved,
        Change::Updated => updated(changes.unwrap_or_default().keys().map(String::as_str)),
        change => change,
    };
    // The login of the author is shown only where the author acts.
    let author = user.filter(|user| user.id.is_some() && user.id == shown.author_id);
    let MergeRequest { source_project_id, target_project_id, .. } = shown;
    let source = shown.source.and_then(|source| source.path_with_namespace);
    let repository = match (source_project_id, target_project_id) {
        (Some(source), Some(target)) if source == target => Some(project.path_with_namespace.clone()),
        // The fork is gone.
        (None, Some(_)) => None,
        (Some(_) | None, _) => source,
    };
    Inbound::PullRequest(PullRequestChange {
        repository: project.path_with_namespace,
        change,
        pull_request: PullRequest {
            number: shown.iid,
            author: author.map(|user| user.username.into()),
            head: Head {
                sha: shown.last_commit.and_then(|commit| commit.id),
                branch: shown.source_branch,
                repository,
            },
            base: shown.target_branch,
        },
    })
}

fn push(payload: PushPayload<'_>) -> Inbound<'_> {
    let PushPayload { reference, after, checkout_sha, commits, project, user_username } = payload;
    let after = match (&reference, after, checkout_sha) {
        // `after` of an annotated tag is the tag object.
        (Some(GitRef::Tag(_)), Some(_), Some(commit)) => Some(commit),
        (_, after, _) => after,
    };
    let head = commits.into_iter().find(|commit| after.is_some() && commit.id == after);
    let message = head.map(|commit| commit.message).unwrap_or_default();
    Inbound::Push(Push {
        repository: project.path_with_namespace,
        sender: user_username.map(Into::into),
        changes: reference.map(|reference| RefChange { reference, after, message }).into_iter().collect(),
    })
}

fn note(payload: NotePayload<'_>) -> Result<Inbound<'_>, NormaliseError> {
    let NotePayload { note, project, user, merge_request } = payload;
    if note.system {
        return Ok(Inbound::Nothing(Ignored::BotComment));
    }
    let place = match &*note.noteable_type {
        "MergeRequest" => {
            let number = merge_request.and_then(|merge_request| merge_request.iid);
            let number = number.ok_or_else(|| NormaliseError::missing("merge_request.iid"))?;
            Place::PullRequest(number, CommentPointer::Comment(note.id))
        }
        "Commit" => {
            let commit = note.commit_id;
            Place::Commit(
                commit.ok_or_else(|| NormaliseError::missing("object_attributes.commit_id"))?,
                note.id,
            )
        }
        _ => Place::Elsewhere,
    };
    let gone = || Author {
        account: GHOST.parse::<Login>().expect("a constant that is a login").into(),
        is_bot: false,
    };
    Ok(Inbound::Comment(Comment {
        repository: project.path_with_namespace,
        change: comment_change(note.action.as_deref()),
        place,
        author: user.map_or_else(gone, Into::into),
        text: note.text.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests;
