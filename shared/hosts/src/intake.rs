//! The edge: from a request's headers and raw bytes to events. First the proof, then the content.

use http::{HeaderMap, header::CONTENT_TYPE};
use secrecy::SecretString;
use tidegate_model::{DeliveryId, Event, Host, ParseError};

pub use crate::proof::VerifyError;
use crate::{hook::HookLabel, inbound::port, normalise::normalise};

/// **Verify.** Checks the proof of a delivery over its raw bytes, in constant time, against each of these secrets.
///
/// Which proof is asked for is said by the hook's path, never guessed from headers: Gitea sends GitHub's headers as well, and
/// the stronger of two proofs is worth nothing if the weaker one will do. Whatever is missing or malformed is an error; no
/// bytes make it panic.
pub fn verify<'a>(
    label: HookLabel,
    headers: &'a HeaderMap,
    body: &'a [u8],
    secrets: &[SecretString],
) -> Result<Verified<'a>, VerifyError> {
    label.proof().check(headers, body, secrets)?;
    Ok(Verified(Unverified::new(label.host(), headers, body)))
}

/// A delivery whose proof was checked. Only [`verify`] makes one.
#[derive(Debug)]
pub struct Verified<'a>(Unverified<'a>);

impl Verified<'_> {
    /// Reads the events out of the delivery.
    pub fn normalise(&self) -> Result<Delivery, NormaliseError> {
        self.0.normalise()
    }
}

/// A delivery that nobody vouches for: for looking at one by hand, never for acting on it.
pub struct Unverified<'a> {
    host: Host,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl std::fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers and body hold what logs must not.
        f.debug_struct("Unverified")
            .field("host", &self.host)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Unverified<'a> {
    /// A delivery as it came.
    pub fn new(host: Host, headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { host, headers, body }
    }

    /// Reads the events out of the delivery.
    pub fn normalise(&self) -> Result<Delivery, NormaliseError> {
        let port = port(self.host);
        let id = header(self.headers, port.delivery)?
            .parse()
            .map_err(|source| NormaliseError::DeliveryId { header: port.delivery, source })?;
        let kind = header(self.headers, port.kind)?;
        require_json(self.headers)?;
        Ok(Delivery { id, outcome: normalise((port.parse)(kind, self.body)?) })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, NormaliseError> {
    headers
        .get(name)
        .ok_or(NormaliseError::MissingHeader { header: name })?
        .to_str()
        .map_err(|_| NormaliseError::UnreadableHeader { header: name })
}

/// Hosts can be told to send forms. A delivery that doesn't say what it is, is taken for JSON.
fn require_json(headers: &HeaderMap) -> Result<(), NormaliseError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let value = value.to_str().unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(NormaliseError::ContentType { found: bounded(value) })
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(NormaliseError::MAX_REASON).collect()
}

/// A delivery that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The host's own id of it.
    pub id: DeliveryId,
    /// What it says.
    pub outcome: Outcome,
}

/// What a delivery says to Tidegate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// What happened that plugins may care about, in the host's order: at least one event, and all of one kind.
    Events(Vec<Event>),
    /// Nothing that concerns any plugin.
    Ignored(Ignored),
}

/// Why a delivery is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// The host only tries the hook.
    Ping,
    /// No plugin uses events of this kind.
    UnusedKind,
    /// The action changes nothing that is tested: a label, a title, a draft mark.
    UnusedAction,
    /// The comment is on an issue, not on a pull request.
    PlainIssue,
    /// The comment was deleted.
    DeletedComment,
    /// A program wrote the comment. Answering programs could go on forever.
    BotComment,
    /// The ref that was pushed is neither a branch nor a tag.
    OtherRef,
}

impl Ignored {
    /// The reason in a few fixed words, for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::UnusedKind => "unused event kind",
            Self::UnusedAction => "unused action",
            Self::PlainIssue => "comment on a plain issue",
            Self::DeletedComment => "deleted comment",
            Self::BotComment => "comment by a bot",
            Self::OtherRef => "neither branch nor tag",
        }
    }
}

/// Why a delivery can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormaliseError {
    /// A header that says what the delivery is, is missing.
    #[error("failed to read the delivery: header {header} is missing")]
    MissingHeader {
        /// Its name.
        header: &'static str,
    },
    /// A header holds more than visible ASCII characters.
    #[error("failed to read the delivery: header {header} is not visible ASCII")]
    UnreadableHeader {
        /// Its name.
        header: &'static str,
    },
    /// The delivery's id is none.
    #[error("failed to read the delivery: header {header} holds no delivery id")]
    DeliveryId {
        /// The header's name.
        header: &'static str,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The body is no JSON.
    #[error(
        "failed to read the delivery: content type {found:?} is not application/json; set the hook's content_type to json"
    )]
    ContentType {
        /// What it says it is, cut to 200 characters.
        found: String,
    },
    /// A field of the body is missing or wrong.
    #[error("failed to read the delivery: body field {field}: {reason}")]
    Body {
        /// The path of the field, or of the object that lacks one; `.` is the whole body.
        field: String,
        /// What is wrong with it, cut to 200 characters: the value may be as long as the body.
        reason: String,
    },
}

impl NormaliseError {
    const MAX_REASON: usize = 200;

    pub(crate) fn body(field: &str, error: &serde_json::Error) -> Self {
        // A body that ends too early ends in a field without a name, "?".
        let field = if field == "?" { "." } else { field };
        Self::Body { field: bounded(field), reason: bounded(&error.to_string()) }
    }
}

#[cfg(test)]
mod tests;
