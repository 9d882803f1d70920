//! Gitea's JSON, in webhooks and in the REST API. Names and order are those of recorded deliveries of Gitea 1.26;
//! what no client of a CI looks at is constant.

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_model::CommitSha;

use crate::{
    Comment, Hook, PullRequest, PullRequestState, Status, User,
    event::{Event, Payload, PullRequestChange, RefChange, merged},
    git::{Commit, Signature},
    gitea::API_ROOT,
    state::{Repository, Review, State},
};

/// When everybody registered.
const REGISTERED: &str = "2026-01-01T00:00:00Z";
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The requests that an event makes: a new reference makes two, and a deleted one none of `push`.
pub(crate) fn render(
    state: &State,
    repo: &Repository,
    sender: &User,
    event: &Event<'_>,
) -> Result<Vec<Payload>> {
    let mut payloads = match event {
        Event::Ping(_) => vec![],
        Event::Push(changes) => {
            changes.iter().flat_map(|change| ref_change(state, repo, sender, change)).collect()
        }
        Event::PullRequest(number, change) => {
            vec![pull_request_event(state, repo, repo.pull(*number)?, change)?]
        }
        Event::Comment { id, edited_from } => {
            let comment = repo.comment(*id)?;
            let pull = repo.pull(comment.number)?;
            let more = edited_from.map_or(Value::Null, |from| changes("body", from));
            let body = json!({
                "action": if edited_from.is_some() { "edited" } else { "created" },
                "issue": issue(state, repo, pull), "pull_request": pull_request(state, repo, pull)?,
                "comment": self::comment(state, repo, comment), "is_pull": true,
            });
            let body = merged(body, more);
            vec![Payload { event: "issue_comment", event_type: "pull_request_comment", body }]
        }
        Event::CommentDeleted(comment) => {
            let pull = repo.pull(comment.number)?;
            let body = json!({
                "action": "deleted", "issue": issue(state, repo, pull),
                "pull_request": pull_request(state, repo, pull)?, "comment": self::comment(state, repo, comment),
                "is_pull": true,
            });
            vec![Payload { event: "issue_comment", event_type: "pull_request_comment", body }]
        }
        // Gitea has no comments on commits.
        Event::CommitComment(_) => Vec::new(),
        Event::Review(id) => {
            let shown = repo.review(*id)?;
            let pull = repo.pull(shown.number)?;
            let body = json!({
                "action": "reviewed", "number": pull.number, "pull_request": pull_request(state, repo, pull)?,
                "requested_reviewer": user(state, sender), "commit_id": "",
                "review": { "type": "pull_request_review_comment", "content": shown.body },
            });
            vec![Payload { event: "pull_request_comment", event_type: "pull_request_review_comment", body }]
        }
    };
    for payload in &mut payloads {
        payload.body["repository"] = repository(state, repo);
        payload.body["sender"] = user(state, sender);
    }
    Ok(payloads)
}

fn ref_change(state: &State, repo: &Repository, pusher: &User, change: &RefChange) -> Vec<Payload> {
    let (kind, name) = change.kind_and_name();
    let payload = |event, body| Payload { event, event_type: event, body };
    let Some(after) = &change.after else {
        return vec![payload("delete", json!({ "ref": name, "ref_type": kind, "pusher_type": "user" }))];
    };
    let commits: Vec<_> = change.commits.iter().map(|commit| push_commit(state, repo, commit)).collect();
    let compare = format!("{}/{}/compare/{}...{after}", state.url, repo.path, change.before());
    let push = json!({
        "ref": change.name, "before": change.before(), "after": after, "compare_url": compare,
        "total_commits": commits.len(), "commits": commits,
        "head_commit": change.head.as_ref().map(|commit| push_commit(state, repo, commit)),
        "pusher": user(state, pusher),
    });
    let create = change.before.is_none().then(|| json!({ "sha": after, "ref": name, "ref_type": kind }));
    // A new branch is announced by `create` first, a new tag by `push`.
    let mut payloads = vec![payload("push", push)];
    payloads.extend(create.map(|body| payload("create", body)));
    if kind == "branch" {
        payloads.reverse();
    }
    payloads
}

fn changes(field: &str, from: &str) -> Value {
    json!({ "changes": { field: { "from": from }, "added_labels": null, "removed_labels": null } })
}

/// A moved head says neither what it was nor what it is, and a changed base goes by the name of `ref`.
fn pull_request_event(
    state: &State,
    repo: &Repository,
    pull: &PullRequest,
    change: &PullRequestChange<'_>,
) -> Result<Payload> {
    let (action, event_type, changed) = match change {
        PullRequestChange::Opened => ("opened", "pull_request", Value::Null),
        PullRequestChange::Closed => ("closed", "pull_request", Value::Null),
        PullRequestChange::Reopened => ("reopened", "pull_request", Value::Null),
        PullRequestChange::HeadMoved { .. } => ("synchronized", "pull_request_sync", Value::Null),
        PullRequestChange::BaseChanged { from, .. } => ("edited", "pull_request", changes("ref", from)),
        PullRequestChange::TitleChanged { from } => ("edited", "pull_request", changes("title", from)),
    };
    let body = json!({
        "action": action, "number": pull.number, "pull_request": pull_request(state, repo, pull)?,
        "requested_reviewer": null, "commit_id": "", "review": null,
    });
    Ok(Payload { event: "pull_request", event_type, body: merged(body, changed) })
}

fn web(state: &State, repo: &Repository, rest: &str) -> String {
    format!("{}/{}/{rest}", state.url, repo.path)
}

fn api(state: &State, repo: &Repository, rest: &str) -> String {
    format!("{}{API_ROOT}/repos/{}/{rest}", state.url, repo.path)
}

pub(crate) fn user(state: &State, user: &User) -> Value {
    json!({
        "id": user.id, "login": user.login, "login_name": "", "source_id": 0, "full_name": "", "email": user.email(),
        "avatar_url": format!("{}/avatars/{}", state.url, user.id), "html_url": format!("{}/{}", state.url, user.login),
        "language": "", "is_admin": false, "last_login": NEVER, "created": REGISTERED, "restricted": false,
        "active": true, "prohibit_login": false, "location": "", "website": "", "description": "",
        "visibility": "public", "followers_count": 0, "following_count": 0, "starred_repos_count": 0,
        "username": user.login,
    })
}

pub(crate) fn repository(state: &State, repo: &Repository) -> Value {
    let url = format!("{}{API_ROOT}/repos/{}", state.url, repo.path);
    let html = format!("{}/{}", state.url, repo.path);
    let branches = repo.refs.keys().filter(|name| name.starts_with("refs/heads/")).count();
    let open = repo.pulls.iter().filter(|pull| pull.state == PullRequestState::Open).count();
    let mut body = json!({
        "id": repo.id, "owner": user(state, &repo.owner), "name": repo.path.name(), "full_name": repo.path,
        "description": "", "empty": false, "private": repo.private, "fork": repo.parent.is_some(), "template": false,
        "mirror": false, "size": 25, "language": "", "languages_url": format!("{url}/languages"), "html_url": html,
        "url": url, "link": "", "ssh_url": format!("git@127.0.0.1:{}.git", repo.path),
        "clone_url": format!("{html}.git"), "original_url": "", "website": "", "stars_count": 0, "forks_count": 0,
        "watchers_count": 1, "branch_count": branches, "open_issues_count": 0, "open_pr_counter": open,
        "release_counter": 0, "default_branch": "main", "archived": false, "created_at": repo.created_at,
        "updated_at": repo.created_at, "archived_at": "1970-01-01T00:00:00Z", "has_code": true, "has_issues": true,
        "permissions": { "admin": true, "push": true, "pull": true }, "has_wiki": true, "has_pull_requests": true,
        "has_projects": true, "projects_mode": "all", "has_releases": true, "has_packages": false,
    });
    let more = json!({
        "internal_tracker": { "enable_time_tracker": true, "allow_only_contributors_to_track_time": true,
        "enable_issue_dependencies": true }, "has_actions": false, "ignore_whitespace_conflicts": false, "allow_merge_commits": true, "allow_rebase": true,
        "allow_rebase_explicit": true, "allow_squash_merge": true, "allow_fast_forward_only_merge": true,
        "allow_rebase_update": true, "allow_manual_merge": false, "autodetect_manual_merge": false,
        "default_delete_branch_after_merge": false, "default_merge_style": "merge",
        "default_allow_maintainer_edit": true, "avatar_url": "", "internal": repo.private, "mirror_interval": "",
        "object_format_name": "sha1", "mirror_updated": NEVER, "topics": [], "licenses": [],
    });
    body = merged(body, more);
    if let Some(parent) = repo.parent.as_ref().and_then(|path| state.repository(path.as_str()).ok()) {
        body["parent"] = repository(state, parent);
    }
    body
}

/// What an issue and a pull request have in common, and the URL for people.
fn common(state: &State, repo: &Repository, pull: &PullRequest) -> Value {
    let (open, closed_at) = match &pull.state {
        PullRequestState::Open => ("open", None),
        PullRequestState::Closed { at } | PullRequestState::Merged { at, .. } => ("closed", Some(at)),
    };
    json!({
        "id": repo.id * 1000 + pull.number, "number": pull.number, "user": user(state, &pull.author),
        "title": pull.title, "body": "", "labels": [], "milestone": null, "assignee": null, "state": open,
        "is_locked": false, "comments": repo.comments.iter().filter(|comment| comment.number == pull.number).count(),
        "html_url": web(state, repo, &format!("pulls/{}", pull.number)), "due_date": null,
        "created_at": pull.created_at, "updated_at": pull.updated_at, "closed_at": closed_at, "pin_order": 0,
        "content_version": 0,
    })
}

pub(crate) fn pull_request(state: &State, repo: &Repository, pull: &PullRequest) -> Result<Value> {
    let head = state.repository(pull.head_repository.as_str())?;
    let (merged_at, merged_by, sha) = match &pull.state {
        PullRequestState::Merged { at, by, sha } => (Some(at), Some(user(state, by)), Some(sha)),
        PullRequestState::Open | PullRequestState::Closed { .. } => (None, None, None),
    };
    let html = web(state, repo, &format!("pulls/{}", pull.number));
    // Gitea shows the base branch as it is now; the reported merge has moved it already.
    let base_sha = sha.or(repo.branch(&pull.base).ok()).unwrap_or(&pull.base_sha);
    let side = |repo: &Repository, branch: &str, sha: &CommitSha| json!({ "label": if branch.starts_with("refs/") { "" } else { branch }, "ref": branch, "sha": sha, "repo_id": repo.id, "repo": repository(state, repo) });
    let more = json!({
        "url": html, "assignees": [], "requested_reviewers": [], "requested_reviewers_teams": [], "draft": false,
        "additions": 1, "deletions": 0, "changed_files": 1, "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"), "mergeable": pull.mergeable, "merged": sha.is_some(),
        "merged_at": merged_at, "merge_commit_sha": sha, "merged_by": merged_by, "allow_maintainer_edit": true,
        "base": side(repo, &pull.base, base_sha), "head": side(head, &pull.head, &pull.head_sha),
        "merge_base": pull.merge_base,
    });
    Ok(merged(common(state, repo, pull), more))
}

fn issue(state: &State, repo: &Repository, pull: &PullRequest) -> Value {
    let body = common(state, repo, pull);
    let merged_at = match &pull.state {
        PullRequestState::Merged { at, .. } => Some(at),
        PullRequestState::Open | PullRequestState::Closed { .. } => None,
    };
    let (path, html_url) = (&repo.path, body["html_url"].clone());
    let more = json!({
        "url": api(state, repo, &format!("issues/{}", pull.number)), "original_author": "", "original_author_id": 0,
        "ref": "", "assets": [], "assignees": null, "time_estimate": 0,
        "pull_request": {
            "merged": merged_at.is_some(), "merged_at": merged_at, "draft": false, "html_url": html_url,
        },
        "repository": { "id": repo.id, "name": path.name(), "owner": path.owner(), "full_name": path },
    });
    merged(body, more)
}

pub(crate) fn comment(state: &State, repo: &Repository, comment: &Comment) -> Value {
    let html = web(state, repo, &format!("pulls/{}", comment.number));
    json!({
        "id": comment.id, "html_url": format!("{html}#issuecomment-{}", comment.id), "pull_request_url": html,
        "issue_url": "", "user": user(state, &comment.author), "original_author": "", "original_author_id": 0,
        "body": comment.body, "assets": [], "created_at": comment.created_at, "updated_at": comment.updated_at,
    })
}

/// As one of Gitea's own, but for the fields that no client looks at.
pub(crate) fn review(state: &State, repo: &Repository, review: &Review) -> Value {
    json!({
        "id": review.id, "user": user(state, &review.author), "body": review.body, "commit_id": review.sha,
        "state": "COMMENT", "submitted_at": review.submitted_at, "updated_at": review.submitted_at,
        "pull_request_url": web(state, repo, &format!("pulls/{}", review.number)),
    })
}

/// Gitea calls the verdict `status`.
pub(crate) fn status(state: &State, repo: &Repository, status: &Status) -> Value {
    json!({
        "id": status.id, "status": status.state, "target_url": status.target_url.as_deref().unwrap_or_default(),
        "description": status.description.as_deref().unwrap_or_default(), "context": status.context,
        "url": api(state, repo, &format!("statuses/{}", status.sha)), "creator": user(state, &status.creator),
        "created_at": status.created_at, "updated_at": status.created_at,
    })
}

/// The secret is never shown.
pub(crate) fn hook(_: &State, _: &Repository, hook: &Hook) -> Value {
    json!({
        "id": hook.id, "name": "", "type": "gitea", "branch_filter": "",
        "config": { "content_type": "json", "url": hook.url }, "events": hook.events, "authorization_header": "",
        "active": hook.active, "updated_at": hook.updated_at, "created_at": hook.created_at,
    })
}

/// A commit in a push and in a branch.
pub(crate) fn push_commit(state: &State, repo: &Repository, commit: &Commit) -> Value {
    let person = |who: &Signature| json!({ "name": who.name, "email": who.email, "username": who.name });
    json!({
        "id": commit.sha, "message": commit.message, "url": web(state, repo, &format!("commit/{}", commit.sha)),
        "author": person(&commit.author), "committer": person(&commit.committer), "verification": null,
        "timestamp": commit.committer.date, "added": commit.added, "removed": commit.removed,
        "modified": commit.modified,
    })
}

/// A commit everywhere else.
pub(crate) fn commit(state: &State, repo: &Repository, commit: &Commit) -> Value {
    let url = |sha: &str| api(state, repo, &format!("git/commits/{sha}"));
    let person = |who: &Signature| json!({ "name": who.name, "email": who.email, "date": who.date });
    let account = |who: &Signature| Some(user(state, &state.account(&who.name).ok()?.user));
    let parents: Vec<_> = commit.parents.iter().map(|sha| json!({ "sha": sha, "url": url(sha) })).collect();
    json!({
        "sha": commit.sha, "url": url(commit.sha.as_str()), "created": commit.committer.date,
        "html_url": web(state, repo, &format!("commit/{}", commit.sha)),
        "commit": {
            "url": url(commit.sha.as_str()), "author": person(&commit.author),
            "committer": person(&commit.committer), "message": commit.message, "tree": { "sha": commit.tree },
        },
        "author": account(&commit.author), "committer": account(&commit.committer), "parents": parents,
    })
}
