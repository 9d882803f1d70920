//! GitLab's webhooks.
//!
//! <https://docs.gitlab.com/user/project/integrations/webhook_events/>

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_model::CommitSha;

use crate::{
    PullRequestState, User,
    event::{Event, Payload, PullRequestChange, RefChange, merged},
    gitlab::nouns::{hook_merge_request, hook_project, time, user},
    state::{Repository, State},
};

/// A push of more refs fires no hook: `push_event_hooks_limit`.
const MAX_REFS: usize = 3;

/// As many commits as a push names.
const COMMITS: usize = 20;

/// The requests that an event makes.
pub(crate) fn render(
    state: &State,
    repo: &Repository,
    sender: &User,
    event: &Event<'_>,
) -> Result<Vec<Payload>> {
    Ok(match event {
        // A deleted note fires nothing.
        Event::Ping(_) | Event::CommentDeleted(_) => vec![],
        Event::Push(changes) if changes.len() > MAX_REFS => vec![],
        Event::Push(changes) => changes.iter().map(|change| push(state, repo, sender, change)).collect(),
        Event::PullRequest(number, change) => vec![merge_request(state, repo, sender, *number, change)?],
        Event::Comment { id, edited_from } => {
            let comment = repo.comment(*id)?;
            let action = if edited_from.is_some() { "update" } else { "create" };
            let note = Note { id: *id, text: &comment.body, at: &comment.created_at, action };
            vec![note_on_merge_request(state, repo, sender, comment.number, &note)?]
        }
        Event::Review(id) => {
            let review = repo.review(*id)?;
            let note = Note { id: *id, text: &review.body, at: &review.submitted_at, action: "create" };
            vec![note_on_merge_request(state, repo, sender, review.number, &note)?]
        }
        Event::CommitComment(id) => {
            let comment = repo.commit_comment(*id)?;
            let note = Note { id: *id, text: &comment.body, at: &comment.created_at, action: "create" };
            let body = note.shown(state, repo, sender, "Commit", Some(&comment.sha));
            vec![Payload { event: "Note Hook", event_type: "note_events", body }]
        }
    })
}

/// Any kind of note.
struct Note<'a> {
    id: u64,
    text: &'a str,
    at: &'a str,
    action: &'static str,
}

impl Note<'_> {
    fn shown(
        &self,
        state: &State,
        repo: &Repository,
        sender: &User,
        on: &str,
        commit: Option<&CommitSha>,
    ) -> Value {
        let attributes = json!({
            "id": self.id, "note": self.text, "noteable_type": on, "author_id": sender.id, "action": self.action,
            "created_at": time(self.at), "updated_at": time(self.at), "project_id": repo.id, "system": false,
            "commit_id": commit.map_or("", CommitSha::as_str),
        });
        merged(
            json!({"object_kind": "note", "event_type": "note", "object_attributes": attributes}),
            common(state, repo, sender),
        )
    }
}

fn note_on_merge_request(
    state: &State,
    repo: &Repository,
    sender: &User,
    number: u64,
    note: &Note<'_>,
) -> Result<Payload> {
    let mut body = note.shown(state, repo, sender, "MergeRequest", None);
    body["merge_request"] = hook_merge_request(state, repo, repo.pull(number)?);
    Ok(Payload { event: "Note Hook", event_type: "note_events", body })
}

fn common(state: &State, repo: &Repository, sender: &User) -> Value {
    json!({"user": user(state, sender), "project_id": repo.id, "project": hook_project(state, repo)})
}

fn merge_request(
    state: &State,
    repo: &Repository,
    sender: &User,
    number: u64,
    change: &PullRequestChange<'_>,
) -> Result<Payload> {
    let pull = repo.pull(number)?;
    let mut attributes = hook_merge_request(state, repo, pull);
    let (action, changes) = match change {
        PullRequestChange::Opened => ("open", json!({})),
        PullRequestChange::Closed if matches!(pull.state, PullRequestState::Merged { .. }) => {
            ("merge", json!({"state_id": {"previous": 4, "current": 3}}))
        }
        PullRequestChange::Closed => ("close", json!({"state_id": {"previous": 1, "current": 2}})),
        PullRequestChange::Reopened => ("reopen", json!({"state_id": {"previous": 2, "current": 1}})),
        PullRequestChange::HeadMoved { before } => {
            attributes["oldrev"] = json!(before);
            ("update", json!({}))
        }
        // https://gitlab.com/gitlab-org/gitlab/-/issues/224610
        PullRequestChange::BaseChanged { .. } => {
            ("update", json!({"merge_status": {"previous": "can_be_merged", "current": "unchecked"}}))
        }
        PullRequestChange::TitleChanged { from } => {
            ("update", json!({"title": {"previous": from, "current": pull.title}}))
        }
    };
    attributes["action"] = action.into();
    let body = json!({
        "object_kind": "merge_request", "event_type": "merge_request", "object_attributes": attributes,
        "labels": [], "changes": changes,
    });
    let body = merged(body, common(state, repo, sender));
    Ok(Payload { event: "Merge Request Hook", event_type: "merge_requests_events", body })
}

/// The commits come oldest first.
fn push(state: &State, repo: &Repository, sender: &User, change: &RefChange) -> Payload {
    let is_tag = change.kind_and_name().0 == "tag";
    let (kind, event, event_type) = if is_tag {
        ("tag_push", "Tag Push Hook", "tag_push_events")
    } else {
        ("push", "Push Hook", "push_events")
    };
    let commits = change.commits.iter().take(COMMITS).rev();
    let commits: Vec<_> = commits
        .map(|commit| {
            json!({
                "id": commit.sha, "message": commit.message, "title": commit.message.lines().next(),
                "timestamp": commit.author.date, "added": commit.added, "modified": commit.modified,
                "removed": commit.removed, "author": {"name": commit.author.name, "email": commit.author.email},
            })
        })
        .collect();
    let body = json!({
        "object_kind": kind, "event_name": kind, "before": change.before(), "after": change.after(), "ref": change.name,
        "ref_protected": false, "checkout_sha": change.after.as_ref().and(change.head.as_ref()).map(|head| &head.sha),
        "message": null, "user_id": sender.id, "user_name": sender.login, "user_username": sender.login,
        "commits": commits, "total_commits_count": change.commits.len(),
    });
    Payload { event, event_type, body: merged(body, common(state, repo, sender)) }
}
