//! Bitbucket's webhooks.
//!
//! <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_model::CommitSha;

use crate::{
    PullRequestState, User,
    bitbucket::{nouns, refs},
    event::{Event, Payload, PullRequestChange, RefChange, merged},
    git::Commit,
    state::{Repository, State},
};

/// As many commits as a changed reference names.
const COMMITS: usize = 5;

/// The request that an event makes, if any.
pub(crate) fn render(
    state: &State,
    repo: &Repository,
    sender: &User,
    event: &Event<'_>,
) -> Result<Vec<Payload>> {
    let (key, body) = match event {
        Event::Ping(_) | Event::Review(_) => return Ok(vec![]),
        Event::Push(changes) => {
            let changes: Vec<_> = changes.iter().map(|change| ref_change(state, repo, change)).collect();
            ("repo:push", json!({ "push": { "changes": changes } }))
        }
        Event::PullRequest(number, change) => {
            let pull = repo.pull(*number)?;
            let key = match change {
                PullRequestChange::Opened => "pullrequest:created",
                PullRequestChange::Closed if matches!(pull.state, PullRequestState::Merged { .. }) => {
                    "pullrequest:fulfilled"
                }
                PullRequestChange::Closed => "pullrequest:rejected",
                // The event doesn't say what changed.
                PullRequestChange::Reopened
                | PullRequestChange::HeadMoved { .. }
                | PullRequestChange::BaseChanged { .. }
                | PullRequestChange::TitleChanged { .. } => "pullrequest:updated",
            };
            (key, json!({ "pullrequest": nouns::pull_request(state, repo, pull)? }))
        }
        Event::Comment { id, edited_from } => {
            let comment = repo.comment(*id)?;
            let key = match edited_from {
                None => "pullrequest:comment_created",
                Some(_) => "pullrequest:comment_updated",
            };
            let pull = nouns::pull_request(state, repo, repo.pull(comment.number)?)?;
            (key, json!({ "pullrequest": pull, "comment": nouns::comment(state, repo, comment) }))
        }
        Event::CommentDeleted(comment) => {
            let pull = nouns::pull_request(state, repo, repo.pull(comment.number)?)?;
            let body = json!({ "pullrequest": pull, "comment": nouns::comment(state, repo, comment) });
            ("pullrequest:comment_deleted", body)
        }
        Event::CommitComment(id) => {
            let comment = repo.commit_comment(*id)?;
            let commit = nouns::commit_ref(state, repo, comment.sha.as_str());
            let body = json!({ "comment": nouns::commit_comment(state, repo, comment), "commit": commit });
            ("repo:commit_comment_created", body)
        }
    };
    let more = json!({ "repository": nouns::repository(state, repo), "actor": nouns::user(state, sender) });
    Ok(vec![Payload { event: key, event_type: key, body: merged(body, more) }])
}

/// A deleted reference has no links and, like a tag, no commits.
fn ref_change(state: &State, repo: &Repository, change: &RefChange) -> Value {
    let (kind, name) = change.kind_and_name();
    let side = |sha: Option<&CommitSha>, head: Option<&Commit>| {
        sha.and(head).map(|commit| refs::reference(state, repo, kind, name, commit))
    };
    let mut shown = json!({
        "old": side(change.before.as_ref(), change.old_head.as_ref()),
        "new": side(change.after.as_ref(), change.head.as_ref()),
        "created": change.before.is_none(), "closed": change.after.is_none(), "forced": change.forced,
        "truncated": change.commits.len() > COMMITS,
    });
    if let Some(after) = &change.after {
        let path = format!("repositories/{}", repo.path);
        let exclude = change.before.as_ref().map(|sha| format!("&exclude={sha}")).unwrap_or_default();
        let commits = format!("{path}/commits?include={after}{exclude}");
        shown["links"] = json!({ "commits": nouns::api(state, &commits) });
        if let Some(before) = &change.before {
            shown["links"]["diff"] = nouns::api(state, &format!("{path}/diff/{after}..{before}"));
            let page = format!("{}/branches/compare/{after}..{before}", repo.path);
            shown["links"]["html"] = nouns::web(state, &page);
        }
        if kind == "branch" {
            let commits = change.commits.iter().take(COMMITS);
            shown["commits"] = commits.map(|commit| refs::pushed_commit(state, repo, commit)).collect();
        }
    }
    shown
}
