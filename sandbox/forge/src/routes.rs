//! The routes that both hosts have under one path and in one sense; each dialect renders the answers.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_model::Permission::{Admin, Read, Write};

use crate::{
    Comment, Hook, PullRequest, PullRequestState, Status, User,
    git::Commit,
    server::{Call, Refusal, Reply, number},
    state::{Repository, Review, State, now},
};

/// How a dialect writes the nouns.
pub(crate) struct Renderer {
    pub user: fn(&State, &User) -> Value,
    pub repository: fn(&State, &Repository) -> Value,
    pub pull_request: fn(&State, &Repository, &PullRequest) -> Result<Value>,
    pub comment: fn(&State, &Repository, &Comment) -> Value,
    pub review: fn(&State, &Repository, &Review) -> Value,
    pub status: fn(&State, &Repository, &Status) -> Value,
    pub hook: fn(&State, &Repository, &Hook) -> Value,
}

pub(crate) async fn answer(call: &Call<'_>, repo: &str, route: &[&str], render: &Renderer) -> Reply {
    let forge = call.forge;
    match (call.method, route) {
        ("GET", []) => call.read(repo, Read, |state, repo| {
            let has = state.permission(repo, call.viewer.as_ref());
            let mut shown = (render.repository)(state, repo);
            shown["permissions"] =
                json!({ "admin": has >= Admin, "push": has >= Write, "pull": has >= Read });
            Ok(shown)
        }),
        ("GET", ["pulls"]) => call.read(repo, Read, |state, repo| {
            let wanted = call.query.get("state").map_or("open", String::as_str);
            let matches = |open| wanted == "all" || open == (wanted == "open");
            let pulls = repo.pulls.iter().filter(|pull| matches(pull.state == PullRequestState::Open));
            let mut pulls: Vec<_> = pulls.collect();
            // GitHub takes a direction, Gitea the name of an order; both begin with the newest otherwise.
            let has = |name: &str, value: &str| call.query.get(name).is_some_and(|given| given == value);
            if !has("direction", "asc") && !has("sort", "oldest") {
                pulls.reverse();
            }
            pulls.into_iter().map(|pull| (render.pull_request)(state, repo, pull)).collect()
        }),
        ("GET", ["pulls", id]) => {
            let id = number(id)?;
            call.read(repo, Read, |state, repo| (render.pull_request)(state, repo, repo.pull(id)?))
        }
        ("GET", ["pulls", id, "reviews"]) => {
            let id = number(id)?;
            call.read(repo, Read, |state, repo| {
                let reviews = repo.reviews.iter().filter(|review| review.number == id);
                Ok(reviews.map(|review| (render.review)(state, repo, review)).collect())
            })
        }
        ("GET", ["pulls", _, "reviews", id]) => {
            let id = number(id)?;
            call.read(repo, Read, |state, repo| Ok((render.review)(state, repo, repo.review(id)?)))
        }
        ("GET", ["commits", reference @ .., list @ ("status" | "statuses")]) => {
            let path = call.allow(repo, Read)?;
            let sha = forge.inner.git.resolve(&path, &reference.join("/"), "commit").await?;
            call.read(repo, Read, |state, repo| {
                let one = |status| (render.status)(state, repo, status);
                if *list == "statuses" {
                    return Ok(repo.statuses_of(&sha).map(one).collect());
                }
                let newest: Vec<_> = repo.newest_statuses(&sha).into_iter().map(one).collect();
                Ok(json!({
                    "state": repo.combined_state(&sha), "sha": sha, "total_count": newest.len(), "statuses": newest,
                    "repository": (render.repository)(state, repo),
                }))
            })
        }
        ("GET", ["hooks"]) => call.read(repo, Admin, |state, repo| {
            Ok(repo.hooks.iter().map(|hook| (render.hook)(state, repo, hook)).collect())
        }),
        ("GET", ["hooks", id]) => show_hook(call, repo, number(id)?, render),
        ("DELETE", ["hooks", id]) => {
            call.allow(repo, Admin)?;
            forge.delete_hook(repo, number(id)?)?;
            Ok((204, Value::Null))
        }
        ("GET", ["issues", id, "comments"]) => {
            let id = number(id)?;
            call.read(repo, Read, |state, repo| {
                repo.pull(id)?;
                // Both hosts go by the last edit, and by whole seconds.
                let since = call.query.get("since").map(|since| since.parse::<Timestamp>()).transpose()?;
                let is_since = |comment: &&Comment| {
                    since
                        .is_none_or(|since| comment.updated_at.parse().is_ok_and(|at: Timestamp| at >= since))
                };
                let comments = repo.comments.iter().filter(|comment| comment.number == id).filter(is_since);
                Ok(comments.map(|comment| (render.comment)(state, repo, comment)).collect())
            })
        }
        ("POST", ["issues", id, "comments"]) => {
            call.allow(repo, Read)?;
            let id = forge.comment(repo, number(id)?, &call.actor()?.login, call.text("body")?)?;
            Ok((201, show_comment(call, repo, id, render)?.1))
        }
        ("GET", ["issues", "comments", id]) => show_comment(call, repo, number(id)?, render),
        ("PATCH", ["issues", "comments", id]) => {
            let id = number(id)?;
            call.allow_comment_edit(repo, id)?;
            forge.edit_comment(repo, id, &call.actor()?.login, call.text("body")?)?;
            show_comment(call, repo, id, render)
        }
        ("POST", ["issues", "comments", id, "reactions"]) => {
            call.allow(repo, Read)?;
            let (user, content) = (call.actor()?, call.text("content")?);
            let new = forge.react(repo, number(id)?, &user.login, content)?;
            let user = (render.user)(&forge.state(), user);
            let status = if new { 201 } else { 200 };
            Ok((status, json!({ "id": 1, "user": user, "content": content, "created_at": now() })))
        }
        _ => call.unknown(),
    }
}

/// The short names of all branches or tags, and their commits.
pub(crate) async fn refs(call: &Call<'_>, repo: &str, kind: &str) -> Result<Vec<(String, Commit)>, Refusal> {
    let (path, git) = (call.allow(repo, Read)?, &call.forge.inner.git);
    let prefix = if kind == "tags" { "refs/tags/" } else { "refs/heads/" };
    let mut found = Vec::new();
    for name in git.refs(&path).await?.into_keys() {
        if let Some(short) = name.strip_prefix(prefix) {
            found.push((short.to_owned(), git.show(&path, &name).await?));
        }
    }
    Ok(found)
}

pub(crate) fn show_hook(call: &Call<'_>, repo: &str, id: u64, render: &Renderer) -> Reply {
    call.read(repo, Admin, |state, repo| Ok((render.hook)(state, repo, repo.hook(id)?)))
}

fn show_comment(call: &Call<'_>, repo: &str, id: u64, render: &Renderer) -> Reply {
    call.read(repo, Read, |state, repo| Ok((render.comment)(state, repo, repo.comment(id)?)))
}
