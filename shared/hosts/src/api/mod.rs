//! What every host's client is made of: requests and answers, facts, errors, and the guard of what may be called.

mod egress;
mod error;
mod facts;
mod request;
mod settings;
mod transport;

pub use egress::{EgressError, EgressPolicy};
pub use error::{ErrorClass, HostError};
pub use facts::{
    AccountFacts, CommentFacts, CommitCommentFacts, HeadFacts, Hook, HookSpec, Listing, PullRequestFacts,
    Reaction, RefFacts, StatusFacts,
};
pub(crate) use request::{Answer, Api, Pages, encoded, optional, seen, segment};
pub use settings::{ClientSettings, Credential};
pub(crate) use transport::Transport;
