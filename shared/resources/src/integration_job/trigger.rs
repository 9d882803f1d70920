//! Why an `IntegrationJob` was made.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::comment::CommentReference;

/// Why an `IntegrationJob` was made: a union, tagged by `type`. Each type has its own fields and its own validation rules, so
/// that another type loosens none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Trigger {
    /// A pull request was opened or its head moved.
    PullRequest,
    /// A branch or tag was pushed.
    Push,
    /// Somebody asked for it in a comment.
    Comment {
        /// The comment.
        comment: CommentReference,
    },
    /// Somebody asked for jobs of a push's run again: by `tidegate retest`, or in a comment on the commit.
    Manual {
        /// What was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retest: Option<Retested>,
    },
}

/// Which run's jobs run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Retested {
    /// The run.
    #[schemars(length(min = 1, max = 63))]
    pub run: String,
    /// The id of the request.
    #[schemars(length(min = 1, max = 128))]
    pub request: String,
}

impl Trigger {
    /// The type's name, for labels and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::PullRequest => "PullRequest",
            Self::Push => "Push",
            Self::Comment { .. } => "Comment",
            Self::Manual { .. } => "Manual",
        }
    }

    /// The comment that asked for the run.
    pub const fn comment(&self) -> Option<&CommentReference> {
        match self {
            Self::Comment { comment } => Some(comment),
            Self::PullRequest | Self::Push | Self::Manual { .. } => None,
        }
    }
}

/// By hand: Kubernetes wants the fields of all types side by side, and rules instead of `oneOf`.
impl JsonSchema for Trigger {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Trigger".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let comment = generator.subschema_for::<CommentReference>();
        let retest = generator.subschema_for::<Retested>();
        json_schema!({
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": {
                    "description": "PullRequest: it was opened or its head moved. Push: a branch or tag was pushed. Comment: somebody asked for it in a comment. Manual: somebody asked for jobs of a push's run again.",
                    "type": "string",
                    "enum": ["PullRequest", "Push", "Comment", "Manual"],
                },
                "comment": comment,
                "retest": retest,
            },
            "x-kubernetes-validations": [
                {"rule": "(self.type == 'Comment') == has(self.comment)", "message": "a Comment trigger, and no other, has a comment"},
                {"rule": "self.type == 'Manual' || !has(self.retest)", "message": "only a Manual trigger has retest"},
            ],
        })
    }
}
