//! GitHub's dialect, as an Enterprise Server speaks it.

pub(crate) mod api;
pub(crate) mod payload;

use std::time::Duration;

use crate::{Delivery, Hook, event::Payload};

/// <https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api>
pub(crate) const API_ROOT: &str = "/api/v3";

/// <https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks>
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn subscribes(hook: &Hook, payload: &Payload) -> bool {
    hook.events.iter().any(|event| event == payload.event || event == "*")
}

/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers>, without the old SHA-1.
pub(crate) fn headers(delivery: &Delivery, signature: Option<String>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Accept", "*/*".to_owned()),
        ("User-Agent", "GitHub-Hookshot/0000000".to_owned()),
        ("X-GitHub-Event", delivery.event.to_owned()),
        ("X-GitHub-Delivery", delivery.id.clone()),
        ("X-GitHub-Hook-ID", delivery.hook.to_string()),
        ("X-GitHub-Hook-Installation-Target-Type", "repository".to_owned()),
    ];
    headers.extend(signature.map(|hex| ("X-Hub-Signature-256", format!("sha256={hex}"))));
    headers
}
