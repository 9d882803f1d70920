//! GitLab's dialect.

pub(crate) mod api;
mod nouns;
pub(crate) mod payload;

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::{Delivery, Forge, Hook, event::Payload, state::Repository};

pub(crate) const API_ROOT: &str = "/api/v4";

pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// How a signing token begins. A hook with any other secret sends it in clear.
const SIGNING_TOKEN: &str = "whsec_";

/// After as many failures in a row GitLab disables a hook:
/// <https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks>
const FAILURES: usize = 4;

impl Forge {
    /// Makes it a GitLab before 19.0, which has no signing tokens and ignores the parameter, or a newer one again.
    pub fn set_signing_tokens(&self, has_them: bool) {
        self.change(|state| state.has_signing_tokens = has_them);
    }
}

fn signs(hook: &Hook) -> bool {
    hook.secret.as_ref().is_some_and(|secret| secret.starts_with(SIGNING_TOKEN))
}

/// Whether GitLab disabled a hook because its last deliveries failed.
pub(crate) fn is_disabled(repo: &Repository, hook: &Hook) -> bool {
    let answered = repo.deliveries.iter().rev().filter(|delivery| delivery.hook == hook.id);
    let responses = answered.filter_map(|delivery| delivery.response.as_ref());
    let failures = responses.take_while(|response| !matches!(response, Ok(200..300))).take(FAILURES);
    failures.count() == FAILURES
}

pub(crate) fn subscribes(hook: &Hook, payload: &Payload) -> bool {
    hook.events.iter().any(|event| event == payload.event_type)
}

/// Sources: <https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers>,
/// <https://docs.gitlab.com/user/project/integrations/webhooks/#signing-tokens>
pub(crate) fn headers(
    hook: &Hook,
    delivery: &Delivery,
    has_signing_tokens: bool,
) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("User-Agent", "GitLab/19.2.0".to_owned()),
        ("X-Gitlab-Event", delivery.event.to_owned()),
        ("X-Gitlab-Webhook-UUID", format!("{:08x}-0000-4000-8000-000000000000", hook.id)),
        ("X-Gitlab-Event-UUID", delivery.id.clone()),
        ("Idempotency-Key", delivery.id.clone()),
    ];
    if has_signing_tokens {
        let timestamp = Timestamp::now().as_second().to_string();
        headers.push(("webhook-id", delivery.id.clone()));
        headers.push(("webhook-timestamp", timestamp.clone()));
        if let Some(secret) = hook.secret.as_ref().filter(|_| signs(hook)) {
            headers.push(("webhook-signature", signature(secret, delivery, &timestamp)));
        }
    }
    let clear = hook.secret.clone().filter(|_| !signs(hook));
    headers.extend(clear.map(|token| ("X-Gitlab-Token", token)));
    headers
}

/// Of Standard Webhooks: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
fn signature(secret: &str, delivery: &Delivery, timestamp: &str) -> String {
    let key = secret.trim_start_matches(SIGNING_TOKEN);
    let key = BASE64_STANDARD.decode(key).expect("the API takes no other token");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{}.{timestamp}.", delivery.id).as_bytes());
    mac.update(&delivery.body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}
