//! Gitea and Forgejo.

mod capabilities;
#[cfg(feature = "client")]
pub(crate) mod client;
mod parse;
mod payload;

pub(crate) use capabilities::{CAPABILITIES, GIT_USER, pull_request_ref};

use crate::{inbound::Port, proof::Proof};

/// The headers of GitHub that Gitea sends as well are never looked at.
///
/// Source: <https://docs.gitea.com/usage/webhooks#authorization-header>
pub(crate) const PROOF: Proof = Proof::Hmac { header: "x-gitea-signature", prefix: "" };

/// Source: <https://docs.gitea.com/usage/webhooks>
pub(crate) const PORT: Port =
    Port { kind: "x-gitea-event", delivery: "x-gitea-delivery", older_delivery: &[], parse: parse::parse };
