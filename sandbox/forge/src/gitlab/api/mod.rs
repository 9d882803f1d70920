//! GitLab's REST API: the routes that Tidegate calls.
//!
//! <https://docs.gitlab.com/api/rest/>

mod commits;
mod hooks;
mod merge_requests;
mod people;

use serde_json::json;
use tidegate_model::Permission::{self, Admin, Read, Write};

use crate::{
    git::Commit,
    gitlab::nouns,
    routes,
    server::{Call, Refusal, Reply},
    state::{Repository, State},
};

pub(crate) async fn answer(call: &Call<'_>) -> Reply {
    match (call.method, &call.segments[..]) {
        (_, ["projects", rest @ ..]) => {
            let (repo, route) = project(call, rest)?;
            repository(call, &repo, route).await
        }
        ("GET", ["user"] | ["users", ..]) => people::answer(call),
        _ => call.unknown(),
    }
}

/// The repository that a path begins with, by its number or its path, and the rest of the path.
fn project<'a>(call: &Call<'_>, path: &'a [&'a str]) -> Result<(String, &'a [&'a str]), Refusal> {
    let state = call.forge.state();
    let found = match path {
        [number, rest @ ..] if number.parse::<u64>().is_ok() => {
            let by_number = state.repositories.iter().find(|repo| repo.id.to_string() == *number);
            by_number.map(|repo| (repo.path.to_string(), rest))
        }
        _ => (2..=path.len()).rev().find_map(|length| {
            let (name, rest) = path.split_at(length);
            state.repository(&name.join("/")).ok().map(|repo| (repo.path.to_string(), rest))
        }),
    };
    found.ok_or_else(|| Refusal::new(404, "404 Project Not Found"))
}

async fn repository(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    match (call.method, route) {
        ("GET", []) => call.read(repo, Read, |state, repo| {
            let mut shown = nouns::project(state, repo);
            let has = state.permission(repo, call.viewer.as_ref());
            let access =
                Some(access_level(has)).filter(|_| has > Read).map(|level| json!({"access_level": level}));
            shown["permissions"] = json!({"project_access": access, "group_access": null});
            Ok(shown)
        }),
        (_, ["hooks", route @ ..]) => hooks::answer(call, repo, route),
        ("GET", ["members", "all", route @ ..]) => people::members(call, repo, route),
        (_, ["merge_requests", route @ ..]) => merge_requests::answer(call, repo, route),
        ("POST", ["statuses", sha]) => commits::set_status(call, repo, sha).await,
        ("GET", ["repository", kind @ ("branches" | "tags"), name @ ..]) => {
            references(call, repo, kind, &name.join("/")).await
        }
        ("GET", ["repository", "merge_base"]) => commits::merge_base(call, repo).await,
        (_, ["repository", "commits", sha, route @ ..]) => commits::answer(call, repo, sha, route).await,
        _ => call.unknown(),
    }
}

/// <https://docs.gitlab.com/api/access_requests/#valid-access-levels>
const fn access_level(permission: Permission) -> u64 {
    match permission {
        Permission::None => 0,
        Read => 20,
        Write => 30,
        Admin => 40,
    }
}

/// All branches or tags, or the one of a name.
async fn references(call: &Call<'_>, repo: &str, kind: &str, name: &str) -> Reply {
    let mut found = routes::refs(call, repo, kind).await?;
    found.retain(|(known, _)| name.is_empty() || known == name);
    let show = |(name, commit): &(String, Commit)| json!({"name": name, "commit": nouns::commit(commit), "protected": false});
    if name.is_empty() {
        return Ok((200, found.iter().map(show).collect()));
    }
    let kind = if kind == "tags" { "Tag" } else { "Branch" };
    let missing = || Refusal::new(404, format!("404 {kind} Not Found"));
    Ok((200, found.first().map(show).ok_or_else(missing)?))
}

/// Where the same is of a project that was renamed. Source: `find_project!` in `lib/api/helpers.rb`
pub(crate) fn new_location(call: &Call<'_>, state: &State) -> Option<String> {
    let ["projects", path @ ..] = &call.segments[..] else { return None };
    (2..=path.len()).rev().find_map(|length| {
        let (name, rest) = path.split_at(length);
        let new = state.renamed.get(&name.join("/").to_ascii_lowercase())?;
        let repo: &Repository = state.repository(new.as_str()).ok()?;
        Some([&["projects", &repo.id.to_string()], rest].concat().join("/"))
    })
}

/// The text of a field of the body; 400 if it is missing.
fn text<'a>(call: &'a Call<'_>, field: &str) -> Result<&'a str, Refusal> {
    let text = call.body[field].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::new(400, format!("{field} is missing")))
}
