//! Webhooks of a project.
//!
//! <https://docs.gitlab.com/api/project_webhooks/>

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Url;
use serde_json::Value;
use tidegate_model::Permission::Admin;

use crate::{
    Hook,
    gitlab::{SIGNING_TOKEN, nouns},
    server::{Call, Refusal, Reply, number},
    state::now,
};

/// The events that a hook can be asked for. The first is on by default.
const EVENTS: [&str; 4] = ["push_events", "tag_push_events", "merge_requests_events", "note_events"];

pub(super) fn answer(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    call.allow(repo, Admin)?;
    match (call.method, route) {
        ("GET", []) => call.read(repo, Admin, |state, repo| {
            Ok(repo.hooks.iter().map(|hook| nouns::hook(state, repo, hook)).collect())
        }),
        ("POST", []) => {
            let (created_at, updated_at) = (now(), now());
            let (url, secret, events) = (String::new(), None, vec![EVENTS[0].to_owned()]);
            let mut hook =
                Hook { id: 0, url, secret, events, active: true, verify_tls: true, created_at, updated_at };
            edit(call, &mut hook)?;
            let hook = call.forge.create_hook(repo, call.actor()?, hook)?;
            Ok((201, show(call, repo, hook.id)?.1))
        }
        ("GET", [id]) => show(call, repo, number(id)?),
        ("PUT", [id]) => {
            let id = number(id)?;
            let mut hook = call.forge.state().repository(repo)?.hook(id)?.clone();
            edit(call, &mut hook)?;
            call.forge.edit_hook(repo, id, |known| *known = hook)?;
            show(call, repo, id)
        }
        ("DELETE", [id]) => {
            call.forge.delete_hook(repo, number(id)?)?;
            Ok((204, Value::Null))
        }
        _ => call.unknown(),
    }
}

fn show(call: &Call<'_>, repo: &str, id: u64) -> Reply {
    call.read(repo, Admin, |state, repo| Ok(nouns::hook(state, repo, repo.hook(id)?)))
}

/// What the body names is replaced. A GitLab without signing tokens ignores them, as every parameter that it doesn't know. No
/// edit enables a disabled hook.
fn edit(call: &Call<'_>, hook: &mut Hook) -> Result<(), Refusal> {
    let bad = |message: &str| Refusal::new(422, message);
    let body = &call.body;
    let url = body["url"].as_str().unwrap_or(&hook.url);
    Url::parse(url).map_err(|_| bad("Invalid url given"))?;
    hook.url = url.to_owned();
    for event in EVENTS {
        match body[event] {
            Value::Bool(true) if !hook.events.iter().any(|known| known == event) => {
                hook.events.push(event.to_owned());
            }
            Value::Bool(false) => hook.events.retain(|known| known != event),
            _ => (),
        }
    }
    hook.verify_tls = body["enable_ssl_verification"].as_bool().unwrap_or(hook.verify_tls);
    if let Some(token) = body["token"].as_str() {
        hook.secret = Some(token.to_owned()).filter(|token| !token.is_empty());
    }
    if let Some(token) = body["signing_token"].as_str().filter(|_| call.forge.state().has_signing_tokens) {
        let key = token.strip_prefix(SIGNING_TOKEN).and_then(|key| BASE64_STANDARD.decode(key).ok());
        if key.is_none_or(|key| key.len() != 32) {
            return Err(bad("Signing token must be whsec_ followed by a Base64-encoded 32-byte key"));
        }
        hook.secret = Some(token.to_owned());
    }
    Ok(())
}
