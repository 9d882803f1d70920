//! Where a comment is found on its host. Neither its text nor what it asks for travels: only the controller reads comments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CommentId, HostTime, Login};

/// Where a comment on a pull request is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommentPointer {
    /// A comment in the pull request's conversation, by its id: `9`.
    Comment(CommentId),
    /// The text of a review, by the review's id: `{"review": 9}`.
    Review {
        /// The review's id.
        review: CommentId,
    },
    /// The text of a review of which the delivery names only the author, as Gitea's do: the author's newest review that the
    /// pull request held when the delivery was made.
    LatestReview {
        /// Who wrote the review.
        reviewer: Login,
        /// When the pull request was last changed, as the delivery says. The review is not younger.
        shown_at: HostTime,
    },
}

/// What kind of comment an id belongs to. Hosts count comments and reviews separately.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[schemars(inline)]
pub enum CommentKind {
    /// A comment in the pull request's conversation.
    #[default]
    Comment,
    /// The text of a review.
    Review,
}

impl CommentKind {
    /// Whether it is a comment in the conversation, which is not written down.
    pub const fn is_comment(&self) -> bool {
        matches!(self, Self::Comment)
    }

    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Review => "review",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_pointer_is_read_as_it_was_written() {
        let by_author = CommentPointer::LatestReview {
            reviewer: "dora".parse().expect("a login"),
            shown_at: "2026-11-23T18:40:08Z".parse().expect("a time"),
        };
        for (pointer, written) in [
            (CommentPointer::Comment(CommentId(9)), json!(9)),
            (CommentPointer::Review { review: CommentId(9) }, json!({"review": 9})),
            (by_author, json!({"reviewer": "dora", "shown_at": "2026-11-23T18:40:08Z"})),
        ] {
            assert_eq!(serde_json::to_value(&pointer).expect("serialises"), written);
            assert_eq!(serde_json::from_value::<CommentPointer>(written).expect("a pointer"), pointer);
        }
        for wrong in [json!("9"), json!({"review": "x"}), json!({"reviewer": "dora"}), json!(null), json!(-1)]
        {
            assert!(serde_json::from_value::<CommentPointer>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
