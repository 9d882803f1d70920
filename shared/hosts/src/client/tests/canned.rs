//! A server that gives each call a canned response, and records the requests.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
    response::IntoResponse,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

/// The server. It ends when it is dropped.
pub(super) struct Canned {
    pub(super) url: String,
    state: Arc<Mutex<Answers>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Answers {
    left: HashMap<String, VecDeque<Response<Body>>>,
    calls: Vec<Call>,
}

/// A call that came in.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// `METHOD /path?query`
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Call {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }
}

impl Canned {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        Self { url, state, _server: server }
    }

    /// Answers the next call of this line once. A call without an answer left gets none, ever.
    pub(super) fn on(&self, line: &str, answer: impl IntoResponse) -> &Self {
        let mut state = self.state.lock().expect("no panic in a handler");
        state.left.entry(line.to_owned()).or_default().push_back(answer.into_response());
        self
    }

    /// The calls until now.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.state.lock().expect("no panic in a handler").calls.clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.line).collect()
    }
}

async fn answer(State(state): State<Arc<Mutex<Answers>>>, request: Request) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().clone();
    let body = to_bytes(request.into_body(), 1 << 20).await.expect("a short body");
    let answer = {
        let mut state = state.lock().expect("no panic in a handler");
        let body = serde_json::from_slice(&body).unwrap_or_default();
        state.calls.push(Call { line: line.clone(), headers, body });
        state.left.get_mut(&line).and_then(VecDeque::pop_front)
    };
    match answer {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}
