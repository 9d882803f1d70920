//! Bitbucket Cloud.

mod account;
mod capabilities;
#[cfg(feature = "client")]
pub(crate) mod client;
mod parse;
mod payload;
mod token;

pub(crate) use capabilities::CAPABILITIES;
pub(crate) use token::git_user;

use crate::{inbound::Port, proof::Proof};

/// Source: <https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/>
pub(crate) const PROOF: Proof = Proof::Hmac { header: "x-hub-signature", prefix: "sha256=" };

/// Source: <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>
pub(crate) const PORT: Port =
    Port { kind: "x-event-key", delivery: "x-request-uuid", older_delivery: &[], parse: parse::parse };
