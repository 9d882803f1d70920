//! A function as its callers see it: a line of invocations that its execution environments work off.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::spec::FunctionSpec;

/// How many invocations may wait for an execution environment; Lambda would throttle long before.
const MAX_WAITING: usize = 1000;

/// The largest request of an invocation, in bytes.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

pub(crate) struct Function {
    pub(crate) spec: FunctionSpec,
    /// Whether the next invocation is to take too long.
    pub(crate) time_out_next: AtomicBool,
    line: mpsc::Sender<Invocation>,
}

/// Where execution environments take invocations from.
pub(crate) type Line = Arc<Mutex<mpsc::Receiver<Invocation>>>;

/// One invocation that waits for its result.
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) payload: Bytes,
    pub(crate) result: oneshot::Sender<Result<Bytes, InvokeError>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InvokeError {
    /// The request is larger than [`MAX_PAYLOAD`].
    TooLarge,
    /// The function took longer than it may.
    TimedOut,
    /// The function reported an error, or its process ended.
    Failed(String),
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the request is too large"),
            Self::TimedOut => f.write_str("the invocation timed out"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl Function {
    pub(crate) fn new(spec: FunctionSpec) -> (Arc<Self>, Line) {
        let (line, waiting) = mpsc::channel(MAX_WAITING);
        (Arc::new(Self { spec, time_out_next: AtomicBool::new(false), line }), Arc::new(Mutex::new(waiting)))
    }

    /// Waits for an execution environment, and for the result.
    pub(crate) async fn invoke(&self, payload: &Value) -> Result<Bytes, InvokeError> {
        let payload = Bytes::from(payload.to_string());
        if payload.len() > MAX_PAYLOAD {
            return Err(InvokeError::TooLarge);
        }
        let gone = || InvokeError::Failed("the execution environment is gone".to_owned());
        let (result, answer) = oneshot::channel();
        let invocation = Invocation { id: request_id(), payload, result };
        self.line.send(invocation).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// An id in the shape of a UUID, new within this process.
pub(crate) fn request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:08x}-0000-4000-8000-{number:012x}", std::process::id())
}
