//! What Tidegate knows about Git hosts: how their webhooks are addressed, signed and written, and how their APIs are called.
//!
//! The way of a delivery is [`hook::HookPath`] (which secret, which [`proof::Proof`]) → [`intake::verify`] (the raw bytes) →
//! [`intake::Verified::normalise`] (its events).
//! Calling a host's API needs the feature `client`, which the functions never turn on.

mod body;
#[cfg(feature = "client")]
pub mod client;
mod gitea;
mod github;
pub mod hook;
mod host;
mod inbound;
pub mod intake;
mod normalise;
pub mod proof;
#[cfg(feature = "client")]
mod v3;

pub use host::{capabilities, pull_request_ref};
