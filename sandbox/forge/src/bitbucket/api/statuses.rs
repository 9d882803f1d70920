//! Build statuses of commits.

use reqwest::Url;
use serde_json::Value;
use tidegate_model::{
    CommitSha,
    Permission::{Read, Write},
};

use crate::{
    Status,
    bitbucket::nouns,
    server::{Call, Refusal, Reply},
    state::{Repository, State, now},
};

const MAX_KEY: usize = 40;

pub(super) async fn answer(call: &Call<'_>, repo: &str, sha: &str, route: &[&str]) -> Reply {
    match (call.method, route) {
        ("GET", []) => {
            let path = call.allow(repo, Read)?;
            let sha = call.forge.inner.git.resolve(&path, sha, "commit").await?;
            call.read(repo, Read, |state, repo| {
                let mut keys: Vec<&Status> = Vec::new();
                for status in repo.statuses_of(&sha) {
                    if keys.iter().all(|known| known.key != status.key) {
                        keys.push(status);
                    }
                }
                Ok(keys.into_iter().map(|status| show(state, repo, &sha, status)).collect())
            })
        }
        ("POST", ["build"]) => post(call, repo, sha).await,
        _ => call.unknown(),
    }
}

/// As many statuses as were posted under one key are one.
fn show(state: &State, repo: &Repository, sha: &CommitSha, last: &Status) -> Value {
    let first = repo.statuses_of(sha).filter(|status| status.key == last.key).last();
    nouns::status(state, repo, first.unwrap_or(last), last)
}

/// The refusals are as in <https://github.com/SHyx0rmZ/bitbucket-build-status-resource/issues/11> and
/// <https://github.com/runatlantis/atlantis/issues/710>.
async fn post(call: &Call<'_>, repo: &str, sha: &str) -> Reply {
    let path = call.allow(repo, Write)?;
    let sha = call.forge.inner.git.resolve(&path, sha, "commit").await?;
    let optional = |field: &str| call.body[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let text = |field: &str| {
        optional(field).ok_or_else(|| Refusal::new(400, format!("{field}: This field is required.")))
    };
    let (key, state, url) = (text("key")?, text("state")?, text("url")?);
    let length = key.chars().count();
    if length > MAX_KEY {
        let message = format!("key: Ensure this value has at most {MAX_KEY} characters (it has {length}).");
        return Err(Refusal::new(400, message));
    }
    if !["FAILED", "INPROGRESS", "STOPPED", "SUCCESSFUL"].contains(&state.as_str()) {
        return Err(Refusal::new(400, format!("state: {state} is not one of the available choices.")));
    }
    if !is_public(&url) {
        return Err(Refusal::new(400, "url: Enter a valid URL."));
    }
    let creator = call.actor()?.clone();
    let (context, branch) = (optional("name").unwrap_or_else(|| key.clone()), optional("refname"));
    let (description, key, target_url) = (optional("description"), Some(key), Some(url));
    let status = call.forge.change(|known| {
        let (id, created_at, sha) = (known.next_id(), now(), sha.clone());
        let status =
            Status { id, sha, context, key, branch, state, description, target_url, creator, created_at };
        known.repository_mut(path.as_str())?.statuses.push(status.clone());
        anyhow::Ok(status)
    })?;
    Ok((201, call.read(repo, Read, |state, repo| Ok(show(state, repo, &sha, &status)))?.1))
}

/// Bitbucket refuses the URL of a host without a dot in its name.
fn is_public(url: &str) -> bool {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.is_some_and(|url| url.host_str().is_some_and(|host| host.contains('.') || host == "localhost"))
}
