//! What goes wrong on order.

use std::time::Duration;

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use tidegate_model::Host;
use tidegate_sandbox_gate::{Gate, Moment};
use tokio_util::sync::CancellationToken;

use crate::{
    bitbucket,
    server::{error_body, json_response},
    state::State,
};

/// Something that goes wrong on purpose.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An error with this status code.
    Status(u16),
    /// Too many requests, in the host's way of saying it.
    RateLimited {
        /// When the client may come back.
        retry_after: Duration,
    },
    /// A right answer that is late.
    Slow(Duration),
    /// 200 with a page of HTML.
    Nonsense,
    /// A right answer, once the gate is open.
    Held(Gate, Moment),
}

#[derive(Debug)]
pub(crate) struct FaultRule {
    pub left: usize,
    pub method: Option<String>,
    pub path: String,
    pub fault: Fault,
}

impl State {
    /// The fault that this request meets, if any.
    pub fn take_fault(&mut self, method: &str, path: &str) -> Option<Fault> {
        let rule = self.faults.iter_mut().find(|rule| {
            rule.left > 0 && path.contains(&rule.path) && rule.method.as_deref().is_none_or(|m| m == method)
        })?;
        rule.left -= 1;
        Some(rule.fault.clone())
    }
}

/// Lets the request meet its fault. A late answer is a right one, hence `None`.
///
/// A request that is held before its effect has none once its client is `gone`.
pub(crate) async fn inject(
    dialect: Host,
    unavailable: bool,
    fault: Option<Fault>,
    gone: &CancellationToken,
) -> Option<Response> {
    if unavailable {
        return Some(json_response(503, &error_body(dialect, "the forge is down for a while")));
    }
    match fault? {
        Fault::Status(status) => Some(json_response(status, &error_body(dialect, "as the test ordered"))),
        Fault::RateLimited { retry_after } => {
            let status = match dialect {
                Host::Github => 403,
                Host::Gitlab | Host::Gitea => 429,
                Host::Bitbucket => return Some(bitbucket::rate_limited(retry_after)),
            };
            let body = error_body(dialect, "You have exceeded a secondary rate limit.");
            let mut response = json_response(status, &body);
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().into());
            Some(response)
        }
        Fault::Slow(delay) => {
            tokio::time::sleep(delay).await;
            None
        }
        Fault::Held(gate, Moment::Before) => {
            let is_gone = gone.run_until_cancelled(gate.pass()).await.is_none();
            is_gone.then(|| json_response(499, &error_body(dialect, "the client is gone")))
        }
        Fault::Held(_, Moment::After) => None,
        Fault::Nonsense => {
            let page = "<html><body>Please log in to the hotel's network</body></html>";
            Some(([(header::CONTENT_TYPE, "text/html")], page).into_response())
        }
    }
}
