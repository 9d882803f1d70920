//! Gitea's dialect, as of Gitea 1.26.

pub(crate) mod api;
pub(crate) mod payload;

use std::time::Duration;

use crate::{Delivery, Hook, event::Payload};

pub(crate) const API_ROOT: &str = "/api/v1";

/// `webhook.DELIVER_TIMEOUT` of Gitea's configuration.
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// What `pull_request` stands for when it is asked for.
const PULL_REQUEST_EVENTS: [&str; 8] = [
    "pull_request",
    "pull_request_assign",
    "pull_request_comment",
    "pull_request_label",
    "pull_request_milestone",
    "pull_request_review",
    "pull_request_review_request",
    "pull_request_sync",
];

/// The events that a hook has and shows if these were asked for (`updateHookEvents` in Gitea's
/// `routers/api/v1/utils/hook.go`).
pub(crate) fn hook_events(asked: &[String]) -> Vec<String> {
    let expand = |event: &String| match event.as_str() {
        "pull_request" => PULL_REQUEST_EVENTS.map(str::to_owned).to_vec(),
        "pull_request_only" => vec!["pull_request".to_owned()],
        _ => vec![event.clone()],
    };
    asked.iter().flat_map(expand).collect()
}

pub(crate) fn subscribes(hook: &Hook, payload: &Payload) -> bool {
    // A hook asks for all kinds of reviews by one name (`HasEvent` in Gitea's `models/webhook/webhook.go`).
    let is_review = payload.event_type == "pull_request_review_comment";
    let wanted = if is_review { "pull_request_review" } else { payload.event_type };
    hook.events.iter().any(|event| event == wanted)
}

/// Every header that Gitea sends but the old SHA-1. A hook without a secret gets empty signatures.
pub(crate) fn headers(delivery: &Delivery, signature: Option<String>) -> Vec<(&'static str, String)> {
    let (id, event, event_type) = (&delivery.id, delivery.event, delivery.event_type);
    let signature = signature.unwrap_or_default();
    [
        ("User-Agent", "Go-http-client/1.1"),
        ("X-GitHub-Delivery", id),
        ("X-GitHub-Event", event),
        ("X-GitHub-Event-Type", event_type),
        ("X-GitHub-Hook-Installation-Target-Type", "repository"),
        ("X-Gitea-Delivery", id),
        ("X-Gitea-Event", event),
        ("X-Gitea-Event-Type", event_type),
        ("X-Gitea-Hook-Installation-Target-Type", "repository"),
        ("X-Gitea-Signature", &signature),
        ("X-Gogs-Delivery", id),
        ("X-Gogs-Event", event),
        ("X-Gogs-Event-Type", event_type),
        ("X-Gogs-Signature", &signature),
        ("X-Hub-Signature-256", &format!("sha256={signature}")),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}
