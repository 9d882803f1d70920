//! Bitbucket Cloud's dialect, beside what its documentation and recorded deliveries say.

mod commits;
mod deliveries;
mod hooks;
mod lists;
mod openapi;
mod people;
mod pull_requests;
mod statuses;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_model::Host;

use crate::{
    sink::{SECRET, Sink},
    world::World,
};

/// The route of [`crate::world::REPO`].
const ROUTE: &str = "repositories/acme/shop";

const EVENTS: [&str; 9] = [
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
    "pullrequest:comment_created",
    "pullrequest:comment_updated",
    "pullrequest:comment_deleted",
    "repo:commit_comment_created",
    "repo:push",
];

async fn world() -> Result<World> {
    World::new(Host::Bitbucket, false).await
}

/// Creates a hook for all events, and returns its UUID.
async fn hook(world: &World, sink: &Sink) -> Result<String> {
    let body = json!({
        "description": "CI", "url": sink.url, "active": true, "events": EVENTS, "secret": SECRET,
    });
    let (status, hook) = world.call(Method::POST, &world.acme, &format!("{ROUTE}/hooks"), body).await?;
    ensure!(status == 201, "{status} {hook}");
    Ok(hook["uuid"].as_str().context("a hook has a UUID")?.to_owned())
}

/// Asks as a person with an API token.
async fn ask_as(world: &World, login: &str, path: &str) -> Result<(u16, Value)> {
    let (email, token) = world.forge.api_token(login)?;
    let url = format!("{}/{path}", world.forge.api_url());
    let response = world.client.get(url).basic_auth(email, Some(token)).send().await?;
    Ok((response.status().as_u16(), response.json().await?))
}

fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}
