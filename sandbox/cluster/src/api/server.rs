//! The API over HTTP.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::{Body, to_bytes},
    extract::State as Extract,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use tidegate_sandbox_gate::{Gates, Moment};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    delete::{DeleteOptions, Deleted},
    discovery,
    failure::Failure,
    patch::Patch,
    refusal::Refusals,
    request::Request,
    served::Verb,
    store::Store,
    watch,
};

/// The API server's own limit of a request.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// The API of one cluster.
pub(crate) struct Server {
    store: Arc<Store>,
    stop: CancellationToken,
    /// Ends the open watches when the API becomes unavailable; `None` while it is.
    available: Mutex<Option<CancellationToken>>,
    /// Requests that are held: a verb and a resource, like `patch integrationjobs/status`.
    pub(crate) gates: Gates<String>,
    /// Requests that are refused.
    pub(crate) refusals: Refusals,
}

impl Server {
    pub(crate) fn new(store: Arc<Store>, stop: CancellationToken) -> Self {
        let available = Mutex::new(Some(stop.child_token()));
        Self { store, stop, available, gates: Gates::default(), refusals: Refusals::default() }
    }

    /// Answers until the token of `new` is cancelled and every request is done.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) -> std::io::Result<()> {
        let stop = self.stop.clone();
        let app = axum::Router::new().fallback(respond).with_state(self);
        axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
    }

    /// While unavailable every request is answered 503, and open watches end.
    pub(crate) fn set_unavailable(&self, unavailable: bool) {
        let mut available = self.available.lock().unwrap_or_else(PoisonError::into_inner);
        match (available.as_ref(), unavailable) {
            (Some(watches), true) => {
                watches.cancel();
                *available = None;
            }
            (None, false) => *available = Some(self.stop.child_token()),
            (Some(_), false) | (None, true) => {}
        }
    }

    async fn answer(&self, parts: Parts, body: Body) -> Result<Response, Failure> {
        let watches = self
            .available
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(Failure::unavailable)?;
        if parts.method == Method::GET {
            if matches!(parts.uri.path(), "/healthz" | "/readyz" | "/livez") {
                return Ok("ok".into_response());
            }
            if let Some(found) = discovery::answer(parts.uri.path()) {
                return Ok(respond_json(StatusCode::OK, &found));
            }
        }
        let request = Request::parse(&parts.method, &parts.uri)?;
        self.refusals.check(&request)?;
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
            Failure::new(
                413,
                "RequestEntityTooLarge",
                format!("Request entity too large: limit is {MAX_BODY}"),
            )
        })?;
        if request.verb == Verb::Watch {
            let stream = watch::body(&self.store, request, watches)?;
            return Ok(([(header::CONTENT_TYPE, "application/json")], stream).into_response());
        }
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let what = request.describe();
        self.gates.pass(&what, Moment::Before).await;
        let done = carry_out(&self.store, &request, content_type, &body);
        self.gates.pass(&what, Moment::After).await;
        let (code, object) = done?;
        Ok(respond_json(code, &object))
    }
}

async fn respond(Extract(server): Extract<Arc<Server>>, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    server.answer(parts, body).await.unwrap_or_else(|failure| {
        let code = StatusCode::from_u16(failure.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        respond_json(code, &failure.status())
    })
}

fn respond_json(code: StatusCode, value: &Value) -> Response {
    (code, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn parse(content_type: Option<&HeaderValue>, body: &[u8]) -> Result<Value, Failure> {
    let is_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    if !content_type.is_none_or(is_json) {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json";
        return Err(Failure::new(415, "UnsupportedMediaType", message));
    }
    serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("failed to read the body as JSON: {error}")))
}

fn carry_out(
    store: &Store,
    request: &Request,
    content_type: Option<&HeaderValue>,
    body: &[u8],
) -> Result<(StatusCode, Value), Failure> {
    let key = request.key();
    let row = request.resource.row();
    let list = |version: u64, items: Vec<Value>| {
        json!({
            "apiVersion": row.api_version(),
            "kind": format!("{}List", row.kind),
            "metadata": {"resourceVersion": version.to_string()},
            "items": items,
        })
    };
    let found = match request.verb {
        Verb::Get => store.read().find(&key)?.as_ref().clone(),
        Verb::List => {
            let (state, query) = (store.read(), &request.query);
            let objects = state.list(request.resource, &request.namespace, &query.filter);
            // Later pages show newer objects under the first one's version: a watch from there shows what has changed.
            let version = query.after.as_ref().map_or(state.version(), |(version, ..)| *version);
            let mut rest = objects.skip_while(|(key, _)| {
                let shown = query.after.as_ref().map(|(_, namespace, name)| (namespace, name));
                shown.is_some_and(|shown| (&key.namespace, &key.name) <= shown)
            });
            let page: Vec<_> = rest.by_ref().take(query.limit).collect();
            let mut found = list(version, page.iter().map(|(_, object)| object.as_ref().clone()).collect());
            if let (Some((last, _)), Some(_)) = (page.last(), rest.next()) {
                found["metadata"]["continue"] =
                    json!([version, last.namespace, last.name]).to_string().into();
            }
            found
        }
        Verb::Create => {
            let body = parse(content_type, body)?;
            let created = store.write(|state| state.create(request.resource, &request.namespace, body))?;
            return Ok((StatusCode::CREATED, created.as_ref().clone()));
        }
        Verb::Update => {
            let body = parse(content_type, body)?;
            if !row.unconditional_update
                && body["metadata"]["resourceVersion"].as_str().is_none_or(str::is_empty)
            {
                let cause = super::failure::Cause::invalid(
                    "metadata.resourceVersion",
                    "0x0: must be specified for an update",
                );
                return Err(Failure::invalid(request.resource, &key.name, &[cause]));
            }
            let updated = store.write(|state| state.update(&key, body, request.status))?;
            updated.as_ref().clone()
        }
        Verb::Patch => {
            let patch = Patch::parse(content_type, body)?;
            let patched = store.write(|state| state.patch(&key, &patch, request.status))?;
            patched.as_ref().clone()
        }
        Verb::Delete => {
            let options = DeleteOptions::parse(body)?;
            match store.write(|state| state.delete(&key, &options))? {
                Deleted::Terminating(object) => object.as_ref().clone(),
                Deleted::Gone(object) => json!({
                    "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success",
                    "details": {
                        "name": key.name, "group": row.group, "kind": row.plural, "uid": object["metadata"]["uid"],
                    },
                }),
            }
        }
        Verb::DeleteCollection => {
            DeleteOptions::parse(body)?;
            let (version, deleted) = store.write(|state| {
                let deleted =
                    state.delete_collection(request.resource, &request.namespace, &request.query.filter);
                (state.version(), deleted)
            });
            list(version, deleted?.iter().map(|object| object.as_ref().clone()).collect())
        }
        Verb::Watch => return Err(Failure::bad_request("a watch is a stream")),
    };
    Ok((StatusCode::OK, found))
}
