//! GitHub: github.com and GitHub Enterprise Server.

mod capabilities;
#[cfg(feature = "client")]
pub(crate) mod client;
mod normalise;
mod payload;
mod verify;

pub(crate) use capabilities::{CAPABILITIES, pull_request_ref};
pub(crate) use normalise::normalise;
pub(crate) use verify::signature;

use crate::intake::HeaderNames;

/// What stands before the digits of a signature.
pub(crate) const SIGNATURE_PREFIX: &str = "sha256=";

/// The headers of a delivery.
///
/// Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers>
pub(crate) const HEADERS: HeaderNames =
    HeaderNames { event: "x-github-event", delivery: "x-github-delivery", signature: "x-hub-signature-256" };
