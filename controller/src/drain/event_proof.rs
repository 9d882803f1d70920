//! What the event behind a command proves, by the secret that it was signed with.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tidegate_model::{Command, Envelope, Source};
use tidegate_resources::IntegrationConfig;

use crate::{
    config::salt,
    context::Context,
    stores::configs::StoredConfig,
    trigger::{proof::EventProof, reader::FactsError},
};

/// What an event proves to a config, as far as its stored status shows.
pub fn of(envelope: &Envelope<Command>, is_of_plugin: bool, config: &IntegrationConfig) -> EventProof {
    let webhook = config.status.as_ref().and_then(|status| status.webhook.as_ref());
    let counts = match (&envelope.source, &envelope.salt, webhook) {
        (Source::App, _, _) => true,
        (Source::Config(_), None, _) => return EventProof::Unsigned,
        (Source::Config(_), Some(_), None) => false,
        (Source::Config(_), Some(salt), Some(webhook)) => salt::counts(webhook, salt, received_at(envelope)),
    };
    match (counts, is_of_plugin) {
        // It came to an earlier config of this name, and waited: for the config of a renamed repository, for instance.
        (false, _) if is_older(envelope, config) => EventProof::Unsigned,
        (false, _) => EventProof::OtherSalt,
        (true, true) => EventProof::Unsigned,
        (true, false) => EventProof::Signed,
    }
}

/// The same, but an unknown salt is looked up in the API server: the store lags behind it.
pub async fn find(
    envelope: &Envelope<Command>,
    is_of_plugin: bool,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<EventProof, FactsError> {
    let known = of(envelope, is_of_plugin, config);
    if known != EventProof::OtherSalt {
        return Ok(known);
    }
    let api = context.namespaced::<StoredConfig>(&config.namespace().unwrap_or_default());
    let stored = api.get_opt(&config.name_any()).await.map_err(FactsError::Configs)?;
    let present = stored.as_ref().and_then(StoredConfig::readable);
    Ok(present.map_or(known, |present| of(envelope, is_of_plugin, present)))
}

/// Whether an event came in before the config was made; Kubernetes counts whole seconds.
fn is_older(envelope: &Envelope<Command>, config: &IntegrationConfig) -> bool {
    let made = config.metadata.creation_timestamp.as_ref();
    made.is_some_and(|made| received_at(envelope).as_second() <= made.0.as_second())
}

fn received_at(envelope: &Envelope<Command>) -> Timestamp {
    let milliseconds = i64::try_from(envelope.received_at_ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tidegate_hosts::hook::Salt;

    use super::*;

    const OWN: &str = "11111111111111111111111111111111";
    const OLD: &str = "00000000000000000000000000000000";

    fn config() -> IntegrationConfig {
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": "ci", "creationTimestamp": "2025-06-01T00:00:00Z"},
            "spec": {"git": {"type": "gitea", "repository": "acme/shop"}},
            "status": {"webhook": {
                "salt": OWN, "url": format!("https://ci/hooks/gitea/ci/shop/{OWN}"),
                "retired": [{"salt": OLD, "until": "2026-01-01T00:00:00Z"}],
            }},
        }))
        .expect("a config")
    }

    fn push(source: &Value, salt: Option<&str>, received_at: &str) -> Envelope<Command> {
        let received_at: Timestamp = received_at.parse().expect("a time");
        serde_json::from_value(json!({
            "v": 1, "delivery": "d", "host": "gitea", "source": source, "received_at_ms": received_at.as_millisecond(),
            "salt": salt.map(|salt| salt.parse::<Salt>().expect("a salt").id()),
            "body": {
                "repository": "acme/shop", "intention": "run_push", "ref": "refs/heads/main", "sha": "a".repeat(40),
            },
        }))
        .expect("a command")
    }

    #[test]
    fn an_event_proves_a_push_only_under_a_salt_that_counts_or_by_the_app() {
        let (early, late) = ("2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z");
        let hook = json!({"kind": "config", "namespace": "ci", "name": "shop"});
        let app = json!({"kind": "app"});
        for (source, salt, received_at, is_of_plugin, expected) in [
            (&hook, Some(OWN), late, false, EventProof::Signed),
            (&hook, Some(OLD), early, false, EventProof::Signed),
            (&hook, Some(OLD), late, false, EventProof::OtherSalt),
            (&hook, Some("22222222222222222222222222222222"), early, false, EventProof::OtherSalt),
            // It was sent to an earlier config of this name.
            (
                &hook,
                Some("22222222222222222222222222222222"),
                "2025-05-31T23:59:59Z",
                false,
                EventProof::Unsigned,
            ),
            (&hook, None, late, false, EventProof::Unsigned),
            (&app, None, late, false, EventProof::Signed),
            // A third-party plugin may have made it up.
            (&hook, Some(OWN), late, true, EventProof::Unsigned),
            (&hook, Some(OLD), late, true, EventProof::OtherSalt),
            (&app, None, late, true, EventProof::Unsigned),
        ] {
            let found = of(&push(source, salt, received_at), is_of_plugin, &config());
            assert_eq!(found, expected, "{source} {salt:?} {received_at} {is_of_plugin}");
        }
        let mut unregistered = config();
        unregistered.status = None;
        assert_eq!(of(&push(&hook, Some(OWN), late), false, &unregistered), EventProof::OtherSalt);
    }
}
