//! Gitea and Forgejo.

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

/// The headers of a delivery.
///
/// Source: <https://docs.gitea.com/usage/webhooks>
pub(crate) const HEADERS: HeaderNames =
    HeaderNames { event: "x-gitea-event", delivery: "x-gitea-delivery", signature: "x-gitea-signature" };

/// The id of the user that Gitea Actions acts as. Other programs look like people here.
const ACTIONS_USER: i64 = -2;
