//! What Tidegate knows about Git hosts: how their webhooks are addressed, signed and written, and how their APIs are called.
//!
//! The way of a delivery is [`hook::HookPath`] (which secret, which [`proof::Proof`]) → [`intake::verify`] (the raw bytes) →
//! [`intake::Verified::normalise`] (its events).
//! Calling a host's API needs the feature `client`, which the functions never turn on.

#[cfg(feature = "client")]
mod api;
mod bitbucket;
mod body;
#[cfg(feature = "client")]
pub mod client;
mod delivery;
mod gitea;
mod github;
mod github_json;
mod gitlab;
pub mod hook;
mod hook_label;
mod inbound;
pub mod intake;
mod normalise;
mod ports;
pub mod proof;
#[cfg(feature = "client")]
mod v3;

pub use ports::{capabilities, git_user, pull_request_ref};
