//! Webhooks of a repository.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/#api-repositories-workspace-repo-slug-hooks-post>

use reqwest::Url;
use serde_json::Value;
use tidegate_model::Permission::Admin;

use crate::{
    Hook,
    bitbucket::nouns::{self, Kind},
    server::{Call, Refusal, Reply},
    state::{found, now},
};

/// The events that the forge can send, and others that a hook may ask for.
const EVENTS: [&str; 14] = [
    "pullrequest:approved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:comment_created",
    "pullrequest:comment_deleted",
    "pullrequest:comment_updated",
    "pullrequest:created",
    "pullrequest:fulfilled",
    "pullrequest:push",
    "pullrequest:rejected",
    "pullrequest:unapproved",
    "pullrequest:updated",
    "repo:commit_comment_created",
    "repo:push",
];

const MAX_SECRET: usize = 128;

pub(super) fn answer(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    call.allow(repo, Admin)?;
    match (call.method, route) {
        ("GET", []) => call.read(repo, Admin, |state, repo| {
            Ok(repo.hooks.iter().map(|hook| nouns::hook(state, repo, hook)).collect())
        }),
        ("POST", []) => {
            if call.body["url"].is_null() || call.body["events"].is_null() {
                return Err(Refusal::new(400, "url, events: required key not provided"));
            }
            let (created_at, updated_at) = (now(), now());
            let (url, secret, events) = (String::new(), None, vec![]);
            let mut hook =
                Hook { id: 0, url, secret, events, active: true, verify_tls: true, created_at, updated_at };
            edit(&mut hook, &call.body)?;
            let hook = call.forge.create_hook(repo, call.actor()?, hook)?;
            Ok((201, show(call, repo, hook.id)?.1))
        }
        ("GET", [uid]) => show(call, repo, id_of(call, repo, uid)?),
        ("PUT", [uid]) => {
            let id = id_of(call, repo, uid)?;
            let mut hook = call.forge.state().repository(repo)?.hook(id)?.clone();
            edit(&mut hook, &call.body)?;
            call.forge.edit_hook(repo, id, |known| *known = hook)?;
            show(call, repo, id)
        }
        ("DELETE", [uid]) => {
            call.forge.delete_hook(repo, id_of(call, repo, uid)?)?;
            Ok((204, Value::Null))
        }
        _ => call.unknown(),
    }
}

fn id_of(call: &Call<'_>, repo: &str, uid: &str) -> Result<u64, Refusal> {
    let state = call.forge.state();
    let mut hooks = state.repository(repo)?.hooks.iter();
    Ok(found(hooks.find(|hook| nouns::uuid(Kind::Hook, hook.id) == uid), "webhook", uid)?.id)
}

fn show(call: &Call<'_>, repo: &str, id: u64) -> Reply {
    call.read(repo, Admin, |state, repo| Ok(nouns::hook(state, repo, repo.hook(id)?)))
}

/// What the body names is replaced. A secret that is `null` or empty is removed, and one that is not named stays.
fn edit(hook: &mut Hook, body: &Value) -> Result<(), Refusal> {
    let bad = |message: &str| Refusal::new(400, message);
    if let Some(url) = body["url"].as_str() {
        Url::parse(url).map_err(|_| bad("url: Enter a valid URL."))?;
        url.clone_into(&mut hook.url);
    }
    if let Some(events) = body["events"].as_array() {
        let events: Vec<_> = events.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if events.is_empty() || !events.iter().all(|event| EVENTS.contains(&event.as_str())) {
            return Err(bad("events: not a valid value"));
        }
        hook.events = events;
    }
    if let Some(secret) = body.get("secret") {
        let secret = secret.as_str().unwrap_or_default();
        if secret.chars().count() > MAX_SECRET {
            return Err(bad("secret: Ensure this value has at most 128 characters."));
        }
        hook.secret = Some(secret.to_owned()).filter(|secret| !secret.is_empty());
    }
    hook.active = body["active"].as_bool().unwrap_or(hook.active);
    hook.verify_tls = body["skip_cert_verification"].as_bool().map_or(hook.verify_tls, |skip| !skip);
    Ok(())
}
