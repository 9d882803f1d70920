//! GitHub's REST API: the routes that Tidegate calls.
//!
//! <https://docs.github.com/en/rest>

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_model::{
    AccountKind, CommitStatus,
    Permission::{self, Admin, Read, Write},
};

use crate::{
    git::Commit,
    github::payload,
    routes::{self, Renderer, show_hook},
    server::{Call, Refusal, Reply, number},
    state::{Missing, Repository},
};

const REACTIONS: [&str; 8] = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];

const RENDERER: Renderer = Renderer {
    user: payload::user,
    repository: payload::repository,
    pull_request: payload::pull_request,
    comment: payload::comment,
    review: payload::review,
    status: payload::status,
    hook: payload::hook,
};

/// The most statuses that one context of a commit can get.
const MAX_STATUSES: usize = 1000;

pub(crate) async fn answer(call: &Call<'_>) -> Reply {
    if let ("POST", ["app", "installations", _, "access_tokens"]) = (call.method, &call.segments[..]) {
        return Ok((201, installation_token(call)));
    }
    let ["repos", owner, name, route @ ..] = &call.segments[..] else {
        return call.unknown();
    };
    let (repo, forge) = (&*format!("{owner}/{name}"), call.forge);
    match (call.method, route) {
        ("GET", ["collaborators", login, "permission"]) => call.read(repo, Write, |state, repo| {
            let account = state.account(login)?;
            ensure!(account.kind != AccountKind::Organisation, Missing(format!("{login} is not a user")));
            let user = &account.user;
            let permission = state.permission(repo, Some(user));
            let role = name_of(permission);
            Ok(json!({ "permission": role, "role_name": role, "user": payload::user(state, user) }))
        }),
        ("GET", [kind @ ("branches" | "tags")]) => {
            let refs = routes::refs(call, repo, kind).await?.into_iter();
            let show = |(name, commit): (String, Commit)| {
                let url = format!("{}/repos/{repo}/commits/{}", forge.api_url(), commit.sha);
                json!({ "name": name, "commit": { "sha": commit.sha, "url": url }, "protected": false })
            };
            Ok((200, refs.map(show).collect()))
        }
        ("GET", ["branches", branch @ ..]) => {
            let (path, branch) = (call.allow(repo, Read)?, branch.join("/"));
            let head = forge.inner.git.show(&path, &format!("refs/heads/{branch}")).await?;
            call.read(repo, Read, |state, repo| {
                let commit = payload::commit(state, repo, &head);
                Ok(json!({ "name": branch, "commit": commit, "protected": false }))
            })
        }
        ("GET", ["git", "ref", kind @ ("heads" | "tags"), name @ ..]) => {
            let (path, name) = (call.allow(repo, Read)?, format!("refs/{kind}/{}", name.join("/")));
            let sha = forge.inner.git.resolve(&path, &name, "object").await?;
            let kind = forge.inner.git.object_type(&path, &sha).await?;
            let url = format!("{}/repos/{path}/git/{kind}s/{sha}", forge.api_url());
            Ok((200, json!({ "ref": name, "object": { "type": kind, "sha": sha, "url": url } })))
        }
        ("GET", ["git", "tags", sha]) => {
            let path = call.allow(repo, Read)?;
            let tag = forge.inner.git.resolve(&path, sha, "tag").await?;
            let (sha, kind) = forge.inner.git.tag_target(&path, &tag).await?;
            Ok((200, json!({ "sha": tag, "object": { "type": kind, "sha": sha } })))
        }
        ("GET", ["comments", id]) => show_commit_comment(call, repo, number(id)?),
        ("GET", ["commits", sha, "comments"]) => call.read(repo, Read, |state, repo| {
            let comments = repo.commit_comments.iter().filter(|comment| comment.sha.as_str() == *sha);
            Ok(comments.map(|comment| payload::commit_comment(state, repo, comment)).collect())
        }),
        ("POST", ["commits", sha, "comments"]) => {
            let path = call.allow(repo, Read)?;
            let sha = forge.inner.git.resolve(&path, sha, "commit").await.map_err(|_| no_commit(sha))?;
            let id = forge.comment_on_commit(repo, &sha, &call.actor()?.login, call.text("body")?)?;
            Ok((201, show_commit_comment(call, repo, id)?.1))
        }
        ("GET", ["commits", reference @ .., last]) if !["status", "statuses"].contains(last) => {
            let (path, reference) = (call.allow(repo, Read)?, [reference, &[last]].concat().join("/"));
            let commit = forge.inner.git.show(&path, &reference).await;
            let commit = commit.map_err(|_| no_commit(&reference))?;
            call.read(repo, Read, |state, repo| Ok(payload::commit(state, repo, &commit)))
        }
        ("GET", ["compare", range @ ..]) => compare(call, repo, &range.join("/")).await,
        ("POST", ["statuses", sha]) => post_status(call, repo, sha).await,
        ("POST", ["hooks"]) => create_hook(call, repo),
        ("PATCH", ["hooks", id]) => edit_hook(call, repo, number(id)?),
        ("POST", ["issues", "comments", _, "reactions"]) if !REACTIONS.contains(&call.text("content")?) => {
            Err(Refusal::new(422, "Validation Failed: content is not included in the list"))
        }
        _ => routes::answer(call, repo, route, &RENDERER).await,
    }
}

fn show_commit_comment(call: &Call<'_>, repo: &str, id: u64) -> Reply {
    call.read(repo, Read, |state, repo| Ok(payload::commit_comment(state, repo, repo.commit_comment(id)?)))
}

/// The one bot of all installations.
fn installation_token(call: &Call<'_>) -> Value {
    let token = call.forge.add_account("tidegate[bot]", true);
    let expires_at = Timestamp::now() + SignedDuration::from_hours(1);
    let permissions =
        json!({ "metadata": "read", "contents": "write", "statuses": "write", "pull_requests": "write" });
    let expires_at = expires_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut shown = json!({ "token": token, "expires_at": expires_at, "permissions": permissions, "repository_selection": "all" });
    if let Some(wanted) = call.body["repositories"].as_array() {
        let state = call.forge.state();
        let is_wanted = |repo: &&Repository| wanted.iter().any(|name| name == repo.path.name());
        let selected = state.repositories.iter().filter(is_wanted);
        shown["repositories"] = selected.map(|repo| payload::repository(&state, repo)).collect();
    }
    shown
}

fn name_of(permission: Permission) -> &'static str {
    match permission {
        Permission::None => "none",
        Permission::Read => "read",
        Permission::Write => "write",
        Permission::Admin => "admin",
    }
}

fn no_commit(reference: &str) -> Refusal {
    Refusal::new(422, format!("No commit found for SHA: {reference}"))
}

async fn compare(call: &Call<'_>, repo: &str, range: &str) -> Reply {
    let (path, git) = (call.allow(repo, Read)?, &call.forge.inner.git);
    let (base, head) = range.split_once("...").ok_or_else(|| Refusal::new(404, "Not Found"))?;
    let (base, head) = (git.show(&path, base).await?, git.show(&path, head).await?);
    let merge_base = git.merge_base(&path, &base.sha, &head.sha).await?;
    let merge_base = git.show(&path, merge_base.as_str()).await?;
    let mut ahead = git.log(&path, &[head.sha.as_str(), &format!("^{}", base.sha)]).await?;
    ahead.reverse();
    let behind = git.log(&path, &[base.sha.as_str(), &format!("^{}", head.sha)]).await?.len();
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    call.read(repo, Read, |state, repo| {
        let commits: Vec<_> = ahead.iter().map(|commit| payload::commit(state, repo, commit)).collect();
        Ok(json!({
            "status": status, "ahead_by": ahead.len(), "behind_by": behind, "total_commits": ahead.len(),
            "base_commit": payload::commit(state, repo, &base), "commits": commits, "files": [],
            "merge_base_commit": payload::commit(state, repo, &merge_base),
        }))
    })
}

/// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>
async fn post_status(call: &Call<'_>, repo: &str, sha: &str) -> Reply {
    let path = call.allow(repo, Write)?;
    let state = call.text("state")?;
    if !["error", "failure", "pending", "success"].contains(&state) {
        return Err(Refusal::new(422, "Validation Failed: state is not included in the list"));
    }
    let description = call.body["description"].as_str().unwrap_or_default();
    if description.chars().count() > CommitStatus::MAX_DESCRIPTION {
        return Err(Refusal::new(
            422,
            "Validation Failed: description is too long (maximum is 140 characters)",
        ));
    }
    let sha = call.forge.inner.git.resolve(&path, sha, "commit").await.map_err(|_| no_commit(sha))?;
    let context = call.body["context"].as_str().unwrap_or("default");
    let same = call.forge.statuses(repo, &sha)?.iter().filter(|status| status.context == context).count();
    if same >= MAX_STATUSES {
        return Err(Refusal::new(422, "This SHA and context has reached the maximum number of statuses."));
    }
    let status = call.post_status(&path, sha.as_str()).await?;
    Ok((201, call.read(repo, Read, |state, repo| Ok(payload::status(state, repo, &status)))?.1))
}

/// <https://docs.github.com/en/rest/repos/webhooks#create-a-repository-webhook>
fn create_hook(call: &Call<'_>, repo: &str) -> Reply {
    call.allow(repo, Admin)?;
    let hook = call.hook(true)?;
    if call.forge.hooks(repo)?.iter().any(|known| known.url == hook.url) {
        return Err(Refusal::new(422, "Validation Failed: Hook already exists on this repository"));
    }
    let hook = call.forge.create_hook(repo, call.actor()?, hook)?;
    Ok((201, show_hook(call, repo, hook.id, &RENDERER)?.1))
}

/// A `config` replaces the whole old one: without `secret` in it, the hook has none any more.
///
/// <https://docs.github.com/en/rest/repos/webhooks#update-a-repository-webhook>
fn edit_hook(call: &Call<'_>, repo: &str, id: u64) -> Reply {
    call.allow(repo, Admin)?;
    let config = if call.body["config"].is_null() { None } else { Some(call.hook(true)?) };
    call.forge.edit_hook(repo, id, |hook| {
        if let Some(new) = config {
            (hook.url, hook.secret) = (new.url, new.secret);
        }
        hook.events = call.events().unwrap_or_else(|| hook.events.clone());
        hook.active = call.body["active"].as_bool().unwrap_or(hook.active);
    })?;
    show_hook(call, repo, id, &RENDERER)
}
