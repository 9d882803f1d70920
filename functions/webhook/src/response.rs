//! The response to a host's delivery.

use lambda_http::{
    Body, Response,
    http::{HeaderValue, StatusCode, header},
};
use serde_json::{Value, json};
use tidegate_hosts::{
    capabilities,
    hook::HookPathError,
    intake::{Ignored, NormaliseError, VerifyError},
};
use tidegate_keys::KeysError;
use tidegate_model::{DeliveryId, EventKind, Host};
use tidegate_telemetry::chain;

use crate::routes::SendError;

/// A delivery that is accepted, for us and for the host.
#[derive(Debug)]
pub enum Accepted<'a> {
    /// Every plugin has the events that it wants.
    Sent {
        /// The delivery's id.
        delivery: DeliveryId,
        /// The kind of its events.
        event: Option<EventKind>,
        /// The plugins' names.
        plugins: Vec<&'a str>,
    },
    /// Tidegate doesn't use it. The host gets a success, because some hosts disable hooks that fail.
    Ignored {
        /// The delivery's id.
        delivery: DeliveryId,
        /// Why.
        reason: Ignored,
    },
    /// It holds events, but no plugin wants them.
    Unwanted {
        /// The delivery's id.
        delivery: DeliveryId,
        /// The kind of its events.
        event: Option<EventKind>,
    },
}

/// A delivery that is not passed on.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// It did not come through the firewall.
    #[error("failed to take the delivery: expected the public address, not the API's own")]
    Origin,
    /// It came to an address that is no hook's.
    #[error(transparent)]
    Path(#[from] HookPathError),
    /// It came to the GitHub App's route, but there is no App.
    #[error("failed to find the GitHub App's webhook secret")]
    NoApp,
    /// It is no POST.
    #[error("failed to read the delivery: expected a POST request")]
    Method,
    /// Its body is too large.
    #[error("failed to read the delivery: the body has {bytes} bytes, {limit} are allowed")]
    TooLarge {
        /// The body's size.
        bytes: usize,
        /// The largest size that is taken.
        limit: usize,
    },
    /// Its signature is not that of its hook.
    #[error(transparent)]
    Signature(#[from] VerifyError),
    /// It is signed, but not understood.
    #[error(transparent)]
    Unreadable(NormaliseError),
    /// The same, from a host that disables a hook whose deliveries fail.
    #[error(transparent)]
    UnreadableFromStrictHost(NormaliseError),
    /// There are no keys to check its signature with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The keys could not be read in time.
    #[error("failed to read the master keys in time")]
    KeysLate,
    /// A queue did not accept an event.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Accepted<'_> {
    /// The outcome in one word, for logs.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Ignored { .. } => "ignored",
            Self::Unwanted { .. } => "unwanted",
        }
    }

    fn response(&self) -> Response<Body> {
        match self {
            Self::Sent { delivery, event, plugins } => {
                let body = json!({ "delivery": delivery, "event": event, "sent": plugins });
                json_response(StatusCode::ACCEPTED, &body)
            }
            Self::Ignored { delivery, reason } => {
                let body = json!({ "delivery": delivery, "ignored": reason.as_str() });
                json_response(StatusCode::OK, &body)
            }
            Self::Unwanted { delivery, event } => {
                let body = json!({ "delivery": delivery, "event": event, "ignored": "no plugin wants it" });
                json_response(StatusCode::OK, &body)
            }
        }
    }
}

impl Rejection {
    /// A signed delivery of this host that is not understood.
    pub fn unreadable(error: NormaliseError, host: Host) -> Self {
        if capabilities(host).disables_failing_hooks {
            Self::UnreadableFromStrictHost(error)
        } else {
            Self::Unreadable(error)
        }
    }

    /// The outcome in one word, for logs.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Origin => "wrong_origin",
            Self::Path(_) | Self::NoApp => "unknown_path",
            Self::Method => "wrong_method",
            Self::TooLarge { .. } => "too_large",
            Self::Signature(_) => "bad_signature",
            Self::Unreadable(NormaliseError::Clock { .. })
            | Self::UnreadableFromStrictHost(NormaliseError::Clock { .. }) => "clock",
            Self::Unreadable(_) | Self::UnreadableFromStrictHost(_) => "unreadable",
            Self::Keys(_) | Self::KeysLate => "no_keys",
            Self::Send(_) => "not_sent",
        }
    }

    fn response(&self) -> Response<Body> {
        let status = match self {
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Path(_) | Self::NoApp => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Signature(_) => StatusCode::UNAUTHORIZED,
            // It is proven, and the same answer would follow if it came again. A failure would help to disable the hook.
            Self::UnreadableFromStrictHost(_) => StatusCode::OK,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            // What is broken on our side is for our logs.
            Self::Keys(_) | Self::KeysLate | Self::Send(_) => {
                let body = json!({ "error": "temporarily unavailable, deliver again" });
                return json_response(StatusCode::SERVICE_UNAVAILABLE, &body);
            }
        };
        json_response(status, &json!({ "error": chain(self).to_string() }))
    }
}

/// The response to a delivery.
pub fn of(answer: &Result<Accepted<'_>, Rejection>) -> Response<Body> {
    match answer {
        Ok(accepted) => accepted.response(),
        Err(rejection) => rejection.response(),
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
