//! A comment that asked for something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_model::{CommentId, CommentKind, Login};

/// A comment on the pull request, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CommentReference {
    /// The comment's id on the host.
    pub id: CommentId,
    /// Whether it is a comment in the conversation or the text of a review.
    #[serde(default, skip_serializing_if = "CommentKind::is_comment")]
    pub kind: CommentKind,
    /// Who wrote it.
    pub author: Login,
}
