//! GitLab.

mod account;
mod capabilities;
#[cfg(feature = "client")]
pub(crate) mod client;
mod parse;
mod payload;

pub(crate) use capabilities::{CAPABILITIES, GIT_USER, pull_request_ref};

use crate::{inbound::Port, proof::Proof};

/// A hook with a signing token, on GitLab 19.0 and later.
///
/// Source: <https://docs.gitlab.com/user/project/integrations/webhooks/#signing-tokens>
pub(crate) const SIGNED: Proof = Proof::SignedMessage;

/// A hook with a secret token, which GitLab sends in clear.
///
/// Source: <https://docs.gitlab.com/user/project/integrations/webhooks/#validate-requests-by-using-a-secret-token>
pub(crate) const TOKEN: Proof = Proof::Token { header: "x-gitlab-token" };

/// `webhook-id` came with 19.0, and is what `Idempotency-Key` was since 17.4. `X-Gitlab-Webhook-UUID`, since 16.2, is another one
/// when a delivery is sent again, and `X-Gitlab-Event-UUID` belongs to all hooks that one request to GitLab fires.
///
/// Source: <https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers>, `app/services/web_hook_service.rb`
pub(crate) const PORT: Port = Port {
    kind: "x-gitlab-event",
    delivery: "webhook-id",
    older_delivery: &["idempotency-key", "x-gitlab-webhook-uuid", "x-gitlab-event-uuid"],
    parse: parse::parse,
};
