//! The cancellation of an `IntegrationJob`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comment::CommentReference;

/// A cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Cancel {
    /// Why.
    pub reason: CancelReason,
    /// Why, for people.
    #[schemars(length(max = 140))]
    pub message: String,
    /// The comment that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentReference>,
}

/// Why an `IntegrationJob` is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum CancelReason {
    /// A newer head of the same pull request, or a newer commit of the same branch, took its place.
    Superseded,
    /// The pull request is open no more.
    PullRequestClosed,
    /// The branch or tag was deleted before the run had a slot.
    RefDeleted,
    /// Somebody asked for it in a comment.
    Requested,
}

impl CancelReason {
    /// The name, as a status reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superseded => "Superseded",
            Self::PullRequestClosed => "PullRequestClosed",
            Self::RefDeleted => "RefDeleted",
            Self::Requested => "Requested",
        }
    }
}
