//! Bitbucket's JSON of people, repositories, pull requests, comments and so on, in webhooks and in the REST API: the fields that
//! a client of a CI may want, in the shape of recorded deliveries.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_model::{AccountKind, CommitSha};

use crate::{
    Comment, CommitComment, Hook, PullRequest, PullRequestState, Status, User,
    bitbucket::API_ROOT,
    event::merged,
    state::{Repository, State},
};

/// How many digits of a hash a pull request shows.
const SHORT: usize = 12;

/// What has a UUID.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    User = 1,
    Workspace,
    Repository,
    Hook,
}

/// A UUID in braces, made of the forge's number.
pub(crate) fn uuid(kind: Kind, id: u64) -> String {
    format!("{{{:08x}-0000-4000-8000-{id:012x}}}", kind as u8)
}

pub(crate) fn account_id(user: &User) -> String {
    format!("557058:00000000-0000-4000-8000-{:012x}", user.id)
}

/// A UUID in a path.
fn coded(uuid: &str) -> String {
    uuid.replace('{', "%7B").replace('}', "%7D")
}

pub(crate) fn api(state: &State, rest: &str) -> Value {
    json!({ "href": format!("{}{API_ROOT}/{rest}", state.url) })
}

pub(crate) fn web(state: &State, rest: &str) -> Value {
    json!({ "href": format!("{}/{rest}", state.url) })
}

/// A time as Bitbucket writes it.
pub(crate) fn time(at: &str) -> String {
    at.replace('Z', ".000000+00:00")
}

pub(crate) fn rendered(raw: &str) -> Value {
    json!({ "type": "rendered", "raw": raw, "markup": "markdown", "html": format!("<p>{}</p>", raw.trim()) })
}

/// Neither name is the login: only the UUID and the account id say who it is. What acts by a token of its own has no nickname.
pub(crate) fn user(state: &State, user: &User) -> Value {
    let uuid = uuid(Kind::User, user.id);
    let name = format!("{}{} Forge", user.login[..1].to_uppercase(), &user.login[1..]);
    let avatar = web(state, &format!("avatars/{}", user.id));
    if state.account(&user.login).is_ok_and(|account| account.kind == AccountKind::Bot) {
        return json!({
            "type": "app_user", "kind": "repository_access_token", "uuid": uuid, "account_id": account_id(user),
            "account_status": "active", "display_name": name, "links": { "avatar": avatar },
        });
    }
    json!({
        "type": "user", "uuid": uuid, "account_id": account_id(user), "display_name": name,
        "nickname": format!("{name} (sandbox)"),
        "links": {
            "self": api(state, &format!("users/{}", coded(&uuid))), "avatar": avatar,
            "html": web(state, &format!("{}/", coded(&uuid))),
        },
    })
}

/// Forks are in a person's own workspace, which has the person's UUID. All other workspaces are a team's.
fn owner_and_workspace(state: &State, repo: &Repository) -> (Value, Value) {
    let slug = &repo.owner.login;
    let is_own = repo.parent.is_some()
        && state.account(slug).is_ok_and(|account| account.kind != AccountKind::Organisation);
    let uuid = uuid(if is_own { Kind::User } else { Kind::Workspace }, repo.owner.id);
    let avatar = web(state, &format!("workspaces/{slug}/avatar/"));
    let owner = if is_own {
        user(state, &repo.owner)
    } else {
        json!({
            "type": "team", "uuid": uuid, "username": slug, "display_name": slug,
            "links": {
                "self": api(state, &format!("workspaces/{}", coded(&uuid))), "avatar": avatar,
                "html": web(state, &format!("{}/", coded(&uuid))),
            },
        })
    };
    let workspace = json!({
        "type": "workspace", "uuid": uuid, "name": slug, "slug": slug,
        "links": {
            "self": api(state, &format!("workspaces/{slug}")), "avatar": avatar, "html": web(state, &format!("{slug}/")),
        },
    });
    (owner, workspace)
}

/// A repository inside something else.
pub(crate) fn repository_ref(state: &State, repo: &Repository) -> Value {
    let (path, uuid) = (&repo.path, uuid(Kind::Repository, repo.id));
    json!({
        "type": "repository", "full_name": path, "name": path.name(), "uuid": uuid,
        "links": {
            "self": api(state, &format!("repositories/{path}")), "html": web(state, path.as_str()),
            "avatar": web(state, &format!("ravatar/{}?ts=default", coded(&uuid))),
        },
    })
}

pub(crate) fn repository(state: &State, repo: &Repository) -> Value {
    let (owner, workspace) = owner_and_workspace(state, repo);
    let parent = repo.parent.as_ref().and_then(|path| state.repository(path.as_str()).ok());
    let more = json!({
        "scm": "git", "website": null, "owner": owner, "workspace": workspace, "is_private": repo.private,
        "parent": parent.map(|parent| repository_ref(state, parent)),
    });
    merged(repository_ref(state, repo), more)
}

/// A commit by its hash alone.
pub(crate) fn commit_ref(state: &State, repo: &Repository, hash: &str) -> Value {
    let path = &repo.path;
    json!({
        "type": "commit", "hash": hash,
        "links": {
            "self": api(state, &format!("repositories/{path}/commit/{hash}")),
            "html": web(state, &format!("{path}/commits/{hash}")),
        },
    })
}

fn short(state: &State, repo: &Repository, sha: &CommitSha) -> Value {
    commit_ref(state, repo, &sha.as_str()[..SHORT])
}

pub(crate) fn pull_request(state: &State, repo: &Repository, pull: &PullRequest) -> Result<Value> {
    let head = state.repository(pull.head_repository.as_str())?;
    let (open, merge, closed_by) = match &pull.state {
        PullRequestState::Open => ("OPEN", None, None),
        PullRequestState::Closed { .. } => ("DECLINED", None, Some(&pull.author)),
        PullRequestState::Merged { by, sha, .. } => ("MERGED", Some(sha), Some(by)),
    };
    let side = |repo: &Repository, branch: &str, sha: &CommitSha| {
        json!({
            "branch": { "name": branch }, "commit": short(state, repo, sha),
            "repository": repository_ref(state, repo),
        })
    };
    let route = format!("repositories/{}/pullrequests/{}", repo.path, pull.number);
    let comments = repo.comments.iter().filter(|comment| comment.number == pull.number).count();
    Ok(json!({
        "type": "pullrequest", "id": pull.number, "title": pull.title, "description": "", "state": open,
        "draft": false, "queued": false, "comment_count": comments, "author": user(state, &pull.author),
        "closed_by": closed_by.map(|by| user(state, by)), "merge_commit": merge.map(|sha| short(state, repo, sha)),
        "created_on": time(&pull.created_at), "updated_on": time(&pull.updated_at),
        "source": side(head, &pull.head, &pull.head_sha), "destination": side(repo, &pull.base, &pull.base_sha),
        "links": {
            "self": api(state, &route), "commits": api(state, &format!("{route}/commits")),
            "html": web(state, &format!("{}/pull-requests/{}", repo.path, pull.number)),
        },
    }))
}

/// In a webhook, it doesn't say of what it is.
pub(crate) fn comment(state: &State, repo: &Repository, comment: &Comment) -> Value {
    let (path, number, id) = (&repo.path, comment.number, comment.id);
    json!({
        "type": "pullrequest_comment", "id": id, "content": rendered(&comment.body),
        "deleted": comment.deleted, "pending": false, "user": user(state, &comment.author), "created_on": time(&comment.created_at),
        "updated_on": time(&comment.updated_at),
        "links": {
            "self": api(state, &format!("repositories/{path}/pullrequests/{number}/comments/{id}")),
            "html": web(state, &format!("{path}/pull-requests/{number}/_/diff#comment-{id}")),
        },
    })
}

pub(crate) fn commit_comment(state: &State, repo: &Repository, comment: &CommitComment) -> Value {
    let (path, sha, id) = (&repo.path, &comment.sha, comment.id);
    json!({
        "type": "commit_comment", "id": id, "content": rendered(&comment.body), "deleted": false,
        "user": user(state, &comment.author), "created_on": time(&comment.created_at),
        "updated_on": time(&comment.created_at), "commit": commit_ref(state, repo, sha.as_str()),
        "links": {
            "self": api(state, &format!("repositories/{path}/commit/{sha}/comments/{id}")),
            "html": web(state, &format!("{path}/commits/{sha}#comment-{id}")),
        },
    })
}

/// A status that was posted over another one is the same, with a new state.
pub(crate) fn status(state: &State, repo: &Repository, first: &Status, last: &Status) -> Value {
    let commit = format!("repositories/{}/commit/{}", repo.path, last.sha);
    let key = last.key.as_deref().unwrap_or(&last.context);
    json!({
        "type": "build", "key": key, "name": last.context, "state": last.state, "refname": last.branch,
        "description": last.description.as_deref().unwrap_or_default(), "url": last.target_url,
        "created_on": time(&first.created_at), "updated_on": time(&last.created_at),
        "commit": commit_ref(state, repo, last.sha.as_str()), "repository": repository_ref(state, repo),
        "links": {
            "self": api(state, &format!("{commit}/statuses/build/{key}")), "commit": api(state, &commit),
        },
    })
}

/// The secret is never shown.
pub(crate) fn hook(state: &State, repo: &Repository, hook: &Hook) -> Value {
    let uuid = uuid(Kind::Hook, hook.id);
    json!({
        "type": "webhook_subscription", "uuid": uuid, "url": hook.url, "description": "", "active": hook.active,
        "events": hook.events, "secret_set": hook.secret.is_some(), "skip_cert_verification": !hook.verify_tls,
        "subject_type": "repository", "subject": repository_ref(state, repo), "created_at": time(&hook.created_at),
        "links": { "self": api(state, &format!("repositories/{}/hooks/{}", repo.path, coded(&uuid))) },
    })
}
