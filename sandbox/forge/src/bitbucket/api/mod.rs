//! Bitbucket Cloud's REST API: the routes that Tidegate calls.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>

mod comments;
mod commits;
mod hooks;
mod pages;
mod people;
mod pull_requests;
mod statuses;

use serde_json::Value;
use tidegate_model::Permission::Read;

use crate::{
    bitbucket::{nouns, refs},
    routes,
    server::{Call, Refusal, Reply},
};

pub(crate) async fn answer(call: &Call<'_>) -> Reply {
    match route(call).await? {
        (status, Value::Array(items)) => Ok((status, pages::page(call, items)?)),
        other => Ok(other),
    }
}

async fn route(call: &Call<'_>) -> Reply {
    match (call.method, &call.segments[..]) {
        ("GET", ["user"]) => people::user(call),
        ("GET", ["workspaces", workspace, "permissions", "repositories", slug]) => {
            people::permissions(call, &format!("{workspace}/{slug}"))
        }
        // Some routes are documented with a slash at the end.
        (
            _,
            ["repositories", workspace, slug, route @ .., ""] | ["repositories", workspace, slug, route @ ..],
        ) => repository(call, &format!("{workspace}/{slug}"), route).await,
        _ => call.unknown(),
    }
}

async fn repository(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    match (call.method, route) {
        ("GET", []) => call.read(repo, Read, |state, repo| Ok(nouns::repository(state, repo))),
        ("GET", ["permissions-config", "users", user]) => people::granted(call, repo, user),
        (_, ["hooks", route @ ..]) => hooks::answer(call, repo, route),
        (_, ["pullrequests" | "commit", _, "comments", ..]) => comments::answer(call, repo, route).await,
        ("GET", ["pullrequests", route @ ..]) => pull_requests::answer(call, repo, route).await,
        (_, ["commit", sha, "statuses", route @ ..]) => statuses::answer(call, repo, sha, route).await,
        ("GET", ["commit" | "merge-base", _] | ["commits"]) => commits::answer(call, repo, route).await,
        ("GET", ["refs", kind @ ("branches" | "tags"), name @ ..]) => {
            references(call, repo, kind, &name.join("/")).await
        }
        _ => call.unknown(),
    }
}

/// All branches or tags, or the one of a name.
async fn references(call: &Call<'_>, repo: &str, kind: &str, name: &str) -> Reply {
    let mut found = routes::refs(call, repo, kind).await?;
    let singular = if kind == "tags" { "tag" } else { "branch" };
    found.retain(|(known, _)| name.is_empty() || known == name);
    call.read(repo, Read, |state, repo| {
        let show = |(name, commit)| refs::reference(state, repo, singular, name, commit);
        Ok(found.iter().map(|(name, commit)| show((name, commit))).collect())
    })
    .and_then(|(status, shown)| match shown {
        Value::Array(mut one) if !name.is_empty() => {
            let missing = || Refusal::new(404, format!("{singular} {name} does not exist"));
            Ok((status, one.pop().ok_or_else(missing)?))
        }
        all => Ok((status, all)),
    })
}
