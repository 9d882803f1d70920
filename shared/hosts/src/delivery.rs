//! A delivery that was read, or why it can't be.

use tidegate_model::{DeliveryId, Event, ParseError};

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
    /// A program wrote the comment. Two programs that answer each other would never stop.
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
    /// The delivery's id is malformed.
    #[error("failed to read the delivery: header {header} holds no delivery id")]
    DeliveryId {
        /// The header's name.
        header: &'static str,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The delivery is proven, and was signed at another time than now. Either it was kept and sent again, by whoever could read
    /// it, or a clock is wrong.
    #[error(
        "failed to read the delivery: it was signed {off_s} seconds away from now, 300 are allowed; check both clocks"
    )]
    Clock {
        /// How many seconds before or after.
        off_s: u64,
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

    pub(crate) fn missing(field: &str) -> Self {
        Self::Body { field: field.to_owned(), reason: "it is missing, or not what it should be".to_owned() }
    }

    pub(crate) fn body(field: &str, error: &serde_json::Error) -> Self {
        // A body that ends too early ends in a field without a name, "?".
        let field = if field == "?" { "." } else { field };
        Self::Body { field: bounded(field), reason: bounded(&error.to_string()) }
    }
}

/// A text from outside, cut to what an error may hold.
pub(crate) fn bounded(text: &str) -> String {
    text.chars().take(NormaliseError::MAX_REASON).collect()
}
