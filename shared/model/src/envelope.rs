//! What every queue message looks like around its event or command.

use serde::{Deserialize, Serialize};

use crate::{ConfigRef, DeliveryId, Host, ParseError, SaltId, TraceParent};

/// A queue message: where its body came from, and the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// The version of this layout.
    pub v: Version,
    /// The webhook request that started it.
    pub delivery: DeliveryId,
    /// The kind of host it came from.
    pub host: Host,
    /// The hook it came in by.
    pub source: Source,
    /// The salt of the config's hook that it was signed under. A plugin passes it on; without it the event proves no push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<SaltId>,
    /// When the webhook function accepted it, in milliseconds since 1970-01-01T00:00:00Z.
    pub received_at_ms: u64,
    /// The W3C trace context it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
    /// The event or command.
    pub body: T,
}

impl<T> Envelope<T> {
    /// The same envelope around another body: what a plugin does.
    pub fn with_body<U>(&self, body: U) -> Envelope<U> {
        Envelope {
            v: self.v,
            delivery: self.delivery.clone(),
            host: self.host,
            source: self.source.clone(),
            salt: self.salt.clone(),
            received_at_ms: self.received_at_ms,
            traceparent: self.traceparent.clone(),
            body,
        }
    }
}

/// The hook that a delivery came in by, proven by its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// The hook of one config.
    Config(ConfigRef),
    /// The one route of a GitHub App: it concerns every config of that host and repository.
    App,
}

/// The layout of an [`Envelope`]. A message of another version is refused, never guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Version;

impl TryFrom<u8> for Version {
    type Error = ParseError;

    fn try_from(v: u8) -> Result<Self, ParseError> {
        if v == 1 { Ok(Self) } else { Err(ParseError::new("envelope version", &v.to_string(), "expected 1")) }
    }
}

impl From<Version> for u8 {
    fn from(_: Version) -> Self {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Intention, PullRequestNumber};

    #[test]
    fn a_command_envelope_round_trips_and_another_version_is_refused() {
        let envelope = Envelope {
            v: Version,
            delivery: "d-1".parse().expect("delivery id"),
            host: Host::Gitea,
            source: Source::Config(ConfigRef {
                namespace: "ci".parse().expect("namespace"),
                name: "shop".parse().expect("name"),
            }),
            salt: Some("0123456789abcdef".parse().expect("salt id")),
            received_at_ms: 7,
            traceparent: None,
            body: Command {
                repository: "acme/shop".parse().expect("repository"),
                intention: Intention::Cancel { pull_request: PullRequestNumber(3) },
            },
        };
        let text = serde_json::to_string(&envelope).expect("serialises");
        assert_eq!(serde_json::from_str::<Envelope<Command>>(&text).expect("parses"), envelope);
        let older = text.replace(",\"salt\":\"0123456789abcdef\"", "");
        let older = serde_json::from_str::<Envelope<Command>>(&older).expect("an older function's parses");
        assert_eq!(older, Envelope { salt: None, ..envelope });
        let other = text.replace("\"v\":1", "\"v\":2");
        let error = serde_json::from_str::<Envelope<Command>>(&other).expect_err("version 2");
        assert!(error.to_string().contains("envelope version \"2\" is invalid"), "{error}");
    }
}
