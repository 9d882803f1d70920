//! What can go wrong with a call.

mod class;

use std::{error::Error, time::Duration};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;

pub use class::ErrorClass;

use super::egress::EgressError;

/// A call to a host that did not succeed. It never shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// 401: the credential is wrong, expired or revoked.
    #[error("the host refused the credential")]
    Unauthorized,
    /// 403: the credential lacks the right.
    #[error("the host forbade it: {message}")]
    Forbidden {
        /// What the host said, cut to 200 characters.
        message: String,
    },
    /// A status of a fork's head, which the host keeps in the fork, where the credential may not write.
    #[error(
        "the host keeps the statuses of a fork's head in the fork, where the credential may not set them"
    )]
    StatusInFork,
    /// 404: there is no such object, or the credential may not see it.
    #[error("the host knows no such object, or hides it from this credential")]
    NotFound,
    /// 429, or GitHub's 403 for a used up limit.
    #[error("the host's rate limit is used up")]
    RateLimited {
        /// How long the host wants to be left alone, if it said so.
        retry_after: Option<Duration>,
    },
    /// 5xx, no connection, or no answer in time.
    #[error("the host is unavailable")]
    Unavailable {
        /// How long the host wants to be left alone, if it said so.
        retry_after: Option<Duration>,
        /// What happened.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Any other answer that is no success, a redirect to elsewhere among them.
    #[error("the host rejected it with status {status}: {message}")]
    Rejected {
        /// The answer's status.
        status: StatusCode,
        /// What the host said, cut to 200 characters.
        message: String,
    },
    /// A success whose content could not be understood.
    #[error("failed to read the host's answer: {reason}")]
    Unreadable {
        /// What is wrong with it, cut to 200 characters.
        reason: String,
    },
    /// The operator's policy forbids calls to that address.
    #[error("the address may not be called")]
    Egress(#[from] EgressError),
    /// The GitHub App's private key is no RSA key in PEM format.
    #[error("the GitHub App's private key is no RSA key in PEM format")]
    PrivateKey,
    /// The host has no such call: its capabilities say so.
    #[error("the host offers no such thing")]
    Unsupported,
}

impl HostError {
    const MAX_MESSAGE: usize = 200;

    pub(crate) fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { retry_after: None, source: source.into() }
    }

    pub(crate) fn unreadable(reason: &impl ToString) -> Self {
        Self::Unreadable { reason: truncate(&reason.to_string()) }
    }

    /// What an answer that is no success means.
    ///
    /// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
    pub(crate) fn from_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let message = message(body);
        let retry_after = retry_after(headers);
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited { retry_after },
            StatusCode::FORBIDDEN if is_rate_limited(headers, &message) => Self::RateLimited { retry_after },
            StatusCode::FORBIDDEN => Self::Forbidden { message },
            _ if status.is_server_error() => {
                Self::Unavailable { retry_after, source: format!("status {status}: {message}").into() }
            }
            _ => Self::Rejected { status, message },
        }
    }

    /// How long the host wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Unauthorized
            | Self::Forbidden { .. }
            | Self::StatusInFork
            | Self::NotFound
            | Self::Rejected { .. }
            | Self::Unreadable { .. }
            | Self::Egress(_)
            | Self::PrivateKey
            | Self::Unsupported => None,
        }
    }

    /// One word for metrics.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::StatusInFork => "status_in_fork",
            Self::NotFound => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Rejected { .. } => "rejected",
            Self::Unreadable { .. } => "unreadable",
            Self::Egress(_) => "egress",
            Self::PrivateKey => "private_key",
            Self::Unsupported => "unsupported",
        }
    }

    /// One word for the reason of a condition.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden { .. } => "Forbidden",
            Self::StatusInFork => "StatusInFork",
            Self::NotFound => "NotFound",
            Self::RateLimited { .. } => "RateLimited",
            Self::Unavailable { .. } => "HostUnavailable",
            Self::Rejected { .. } => "Rejected",
            Self::Unreadable { .. } => "UnreadableAnswer",
            Self::Egress(_) => "AddressNotAllowed",
            Self::PrivateKey => "PrivateKeyInvalid",
            Self::Unsupported => "Unsupported",
        }
    }
}

fn truncate(text: &str) -> String {
    text.chars().take(HostError::MAX_MESSAGE).collect()
}

/// The host's own words: `message` and the messages of `errors`, Bitbucket's `error`, else the body as text.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Answer {
        message: String,
        #[serde(default)]
        errors: serde_json::Value,
    }
    let text = match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => answer
            .errors
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| error.get("message").unwrap_or(error).as_str())
            .fold(answer.message, |text, error| format!("{text}: {error}")),
        Err(_) => nested_message(body).unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
    };
    truncate(text.trim())
}

/// Bitbucket's words: the message, and the scopes that the credential would need.
fn nested_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        error: Nested,
    }
    #[derive(Deserialize)]
    struct Nested {
        message: String,
        #[serde(default)]
        detail: serde_json::Value,
    }
    let Answer { error: Nested { message, detail } } = serde_json::from_slice(body).ok()?;
    let required = detail.get("required").and_then(serde_json::Value::as_array);
    let scopes: Vec<&str> = required.into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    Some(if scopes.is_empty() { message } else { format!("{message} Required: {}", scopes.join(", ")) })
}

fn is_rate_limited(headers: &HeaderMap, message: &str) -> bool {
    headers.contains_key(RETRY_AFTER)
        || headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0")
        || message.to_ascii_lowercase().contains("rate limit")
}

/// A number of seconds that is less is no time of these years: Bitbucket shows how long it still takes.
const FIRST_TIME: u64 = 1_000_000_000;

/// `Retry-After` in seconds, else the time until a used up limit is reset.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") != Some(0) {
        return None;
    }
    let reset = number("x-ratelimit-reset")?;
    if reset < FIRST_TIME {
        return Some(Duration::from_secs(reset));
    }
    let reset = std::time::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
    Some(reset.duration_since(std::time::SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
