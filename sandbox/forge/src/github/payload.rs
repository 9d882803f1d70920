//! GitHub's JSON, in webhooks and in the REST API: the fields that a client may want, in GitHub's shape.
//!
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tidegate_model::AccountKind;

use crate::{
    Comment, CommitComment, Hook, PullRequest, PullRequestState, Status, User,
    event::{Event, Payload, PullRequestChange, RefChange, merged},
    git::{Commit, Signature},
    github::API_ROOT,
    state::{Repository, Review, State},
};

/// What a delivery of a review leaves out of its pull request.
const NOT_IN_REVIEWS: [&str; 9] = [
    "comments",
    "draft",
    "maintainer_can_modify",
    "mergeable",
    "mergeable_state",
    "merged",
    "merged_by",
    "rebaseable",
    "review_comments",
];

/// The requests that an event makes: a push that creates or deletes a reference makes two.
pub(crate) fn render(
    state: &State,
    repo: &Repository,
    sender: &User,
    event: &Event<'_>,
) -> Result<Vec<Payload>> {
    let mut payloads = match event {
        Event::Ping(id) => {
            let hook = hook(state, repo, repo.hook(*id)?);
            vec![("ping", json!({ "zen": "Speak like a human.", "hook_id": id, "hook": hook }))]
        }
        Event::Push(changes) => {
            changes.iter().flat_map(|change| ref_change(state, repo, sender, change)).collect()
        }
        Event::PullRequest(number, change) => {
            vec![("pull_request", pull_request_event(state, repo, repo.pull(*number)?, change)?)]
        }
        Event::Comment { id, edited_from } => {
            let comment = repo.comment(*id)?;
            let pull = repo.pull(comment.number)?;
            let action = if edited_from.is_some() { "edited" } else { "created" };
            let (issue, comment) = (issue(state, repo, pull), self::comment(state, repo, comment));
            let mut body = json!({ "action": action, "issue": issue, "comment": comment });
            if let Some(from) = edited_from {
                body["changes"] = json!({ "body": { "from": from } });
            }
            vec![("issue_comment", body)]
        }
        Event::CommentDeleted(comment) => {
            let (issue, comment) =
                (issue(state, repo, repo.pull(comment.number)?), self::comment(state, repo, comment));
            vec![("issue_comment", json!({ "action": "deleted", "issue": issue, "comment": comment }))]
        }
        Event::CommitComment(id) => {
            let comment = commit_comment(state, repo, repo.commit_comment(*id)?);
            vec![("commit_comment", json!({ "action": "created", "comment": comment }))]
        }
        Event::Review(id) => {
            let shown = repo.review(*id)?;
            let (pull, mut review) = (repo.pull(shown.number)?, review(state, repo, shown));
            // Small letters in this event alone.
            review["state"] = "commented".into();
            let mut pull = pull_request(state, repo, pull)?;
            if let Some(fields) = pull.as_object_mut() {
                fields.retain(|name, _| !NOT_IN_REVIEWS.contains(&name.as_str()));
            }
            let body = json!({ "action": "submitted", "review": review, "pull_request": pull });
            vec![("pull_request_review", body)]
        }
    };
    for (_, body) in &mut payloads {
        body["repository"] = repository(state, repo);
        body["sender"] = user(state, sender);
    }
    for (_, push) in payloads.iter_mut().filter(|(event, _)| *event == "push") {
        // In this event alone, two of the times are seconds since the epoch.
        let seconds = repo.created_at.parse::<Timestamp>()?.as_second();
        push["repository"]["created_at"] = json!(seconds);
        push["repository"]["pushed_at"] = json!(seconds);
    }
    let payload = |(event, body)| Payload { event, event_type: event, body };
    Ok(payloads.into_iter().map(payload).collect())
}

fn ref_change(
    state: &State,
    repo: &Repository,
    pusher: &User,
    change: &RefChange,
) -> Vec<(&'static str, Value)> {
    let (kind, name) = change.kind_and_name();
    let head = change.head.as_ref().map(|commit| push_commit(state, repo, commit));
    let commits: Vec<_> =
        change.commits.iter().rev().map(|commit| push_commit(state, repo, commit)).collect();
    let push = json!({
        "ref": change.name, "before": change.before(), "after": change.after(),
        "created": change.before.is_none(), "deleted": change.after.is_none(), "forced": change.forced,
        "base_ref": null, "compare": format!("{}/{}/compare/{name}", state.url, repo.path),
        "commits": commits, "head_commit": head,
        "pusher": { "name": pusher.login, "email": pusher.email() },
    });
    let mut payloads = vec![("push", push)];
    if change.before.is_none() {
        payloads.push((
            "create",
            json!({
                "ref": name, "ref_type": kind, "master_branch": "main", "description": null, "pusher_type": "user",
            }),
        ));
    } else if change.after.is_none() {
        payloads.push(("delete", json!({ "ref": name, "ref_type": kind, "pusher_type": "user" })));
    }
    payloads
}

fn pull_request_event(
    state: &State,
    repo: &Repository,
    pull: &PullRequest,
    change: &PullRequestChange<'_>,
) -> Result<Value> {
    let (action, more) = match change {
        PullRequestChange::Opened => ("opened", json!({})),
        PullRequestChange::Closed => ("closed", json!({})),
        PullRequestChange::Reopened => ("reopened", json!({})),
        PullRequestChange::HeadMoved { before } => {
            ("synchronize", json!({ "before": before, "after": pull.head_sha }))
        }
        PullRequestChange::BaseChanged { from, from_sha } => (
            "edited",
            json!({ "changes": { "base": { "ref": { "from": from }, "sha": { "from": from_sha } } } }),
        ),
        PullRequestChange::TitleChanged { from } => {
            ("edited", json!({ "changes": { "title": { "from": from } } }))
        }
    };
    let body =
        json!({ "action": action, "number": pull.number, "pull_request": pull_request(state, repo, pull)? });
    Ok(merged(body, more))
}

fn api(state: &State, rest: &str) -> String {
    format!("{}{API_ROOT}/{rest}", state.url)
}

pub(crate) fn user(state: &State, user: &User) -> Value {
    let login = &user.login;
    let url = api(state, &format!("users/{login}"));
    let links =
        ["followers", "following", "gists", "starred", "subscriptions", "repos", "events", "received_events"];
    let links = links.map(|name| (format!("{name}_url"), json!(format!("{url}/{name}"))));
    let links: Map<String, Value> = links.into_iter().collect();
    let fixed = json!({
        "login": login, "id": user.id, "node_id": format!("U_{}", user.id), "gravatar_id": "", "url": url,
        "avatar_url": format!("{}/avatars/{login}", state.url), "html_url": format!("{}/{login}", state.url),
        "organizations_url": format!("{url}/orgs"), "site_admin": false,
        "type": match state.account(login).map(|account| account.kind) {
            Ok(AccountKind::Organisation) => "Organization",
            Ok(AccountKind::Bot) => "Bot",
            _ => "User",
        },
    });
    merged(fixed, Value::Object(links))
}

pub(crate) fn repository(state: &State, repo: &Repository) -> Value {
    let (path, html) = (&repo.path, format!("{}/{}", state.url, repo.path));
    json!({
        "id": repo.id, "node_id": format!("R_{}", repo.id), "name": path.name(), "full_name": path,
        "private": repo.private, "owner": user(state, &repo.owner), "html_url": html, "description": null,
        "fork": repo.parent.is_some(), "url": api(state, &format!("repos/{path}")),
        "hooks_url": api(state, &format!("repos/{path}/hooks")),
        "statuses_url": api(state, &format!("repos/{path}/statuses/{{sha}}")),
        "pulls_url": api(state, &format!("repos/{path}/pulls{{/number}}")),
        "clone_url": format!("{html}.git"), "ssh_url": format!("git@127.0.0.1:{path}.git"),
        "created_at": repo.created_at, "updated_at": repo.created_at, "pushed_at": repo.created_at,
        "size": 1, "language": null, "archived": false, "disabled": false, "open_issues_count": 0,
        "default_branch": "main",
    })
}

pub(crate) fn pull_request(state: &State, repo: &Repository, pull: &PullRequest) -> Result<Value> {
    let number = pull.number;
    let (url, html) = pull_urls(state, repo, number);
    let (merged_at, merged_by, sha) = match &pull.state {
        PullRequestState::Merged { at, by, sha } => (Some(at), Some(user(state, by)), Some(sha)),
        PullRequestState::Open | PullRequestState::Closed { .. } => (None, None, None),
    };
    let side = |repo: &Repository, branch: &str, sha| {
        json!({
            "label": format!("{}:{branch}", repo.owner.login), "ref": branch, "sha": sha,
            "user": user(state, &repo.owner), "repo": repository(state, repo),
        })
    };
    let head = state.repository(pull.head_repository.as_str())?;
    let stack = pull.stack_base.as_ref().map(|base| {
        let sha = repo.branch(base).ok();
        json!({ "id": 1, "number": 1, "size": 2, "position": 2, "base": { "ref": base, "sha": sha } })
    });
    let mut body = json!({
        "url": url, "id": repo.id * 1000 + number, "node_id": format!("PR_{}_{number}", repo.id), "html_url": html,
        "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
        "issue_url": api(state, &format!("repos/{}/issues/{number}", repo.path)),
        "statuses_url": api(state, &format!("repos/{}/statuses/{}", repo.path, pull.head_sha)),
        "requested_reviewers": [], "requested_teams": [], "draft": false,
        "merge_commit_sha": sha, "merged": sha.is_some(), "merged_at": merged_at, "merged_by": merged_by,
        "mergeable": pull.mergeable, "rebaseable": null, "review_comments": 0, "maintainer_can_modify": false,
        "mergeable_state": if pull.mergeable { "clean" } else { "dirty" },
        "head": side(head, &pull.head, &pull.head_sha), "base": side(repo, &pull.base, &pull.base_sha),
    });
    if let Some(stack) = stack {
        body["stack"] = stack;
    }
    Ok(merged(body, issue_fields(state, repo, pull)))
}

/// What a pull request has in common with an issue.
fn issue_fields(state: &State, repo: &Repository, pull: &PullRequest) -> Value {
    let (open, closed_at) = match &pull.state {
        PullRequestState::Open => ("open", None),
        PullRequestState::Closed { at } | PullRequestState::Merged { at, .. } => ("closed", Some(at)),
    };
    json!({
        "number": pull.number, "state": open, "locked": false, "title": pull.title,
        "user": user(state, &pull.author), "body": null, "labels": [], "milestone": null, "assignee": null,
        "assignees": [], "author_association": association(state, repo, &pull.author),
        "comments": repo.comments.iter().filter(|comment| comment.number == pull.number).count(),
        "created_at": pull.created_at, "updated_at": pull.updated_at, "closed_at": closed_at,
    })
}

fn issue(state: &State, repo: &Repository, pull: &PullRequest) -> Value {
    let (url, html) = pull_urls(state, repo, pull.number);
    let issue = api(state, &format!("repos/{}/issues/{}", repo.path, pull.number));
    let body = json!({
        "url": issue, "repository_url": api(state, &format!("repos/{}", repo.path)), "html_url": html,
        "comments_url": format!("{issue}/comments"), "id": repo.id * 1000 + pull.number,
        "node_id": format!("PR_{}_{}", repo.id, pull.number),
        "pull_request": { "url": url, "html_url": html, "diff_url": format!("{html}.diff"), "merged_at": null },
    });
    merged(body, issue_fields(state, repo, pull))
}

/// In the API and for people.
fn pull_urls(state: &State, repo: &Repository, number: u64) -> (String, String) {
    let path = &repo.path;
    (api(state, &format!("repos/{path}/pulls/{number}")), format!("{}/{path}/pull/{number}", state.url))
}

fn association(state: &State, repo: &Repository, user: &User) -> &'static str {
    if *user == repo.owner {
        "OWNER"
    } else if state.permission(repo, Some(user)).can_write() {
        "COLLABORATOR"
    } else {
        "NONE"
    }
}

pub(crate) fn comment(state: &State, repo: &Repository, comment: &Comment) -> Value {
    let (path, number, id) = (&repo.path, comment.number, comment.id);
    json!({
        "url": api(state, &format!("repos/{path}/issues/comments/{id}")),
        "html_url": format!("{}/{path}/pull/{number}#issuecomment-{id}", state.url),
        "issue_url": api(state, &format!("repos/{path}/issues/{number}")), "id": id,
        "node_id": format!("IC_{id}"), "user": user(state, &comment.author), "body": comment.body,
        "author_association": association(state, repo, &comment.author),
        "created_at": comment.created_at, "updated_at": comment.updated_at,
    })
}

pub(crate) fn commit_comment(state: &State, repo: &Repository, comment: &CommitComment) -> Value {
    let (path, sha, id) = (&repo.path, &comment.sha, comment.id);
    json!({
        "url": api(state, &format!("repos/{path}/comments/{id}")),
        "html_url": format!("{}/{path}/commit/{sha}#commitcomment-{id}", state.url), "id": id,
        "node_id": format!("CC_{id}"), "user": user(state, &comment.author), "body": comment.body,
        "commit_id": sha, "path": null, "position": null, "line": null,
        "author_association": association(state, repo, &comment.author),
        "created_at": comment.created_at, "updated_at": comment.created_at,
    })
}

pub(crate) fn review(state: &State, repo: &Repository, review: &Review) -> Value {
    let (url, html) = pull_urls(state, repo, review.number);
    json!({
        "id": review.id, "node_id": format!("PRR_{}", review.id), "user": user(state, &review.author),
        "body": review.body, "commit_id": review.sha, "submitted_at": review.submitted_at,
        "state": "COMMENTED", "pull_request_url": url,
        "html_url": format!("{html}#pullrequestreview-{}", review.id),
        "author_association": association(state, repo, &review.author),
    })
}

pub(crate) fn status(state: &State, repo: &Repository, status: &Status) -> Value {
    json!({
        "url": api(state, &format!("repos/{}/statuses/{}", repo.path, status.sha)), "id": status.id,
        "node_id": format!("SC_{}", status.id), "state": status.state, "description": status.description,
        "target_url": status.target_url, "context": status.context, "creator": user(state, &status.creator),
        "created_at": status.created_at, "updated_at": status.created_at,
    })
}

/// A secret is shown by asterisks.
pub(crate) fn hook(state: &State, repo: &Repository, hook: &Hook) -> Value {
    let url = api(state, &format!("repos/{}/hooks/{}", repo.path, hook.id));
    let mut config = json!({ "content_type": "json", "url": hook.url, "insecure_ssl": "0" });
    if hook.secret.is_some() {
        config["secret"] = json!("********");
    }
    json!({
        "type": "Repository", "id": hook.id, "name": "web", "active": hook.active, "events": hook.events,
        "config": config, "updated_at": hook.updated_at, "created_at": hook.created_at, "url": url,
        "test_url": format!("{url}/test"), "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
        "last_response": { "code": null, "status": "unused", "message": null },
    })
}

fn push_commit(state: &State, repo: &Repository, commit: &Commit) -> Value {
    let person = |who: &Signature| json!({ "name": who.name, "email": who.email, "username": who.name });
    json!({
        "id": commit.sha, "tree_id": commit.tree, "distinct": true, "message": commit.message,
        "timestamp": commit.committer.date, "url": format!("{}/{}/commit/{}", state.url, repo.path, commit.sha),
        "author": person(&commit.author), "committer": person(&commit.committer),
        "added": commit.added, "removed": commit.removed, "modified": commit.modified,
    })
}

/// A commit as the REST API shows it.
pub(crate) fn commit(state: &State, repo: &Repository, commit: &Commit) -> Value {
    let url = |sha: &str| api(state, &format!("repos/{}/commits/{sha}", repo.path));
    let person = |who: &Signature| json!({ "name": who.name, "email": who.email, "date": who.date });
    let account = |who: &Signature| Some(user(state, &state.account(&who.name).ok()?.user));
    let parents: Vec<_> = commit.parents.iter().map(|sha| json!({ "sha": sha, "url": url(sha) })).collect();
    json!({
        "sha": commit.sha, "node_id": format!("C_{}", commit.sha), "url": url(commit.sha.as_str()),
        "html_url": format!("{}/{}/commit/{}", state.url, repo.path, commit.sha),
        "commit": {
            "author": person(&commit.author), "committer": person(&commit.committer), "message": commit.message,
            "tree": { "sha": commit.tree }, "comment_count": 0,
        },
        "author": account(&commit.author), "committer": account(&commit.committer), "parents": parents,
    })
}
