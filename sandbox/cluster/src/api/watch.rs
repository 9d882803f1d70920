//! Watches: the changes of a collection, one JSON line each.
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    failure::Failure,
    object,
    request::Request,
    store::{Change, State, Store},
};

/// How long a watch lasts that doesn't say.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

struct Watch {
    store: Arc<Store>,
    request: Request,
    version: watch::Receiver<u64>,
    /// Everything up to here was sent.
    sent: u64,
    lines: VecDeque<Bytes>,
    deadline: Instant,
    stop: CancellationToken,
    ended: bool,
}

/// Starts a watch. It ends at its timeout, with the server, or when `stop` is cancelled.
pub(crate) fn body(store: &Arc<Store>, request: Request, stop: CancellationToken) -> Result<Body, Failure> {
    let wanted = request.query.resource_version.as_str();
    let wanted: u64 = match wanted {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| Failure::bad_request(format!("invalid resource version {number:?}")))?,
    };
    let timeout = request.query.timeout_seconds.map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let version = store.subscribe();
    let mut watch = Watch {
        store: Arc::clone(store),
        request,
        version,
        sent: wanted,
        lines: VecDeque::new(),
        deadline: Instant::now() + timeout,
        stop,
        ended: false,
    };
    if wanted == 0 || watch.request.query.send_initial_events {
        watch.start_with_everything(&store.read());
    }
    let lines = stream::unfold(watch, |mut watch| async {
        let line = watch.next_line().await?;
        Some((Ok::<_, Infallible>(line), watch))
    });
    Ok(Body::from_stream(lines))
}

impl Watch {
    /// The objects as they are now, as if they were just added.
    fn start_with_everything(&mut self, state: &State) {
        let query = &self.request.query;
        let objects = state.list(self.request.resource, &self.request.namespace, &query.filter);
        self.lines.extend(objects.map(|(_, object)| line("ADDED", object)));
        self.sent = state.version();
        if query.send_initial_events {
            self.lines.push_back(self.bookmark(json!({"k8s.io/initial-events-end": "true"})));
        }
    }

    async fn next_line(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            self.version.mark_unchanged();
            self.read_changes();
            if !self.lines.is_empty() {
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                changed = self.version.changed() => changed.ok()?,
                () = tokio::time::sleep_until(self.deadline) => {
                    self.ended = true;
                    if self.request.query.bookmarks {
                        return Some(self.bookmark(Value::Null));
                    }
                }
            }
        }
    }

    fn read_changes(&mut self) {
        let store = Arc::clone(&self.store);
        let state = store.read();
        match state.changes_after(self.sent) {
            Ok(changes) => {
                let request = &self.request;
                self.lines.extend(changes.filter_map(|change| event(request, change)));
                self.sent = self.sent.max(state.version());
            }
            Err(expired) => {
                self.lines.push_back(line("ERROR", &expired.status()));
                self.ended = true;
            }
        }
    }

    fn bookmark(&self, annotations: Value) -> Bytes {
        let row = self.request.resource.row();
        let mut object = json!({
            "apiVersion": row.api_version(),
            "kind": row.kind,
            "metadata": {"resourceVersion": self.sent.to_string(), "creationTimestamp": null},
        });
        if row.status {
            object["spec"] = json!({});
        }
        if !annotations.is_null() {
            object["metadata"]["annotations"] = annotations;
        }
        line("BOOKMARK", &object)
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut line = json!({"type": kind, "object": object}).to_string();
    line.push('\n');
    line.into()
}

/// What a change is to a watch: an object that leaves the selection is deleted to it, one that enters is added.
fn event(request: &Request, change: &Change) -> Option<Bytes> {
    let in_scope = change.key.resource == request.resource
        && (request.namespace.is_empty() || change.key.namespace == request.namespace);
    if !in_scope {
        return None;
    }
    let filter = &request.query.filter;
    let before = change.before.as_ref().filter(|before| filter.matches(before));
    let now = !change.removed && filter.matches(&change.object);
    match (before, now) {
        (None, false) => None,
        (None, true) => Some(line("ADDED", &change.object)),
        (Some(_), true) => Some(line("MODIFIED", &change.object)),
        (Some(_), false) if change.removed => Some(line("DELETED", &change.object)),
        (Some(before), false) => {
            // As it was while it was selected, at the version of the change.
            let mut last = before.as_ref().clone();
            object::metadata_mut(&mut last)
                .insert("resourceVersion".to_owned(), change.version.to_string().into());
            Some(line("DELETED", &last))
        }
    }
}
