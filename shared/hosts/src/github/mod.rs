//! GitHub: github.com and GitHub Enterprise Server.

mod capabilities;
#[cfg(feature = "client")]
pub(crate) mod client;
mod parse;
mod payload;

pub(crate) use capabilities::{CAPABILITIES, GIT_USER, pull_request_ref};

use crate::{inbound::Port, proof::Proof};

/// The SHA-1 header that GitHub sends as well is never looked at.
///
/// Source: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
pub(crate) const PROOF: Proof = Proof::Hmac { header: "x-hub-signature-256", prefix: "sha256=" };

/// Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers>
pub(crate) const PORT: Port =
    Port { kind: "x-github-event", delivery: "x-github-delivery", older_delivery: &[], parse: parse::parse };
