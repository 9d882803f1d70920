//! The Lambda Runtime API that one process of a function talks to.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use crate::{
    ACCOUNT, REGION,
    function::{Function, Invocation, InvokeError, Line},
    logs::Logs,
    server::{self, Answer},
};

type Outcome = Result<bytes::Bytes, InvokeError>;

/// What one process asked for and was given. It lives as long as the process.
pub(crate) struct RuntimeApi {
    function: Arc<Function>,
    line: Line,
    logs: Logs,
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    phase: watch::Sender<Phase>,
}

/// What the process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has not asked for work yet.
    Starting,
    /// It waits for an invocation.
    Idle,
    /// It has one, and must be done by then.
    Busy(Instant),
}

impl RuntimeApi {
    pub(crate) fn new(function: Arc<Function>, line: Line, logs: Logs) -> Self {
        Self { function, line, logs, current: Mutex::default(), phase: watch::Sender::new(Phase::Starting) }
    }

    /// Ends the current invocation, if there is one, because the process ended.
    pub(crate) fn abort(&self, error: InvokeError) {
        if let Some((_, result)) = self.take(|_| true) {
            // The caller may have stopped waiting.
            let _ = result.send(Err(error));
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Returns when an invocation has run for longer than it may.
    pub(crate) async fn overrun(&self) {
        let mut phases = self.phase.subscribe();
        loop {
            let phase = *phases.borrow_and_update();
            let deadline = async {
                match phase {
                    Phase::Busy(deadline) => tokio::time::sleep_until(deadline).await,
                    Phase::Starting | Phase::Idle => std::future::pending().await,
                }
            };
            tokio::select! {
                () = deadline => return,
                changed = phases.changed() => changed.expect("self holds the sender"),
            }
        }
    }

    /// Answers one request of the process.
    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        let segments: Vec<&str> = path.trim_start_matches("/2018-06-01/runtime/").split('/').collect();
        match (request.method(), segments.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => match server::body(request).await {
                Some(body) => self.end(id, Ok(body)),
                None => refused(StatusCode::BAD_REQUEST, "IncompleteBody"),
            },
            (&Method::POST, ["invocation", id, "error"]) => {
                let why = server::body(request).await.unwrap_or_default();
                self.end(id, Err(InvokeError::Failed(String::from_utf8_lossy(&why).into_owned())))
            }
            (&Method::POST, ["init", "error"]) => {
                let why = server::body(request).await.unwrap_or_default();
                let line = format!("init error: {}", String::from_utf8_lossy(&why));
                self.logs.push(&self.function.spec.name, line);
                server::json(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
            }
            _ => refused(StatusCode::NOT_FOUND, "NotFound"),
        }
    }

    async fn next(&self) -> Answer {
        // A runtime that asks again has given its last invocation up.
        self.abort(InvokeError::Failed("the runtime sent no response".to_owned()));
        self.phase.send_replace(Phase::Idle);
        let invocation = loop {
            let Some(invocation) = self.line.lock().await.recv().await else {
                return refused(StatusCode::INTERNAL_SERVER_ERROR, "Stopped");
            };
            if !invocation.result.is_closed() {
                break invocation;
            }
        };
        self.begin(invocation)
    }

    fn begin(&self, invocation: Invocation) -> Answer {
        let Invocation { id, payload, result } = invocation;
        let timeout = self.function.spec.timeout;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let trace = format!("Root=1-{:08x}-{};Sampled=0", now.as_secs(), &id.replace('-', "")[8..]);
        let answer = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &id)
            .header("lambda-runtime-deadline-ms", (now + timeout).as_millis().to_string())
            .header(
                "lambda-runtime-invoked-function-arn",
                format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.function.spec.name),
            )
            .header("lambda-runtime-trace-id", trace)
            .body(Full::new(payload))
            .expect("a function's name is a header value");
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, result));
        let is_over = self.function.time_out_next.swap(false, Ordering::Relaxed);
        let left = if is_over { Duration::ZERO } else { timeout };
        self.phase.send_replace(Phase::Busy(Instant::now() + left));
        answer
    }

    fn end(&self, id: &str, outcome: Outcome) -> Answer {
        let Some((_, result)) = self.take(|current| current == id) else {
            return refused(StatusCode::BAD_REQUEST, "InvalidRequestID");
        };
        self.phase.send_replace(Phase::Idle);
        // The caller may have stopped waiting.
        let _ = result.send(outcome);
        server::json(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
    }

    fn take(&self, which: impl Fn(&str) -> bool) -> Option<(String, oneshot::Sender<Outcome>)> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|(id, _)| which(id))
    }
}

fn refused(status: StatusCode, kind: &str) -> Answer {
    server::json(status, &json!({ "errorType": kind }))
}
