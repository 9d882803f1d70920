//! The lane of a command: its host, credential and pull request, as far as they are known without a request.

use tidegate_model::{Command, Envelope, Intention, Source};
use tidegate_resources::{IntegrationConfig, site};

use super::{Drain, shares::Lane};
use crate::{budget::CredentialKey, stores::configs::StoredConfig};

impl Drain {
    /// The lane of a command.
    pub(super) fn lane(&self, envelope: &Envelope<Command>) -> Lane {
        match &envelope.source {
            Source::Config(reference) => {
                let stored = self.context.configs.find(reference.namespace.as_str(), reference.name.as_str());
                // A config that isn't listed yet or is unreadable causes no request: it is a lane of its own.
                of_config(envelope, stored.as_deref().and_then(StoredConfig::readable))
            }
            Source::App => {
                let owner = envelope.body.repository.owner().to_ascii_lowercase();
                lane(envelope, &site(&self.context.settings.github_app_api_url), &format!("app/{owner}"))
            }
        }
    }
}

fn of_config(envelope: &Envelope<Command>, config: Option<&IntegrationConfig>) -> Lane {
    let Some(config) = config else {
        let name = format!("{:?}", envelope.source);
        return lane(envelope, &name, &name);
    };
    let credential = match CredentialKey::for_config(config) {
        Some(CredentialKey { namespace, secret, .. }) => {
            format!("{namespace}/{}/{}", secret.name, secret.key)
        }
        None => "none".to_owned(),
    };
    lane(envelope, &config.spec.git.site(), &credential)
}

fn lane(envelope: &Envelope<Command>, site: &str, credential: &str) -> Lane {
    let site = format!("{}/{site}", envelope.host);
    let repository = envelope.body.repository.as_str().to_ascii_lowercase();
    let intention = &envelope.body.intention;
    Lane {
        pull_request: intention.pull_request().map(|number| format!("{site}/{repository}#{number}")),
        is_comment: matches!(
            intention,
            Intention::FollowComment { .. } | Intention::FollowCommitComment { .. }
        ),
        credential: format!("{site} {credential}"),
        site,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(repository: &str, intention: &serde_json::Value) -> Envelope<Command> {
        let mut body = json!({"repository": repository});
        for (name, value) in intention.as_object().expect("an object") {
            body[name] = value.clone();
        }
        serde_json::from_value(json!({
            "v": 1, "delivery": "d", "host": "gitea", "received_at_ms": 0, "body": body,
            "source": {"kind": "config", "namespace": "ci", "name": "shop"},
        }))
        .expect("a command")
    }

    fn config(name: &str, api_url: &str) -> IntegrationConfig {
        let token = json!({"name": "git", "key": "token"});
        let git =
            json!({"type": "gitea", "repository": "acme/shop", "apiUrl": api_url, "tokenSecretRef": token});
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": name, "namespace": "ci"}, "spec": {"git": git},
        }))
        .expect("a config")
    }

    #[test]
    fn commands_of_one_pull_request_share_a_lane_however_its_names_are_spelled() {
        let cancel = json!({"intention": "cancel", "pull_request": 7});
        let comment = json!({"intention": "follow_comment", "pull_request": 7, "comment": 1});
        let one = of_config(&command("acme/shop", &cancel), Some(&config("a", "https://git.example")));
        let other =
            of_config(&command("ACME/Shop", &comment), Some(&config("b", "https://GIT.example:443/")));
        assert_eq!((&one.site, &one.credential), (&other.site, &other.credential));
        assert_eq!((&one.pull_request, one.is_comment), (&other.pull_request, !other.is_comment));
        let elsewhere =
            of_config(&command("acme/shop", &cancel), Some(&config("a", "https://other.example")));
        assert_ne!(one.site, elsewhere.site);
        assert_ne!(one.pull_request, elsewhere.pull_request);
        let unknown = of_config(&command("acme/shop", &cancel), None);
        assert_ne!(one.site, unknown.site, "no host is asked for it");
    }
}
