//! The HTTP server: faults, authentication and the log of calls around both dialects and Git.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tidegate_model::{Host, Permission, RepositoryPath};
use tidegate_sandbox_gate::Moment;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    ApiCall, Fault, Forge, Hook, Status, User, bitbucket,
    fault::inject,
    gitea, github, gitlab, smart_http,
    state::{Missing, Repository, State as Known, now},
};

/// More than any pack of a test.
const MAX_BODY: usize = 64 << 20;

/// A request to the REST API.
pub(crate) struct Call<'a> {
    pub forge: &'a Forge,
    pub method: &'a str,
    /// The API's root, as a path.
    pub root: &'a str,
    /// The path below the API's root, decoded.
    pub segments: Vec<&'a str>,
    pub query: &'a HashMap<String, String>,
    /// `null` if the request has no body.
    pub body: Value,
    pub viewer: Option<User>,
    /// Whether the viewer showed a name and a password.
    pub basic: bool,
}

/// A status code and a body; `null` means no body.
pub(crate) type Reply = Result<(u16, Value), Refusal>;

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: u16,
    pub message: String,
}

impl Refusal {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::new(if error.is::<Missing>() { 404 } else { 500 }, format!("{error:#}"))
    }
}

impl Call<'_> {
    /// The acting user; 401 without a token.
    pub fn actor(&self) -> Result<&User, Refusal> {
        self.viewer.as_ref().ok_or_else(|| Refusal::new(401, "Requires authentication"))
    }

    /// The repository's path, if the viewer may do that much in it. What one may not read does not exist.
    pub fn allow(&self, repo: &str, need: Permission) -> Result<RepositoryPath, Refusal> {
        let state = self.forge.state();
        let repo = state.repository(repo)?;
        let has = state.permission(repo, self.viewer.as_ref());
        if has < Permission::Read {
            return Err(Refusal::new(404, "Not Found"));
        }
        if need > Permission::Read {
            self.actor()?;
        }
        if has < need {
            return Err(Refusal::new(403, format!("Must have {need:?} rights to {}", repo.path)));
        }
        Ok(repo.path.clone())
    }

    /// 200 with what a look at the repository finds.
    pub fn read(
        &self,
        repo: &str,
        need: Permission,
        look: impl FnOnce(&Known, &Repository) -> Result<Value>,
    ) -> Reply {
        let repo = self.allow(repo, need)?;
        let state = self.forge.state();
        Ok((200, look(&state, state.repository(repo.as_str())?)?))
    }

    /// A text field of the body; 422 if it is missing.
    pub fn text(&self, field: &str) -> Result<&str, Refusal> {
        self.body[field].as_str().ok_or_else(|| Refusal::new(422, format!("[{field}]: Required")))
    }

    /// 403 unless the viewer wrote the comment or may write to the repository.
    pub fn allow_comment_edit(&self, repo: &str, id: u64) -> Result<(), Refusal> {
        let path = self.allow(repo, Permission::Read)?;
        let author = self.forge.state().repository(path.as_str())?.comment(id)?.author.clone();
        if *self.actor()? != author {
            self.allow(repo, Permission::Write)?;
        }
        Ok(())
    }

    /// The events that the body asks for, if it names any.
    pub fn events(&self) -> Option<Vec<String>> {
        let names = self.body["events"].as_array()?.iter().filter_map(Value::as_str);
        Some(names.map(str::to_owned).collect()).filter(|events: &Vec<_>| !events.is_empty())
    }

    /// The hook that the body describes. Both hosts can also send forms; Tidegate can't read them.
    pub fn hook(&self, active: bool) -> Result<Hook, Refusal> {
        let config = &self.body["config"];
        let url =
            config["url"].as_str().ok_or_else(|| Refusal::new(422, "[config.url]: Required"))?.to_owned();
        if config["content_type"] != "json" {
            return Err(Refusal::new(
                501,
                "the sandbox forge sends JSON only: config.content_type must be json",
            ));
        }
        let secret = config["secret"].as_str().map(str::to_owned);
        let events = self.events().unwrap_or_else(|| vec!["push".to_owned()]);
        let active = self.body["active"].as_bool().unwrap_or(active);
        let (verify_tls, created_at, updated_at) = (true, now(), now());
        Ok(Hook { id: 0, url, secret, events, active, verify_tls, created_at, updated_at })
    }

    /// The status that the body describes, stored by the viewer; the context defaults to `default`.
    pub async fn post_status(&self, repo: &RepositoryPath, sha: &str) -> Result<Status> {
        let sha = self.forge.inner.git.resolve(repo, sha, "commit").await?;
        let text = |field: &str| self.body[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let context = text("context").unwrap_or_else(|| "default".to_owned());
        let state = text("state").unwrap_or_default();
        let (description, target_url) = (text("description"), text("target_url"));
        let creator = self.viewer.clone().context("the viewer was checked")?;
        self.forge.change(|known| {
            let (id, created_at) = (known.next_id(), now());
            let (key, branch) = (None, None);
            let status =
                Status { id, sha, context, key, branch, state, description, target_url, creator, created_at };
            known.repository_mut(repo.as_str())?.statuses.push(status.clone());
            Ok(status)
        })
    }

    /// 501: a part of the host that nobody needed so far.
    pub fn unknown(&self) -> Reply {
        let route = format!("{} /{}", self.method, self.segments.join("/"));
        Err(Refusal::new(501, format!("the sandbox forge does not serve {route}")))
    }
}

/// A number in the path; 404 for any other text.
pub(crate) fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::new(404, "Not Found"))
}

/// Serves until the forge stops.
pub(crate) async fn serve(forge: Forge, listener: TcpListener) {
    let cancel = forge.inner.cancel.clone();
    let router = Router::new().route("/{*path}", axum::routing::any(handle)).with_state(forge);
    let server = axum::serve(listener, router).with_graceful_shutdown(cancel.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(%error, "the forge's server failed");
    }
}

/// Every request runs in a task of its own, so that a client that goes away leaves nothing half done.
async fn handle(
    State(forge): State<Forge>,
    Path(path): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
    request: Request,
) -> Response {
    let query = query(pairs);
    let (tasks, dialect) = (forge.inner.tasks.clone(), forge.inner.dialect);
    let gone = CancellationToken::new();
    let _client = gone.clone().drop_guard();
    let answer = tasks.spawn(async move {
        tokio::select! {
            answer = answer(&forge, &path, &query, request, &gone) => answer,
            () = forge.inner.cancel.cancelled() => Err(Refusal::new(503, "the forge stops")),
        }
    });
    match answer.await {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => json_response(refusal.status, &error_body(dialect, &refusal.message)),
        Err(error) => json_response(500, &error_body(dialect, &error.to_string())),
    }
}

/// The values of a list, such as `refs[]`, are joined by commas.
fn query(pairs: Vec<(String, String)>) -> HashMap<String, String> {
    let mut query = HashMap::<String, String>::new();
    for (name, value) in pairs {
        match query.get_mut(&name) {
            Some(known) => known.extend([",", &value]),
            None => drop(query.insert(name, value)),
        }
    }
    query
}

async fn answer(
    forge: &Forge,
    path: &str,
    query: &HashMap<String, String>,
    request: Request,
    gone: &CancellationToken,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.map_err(|error| Refusal::new(413, error.to_string()))?;
    let method = parts.method.as_str();
    let root = match forge.inner.dialect {
        Host::Github => github::API_ROOT,
        Host::Gitlab => gitlab::API_ROOT,
        Host::Gitea => gitea::API_ROOT,
        Host::Bitbucket => bitbucket::API_ROOT,
    };
    let route = path.strip_prefix(&root[1..]).and_then(|rest| rest.strip_prefix('/'));
    let viewer = authenticate(forge, &parts.headers, route);
    let authorization = parts.headers.get(header::AUTHORIZATION);
    let basic = authorization.is_some_and(|value| value.as_bytes().starts_with(b"Basic "));
    let who = viewer.as_ref().ok().and_then(|user| Some(user.as_ref()?.login.clone()));
    let (unavailable, fault) = forge.change(|state| (state.unavailable, state.take_fault(method, path)));
    let held = match &fault {
        Some(Fault::Held(gate, Moment::After)) => Some(gate.clone()),
        _ => None,
    };
    let reply = match (inject(forge.inner.dialect, unavailable, fault, gone).await, viewer, route) {
        (Some(fault), ..) => Ok(fault),
        (None, Err(refusal), _) => Err(refusal),
        (None, Ok(viewer), None) => smart_http::answer(forge, &parts, body, viewer).await,
        (None, Ok(viewer), Some(route)) => {
            let segments = route.split('/').collect();
            let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
            match body {
                Ok(body) => {
                    answer_api(&Call { forge, method, root, segments, query, body, viewer, basic }).await
                }
                Err(error) => Err(Refusal::new(400, format!("the body is no JSON: {error}"))),
            }
        }
    };
    if let Some(route) = route {
        let status = reply.as_ref().map_or_else(|refusal| refusal.status, |reply| reply.status().as_u16());
        let (method, path) = (method.to_owned(), route.to_owned());
        forge.change(|state| {
            state.calls.push(ApiCall { method, path, status, who });
        });
    }
    if let Some(gate) = held {
        gate.pass().await;
    }
    reply
}

/// The answer of the dialect; lists are cut into pages, as on both hosts, with a `Link` to the next one. Gitea also
/// counts what there is.
async fn answer_api(call: &Call<'_>) -> Result<Response, Refusal> {
    if let Some(location) = new_location(call) {
        let status = match call.forge.inner.dialect {
            Host::Github | Host::Gitlab | Host::Bitbucket => StatusCode::MOVED_PERMANENTLY,
            Host::Gitea => StatusCode::TEMPORARY_REDIRECT,
        };
        return Ok((status, [(header::LOCATION, location)]).into_response());
    }
    let (status, mut body) = match call.forge.inner.dialect {
        Host::Github => github::api::answer(call).await?,
        Host::Gitlab => gitlab::api::answer(call).await?,
        Host::Gitea => gitea::api::answer(call).await?,
        Host::Bitbucket => bitbucket::api::answer(call).await?,
    };
    let number = |name: &str| call.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let page = number("page").unwrap_or(1).max(1);
    let size = match call.forge.inner.dialect {
        Host::Github => number("per_page").unwrap_or(30).clamp(1, 100),
        Host::Gitlab => number("per_page").unwrap_or(20).clamp(1, 100),
        Host::Gitea => number("limit").unwrap_or(30).clamp(1, 50),
        // Its pages are objects, made already.
        Host::Bitbucket => usize::MAX,
    };
    let mut total = 0;
    if let Value::Array(items) = &mut body {
        total = items.len();
        *items = items.drain(..).skip((page - 1) * size).take(size).collect();
    }
    let mut response = json_response(status, &body);
    if body.is_array() && call.forge.inner.dialect == Host::Gitea {
        response.headers_mut().insert("x-total-count", total.into());
    }
    if body.is_array() && call.forge.inner.dialect == Host::Gitlab {
        let next = Some(page + 1).filter(|_| total > page.saturating_mul(size));
        let next = next.map(|page| page.to_string()).unwrap_or_default();
        response.headers_mut().insert("x-next-page", next.parse().map_err(anyhow::Error::from)?);
    }
    if total > page.saturating_mul(size) {
        let mut query: Vec<_> = call.query.iter().filter(|(name, _)| *name != "page").collect();
        let next = (page + 1).to_string();
        let page = "page".to_owned();
        query.push((&page, &next));
        let query: Vec<_> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let route = call.segments.join("/");
        let link = format!("<{}{}/{route}?{}>; rel=\"next\"", call.forge.url(), call.root, query.join("&"));
        response.headers_mut().insert(header::LINK, link.parse().map_err(anyhow::Error::from)?);
    }
    Ok(response)
}

/// Where the same is of a repository that was renamed.
fn new_location(call: &Call<'_>) -> Option<String> {
    if call.forge.inner.dialect == Host::Gitlab {
        let state = call.forge.state();
        let path = gitlab::api::new_location(call, &state)?;
        return Some(format!("{}{}/{path}", state.url, call.root));
    }
    let [kind @ ("repos" | "repositories"), owner, name, rest @ ..] = &call.segments[..] else {
        return None;
    };
    let state = call.forge.state();
    let new = state.renamed.get(&format!("{owner}/{name}").to_ascii_lowercase())?;
    let path = [&[new.as_str()], rest].concat().join("/");
    let query: Vec<_> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some(format!("{}{}/{kind}/{path}?{}", state.url, call.root, query.join("&")))
}

/// Who shows a token: `Bearer` or `token` in the API, the password for Git; Bitbucket has two kinds of tokens. 401 if nobody has
/// it.
fn authenticate(forge: &Forge, headers: &HeaderMap, route: Option<&str>) -> Result<Option<User>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let bad = || Refusal::new(401, "Bad credentials");
    let (scheme, credentials) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(bad)?;
    let (name, token) = if scheme.eq_ignore_ascii_case("basic") {
        let decoded = BASE64_STANDARD.decode(credentials).map_err(|_| bad())?;
        let decoded = String::from_utf8(decoded).map_err(|_| bad())?;
        let (name, password) = decoded.split_once(':').ok_or_else(bad)?;
        (Some(name.to_owned()), password.to_owned())
    } else {
        (None, credentials.to_owned())
    };
    let state = forge.state();
    let account = state.accounts.iter().find(|account| match forge.inner.dialect {
        Host::Github | Host::Gitlab | Host::Gitea => account.token == token,
        Host::Bitbucket => bitbucket::is_shown(account, scheme, name.as_deref(), &token, route.is_some()),
    });
    match (account, route) {
        (Some(account), _) => Ok(Some(account.user.clone())),
        // A GitHub App shows a JWT here. The forge holds no keys of Apps and takes any.
        (None, Some(route)) if route.starts_with("app/") && token.contains('.') => Ok(None),
        (None, _) => Err(bad()),
    }
}

/// An error in the host's shape.
pub(crate) fn error_body(dialect: Host, message: &str) -> Value {
    match dialect {
        Host::Github | Host::Gitlab | Host::Gitea => json!({ "message": message }),
        Host::Bitbucket => json!({ "type": "error", "error": { "message": message } }),
    }
}

pub(crate) fn json_response(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        if body.is_null() { Body::empty() } else { Body::from(body.to_string()) }.into_response();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // bitbucket.js needs a type, also of an empty answer, and parses an empty answer whose type is JSON.
    let kind = if body.is_null() { "text/html; charset=utf-8" } else { "application/json; charset=utf-8" };
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"forge\""));
    }
    response
}
