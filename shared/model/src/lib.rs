//! What crosses a boundary in Tidegate: ids, events, commands, job and status types.
//!
//! Everything here is data that was parsed once and can't be wrong afterwards. There is no I/O, no Kubernetes and no
//! HTTP in this crate, and no decision: decisions live in `tidegate-rules`.

mod account;
mod capabilities;
mod command;
mod comment;
mod duration;
mod envelope;
mod event;
mod host;
mod ids;
mod job;
mod permission;
mod refs;
mod status;
mod trace;

pub use account::{Account, DisplayName};
pub use capabilities::Capabilities;
pub use command::{Command, Intention, IntentionKind};
pub use comment::{CommentKind, CommentPointer};
pub use duration::Timeout;
pub use envelope::{Envelope, Source, Version};
pub use event::{
    CommentAction, CommentEvent, CommitCommentEvent, Event, EventKind, Head, PullRequest, PullRequestAction,
    PullRequestEvent, PushEvent,
};
pub use host::Host;
pub use ids::{
    CommentId, CommitHint, CommitSha, ConfigRef, DeliveryId, HostTime, JobName, Login, ObjectName,
    PullRequestNumber, RepositoryPath, SaltId,
};
pub use job::{EnvVar, JobSpec, SecretKeyRef, When};
pub use permission::{AccountKind, Permission};
pub use refs::{GitRef, RefName};
pub use status::{CommitStatus, StatusState};
pub use trace::TraceParent;

/// A text that doesn't have the shape its type promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is invalid: {rule}")]
pub struct ParseError {
    /// What was expected, in the field's words ("commit SHA").
    pub kind: &'static str,
    /// What came instead, cut to 80 characters.
    pub value: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl ParseError {
    pub(crate) fn new(kind: &'static str, value: &str, rule: &'static str) -> Self {
        Self { kind, value: value.chars().take(80).collect(), rule }
    }
}
