//! What happened, before a dialect puts it into words.

use serde_json::Value;
use tidegate_model::CommitSha;

use crate::{Comment, git::Commit};

/// Something that hooks may want to know.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// This hook was created.
    Ping(u64),
    /// One push created, moved or deleted these branches and tags.
    Push(&'a [RefChange]),
    /// A pull request changed.
    PullRequest(u64, PullRequestChange<'a>),
    /// A comment was written, or edited from another text.
    Comment { id: u64, edited_from: Option<&'a str> },
    /// This comment was deleted.
    CommentDeleted(&'a Comment),
    /// A comment on a commit was written.
    CommitComment(u64),
    /// A review was submitted.
    Review(u64),
}

/// What changed on a pull request. The state of a closed one contains whether it was merged.
#[derive(Debug)]
pub(crate) enum PullRequestChange<'a> {
    Opened,
    Closed,
    Reopened,
    HeadMoved { before: &'a CommitSha },
    BaseChanged { from: &'a str, from_sha: &'a CommitSha },
    TitleChanged { from: &'a str },
}

/// One changed reference.
#[derive(Debug)]
pub(crate) struct RefChange {
    /// `refs/heads/…` or `refs/tags/…`
    pub name: String,
    pub before: Option<CommitSha>,
    pub after: Option<CommitSha>,
    /// Whether the old commit is not an ancestor of the new one.
    pub forced: bool,
    /// The commits that came with it, newest first; none for a tag.
    pub commits: Vec<Commit>,
    /// The commit it points to now, also through an annotated tag.
    pub head: Option<Commit>,
    /// The commit it pointed to before.
    pub old_head: Option<Commit>,
}

impl RefChange {
    /// What stands for "no commit" in payloads.
    pub const ZERO: &'static str = "0000000000000000000000000000000000000000";

    pub fn before(&self) -> &str {
        self.before.as_ref().map_or(Self::ZERO, CommitSha::as_str)
    }

    pub fn after(&self) -> &str {
        self.after.as_ref().map_or(Self::ZERO, CommitSha::as_str)
    }

    /// `branch` or `tag`, and the short name.
    pub fn kind_and_name(&self) -> (&'static str, &str) {
        match self.name.strip_prefix("refs/tags/") {
            Some(tag) => ("tag", tag),
            None => ("branch", self.name.trim_start_matches("refs/heads/")),
        }
    }
}

/// Both objects' fields in one.
pub(crate) fn merged(mut body: Value, more: Value) -> Value {
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

/// A rendered event.
pub(crate) struct Payload {
    pub event: &'static str,
    pub event_type: &'static str,
    pub body: Value,
}
