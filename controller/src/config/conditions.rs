//! Build: the status of a config, of what it shows itself and what its host shows. Pure.
//!
//! Each condition is one function. A new one adds the fact to `Registered`, and a line to `build`.

use k8s_openapi::jiff::Timestamp;
use tidegate_hosts::hook::HookLabel;
use tidegate_resources::{ConditionStatus, IntegrationConfig, IntegrationConfigStatus, WebhookStatus};
use tidegate_rules::schedule::Limits;

use super::{
    dereference::DereferenceError,
    gap,
    observe::Observed,
    proof::{self, CREDENTIAL_PROVEN},
    register::Registered,
    renamed,
    status::{self, Verdict},
    validate::Validated,
};
use crate::fitness::conflict::CONTEXTS_OWNED;

/// The status after a round. `known` is the hook before it.
pub fn build(
    config: &IntegrationConfig,
    validated: Validated,
    observed: &Observed,
    known: WebhookStatus,
    limits: Limits,
    now: Timestamp,
) -> IntegrationConfigStatus {
    let (proof, proven) = proof::after(config, observed.check());
    let conditions = [
        Some((CONTEXTS_OWNED, validated.owned)),
        Some(("Ready", ready(config, validated.ready, observed))),
        Some(("WebhookRegistered", registered(observed, now))),
        unsigned(observed).map(|verdict| ("WebhookUnsigned", verdict)),
        Some((CREDENTIAL_PROVEN, proven)),
        Some(("WithinLimits", status::within(config, limits))),
    ];
    let conditions = conditions.into_iter().flatten();
    let webhook = match observed {
        Observed::Registered(registered) => registered.webhook.clone(),
        Observed::NotAsked(_) | Observed::Failed { .. } => known,
    };
    let status = status::status(config, conditions, Some(webhook), now);
    IntegrationConfigStatus { proof, ..status }
}

/// Whether the config can be used. `valid` is the verdict on its spec.
fn ready(config: &IntegrationConfig, valid: Verdict, observed: &Observed) -> Verdict {
    match observed {
        Observed::Registered(registered) => {
            let missing_right = registered
                .missing_right
                .as_ref()
                .filter(|_| valid.status == ConditionStatus::True)
                .map(|missing| Verdict::no("TokenLacksRight", missing));
            renamed::verdict(config, &registered.repository).or(missing_right).unwrap_or(valid)
        }
        Observed::NotAsked(error) => not_asked(error),
        // The host's faults don't make a config unusable.
        Observed::Failed { .. } => valid,
    }
}

/// Whether the hook is on the host as it should be.
fn registered(observed: &Observed, now: Timestamp) -> Verdict {
    match observed {
        Observed::Registered(registered) => {
            let id = registered.webhook.id.as_deref().unwrap_or_default();
            let delivers = format!("hook {id} delivers to Tidegate");
            match gap::message(&registered.webhook, now) {
                Some(gap) => Verdict::yes("RegisteredAgain", format!("{delivers}; {gap}")),
                None => Verdict::yes("Registered", delivers),
            }
        }
        Observed::NotAsked(error) => not_asked(error),
        Observed::Failed { error, .. } => Verdict::no(error.reason(), crate::error_chain(error)),
    }
}

/// Whether the hook's deliveries prove themselves by a token in clear. `None` while that isn't known, and where each hook signs.
fn unsigned(observed: &Observed) -> Option<Verdict> {
    let Observed::Registered(Registered { label, .. }) = observed else { return None };
    match label {
        HookLabel::GitlabToken => Some(Verdict::yes(
            "NoSigningTokens",
            "this GitLab signs no deliveries: each carries the hook's secret token in clear; with GitLab 19.0 or later the hook \
             is registered again with a signature",
        )),
        HookLabel::Gitlab => Some(Verdict::no("Signed", "the host signs each delivery")),
        HookLabel::Github | HookLabel::Gitea | HookLabel::Bitbucket => None,
    }
}

fn not_asked(error: &DereferenceError) -> Verdict {
    Verdict::no(error.reason(), crate::error_chain(error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_hosts::client::HostError;
    use tidegate_resources::IntegrationConfigSpec;

    use super::*;
    use crate::{
        config::proof::CredentialCheck,
        host::{CallError, CredentialError, Operation},
    };

    fn config() -> IntegrationConfig {
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": "ci"},
            "spec": {"git": {"type": "gitea", "repository": "acme/shop"}},
        }))
        .expect("a config")
    }

    fn hook(id: Option<&str>) -> WebhookStatus {
        WebhookStatus { id: id.map(str::to_owned), ..WebhookStatus::default() }
    }

    fn shown(repository: &str, missing_right: Option<&str>) -> Observed {
        Observed::Registered(Registered {
            webhook: hook(Some("7")),
            label: HookLabel::Gitea,
            repository: repository.parse().expect("a path"),
            missing_right: missing_right.map(str::to_owned),
        })
    }

    /// The reasons of `Ready` and `WebhookRegistered`, and the hook.
    fn reasons(ready: Verdict, observed: &Observed) -> (String, String, Option<String>) {
        let validated = Validated { owned: Verdict::yes("Owned", ""), ready };
        let timeout = IntegrationConfigSpec::DEFAULT_TIMEOUT;
        let limits = Limits { runs_per_repository: 9, runs_per_namespace: 9, timeout };
        let status = build(&config(), validated, observed, hook(Some("6")), limits, Timestamp::UNIX_EPOCH);
        let reason = |type_: &str| {
            let condition = status.conditions.iter().find(|condition| condition.type_ == type_);
            condition.expect("a condition").reason.clone()
        };
        (reason("Ready"), reason("WebhookRegistered"), status.webhook.and_then(|webhook| webhook.id))
    }

    #[test]
    fn each_state_of_the_host_shows_in_the_conditions() {
        let refused = |source| {
            let error = CallError { operation: Operation::ListHooks, source }.into();
            Observed::Failed { error, check: CredentialCheck::Nothing }
        };
        let unread = Observed::NotAsked(CredentialError::MissingSecret("git".to_owned()).into());
        for (observed, ready_if_valid, ready_if_not, registered, hook) in [
            (shown("acme/shop", None), "Valid", "Invalid", "Registered", "7"),
            (shown("acme/shop", Some("a scope")), "TokenLacksRight", "Invalid", "Registered", "7"),
            (
                shown("acme/store", Some("a scope")),
                "RepositoryRenamed",
                "RepositoryRenamed",
                "Registered",
                "7",
            ),
            (unread, "SecretMissing", "SecretMissing", "SecretMissing", "6"),
            (refused(HostError::Unauthorized), "Valid", "Invalid", "Unauthorized", "6"),
        ] {
            let expected = |ready: &str| (ready.to_owned(), registered.to_owned(), Some(hook.to_owned()));
            assert_eq!(reasons(Verdict::yes("Valid", ""), &observed), expected(ready_if_valid));
            assert_eq!(reasons(Verdict::no("Invalid", ""), &observed), expected(ready_if_not));
        }
    }

    #[test]
    fn only_a_hook_that_gitlab_does_not_sign_says_so() {
        let of = |label| match shown("acme/shop", None) {
            Observed::Registered(registered) => Observed::Registered(Registered { label, ..registered }),
            other => other,
        };
        let said = |label| unsigned(&of(label)).map(|verdict| verdict.status);
        assert_eq!(said(HookLabel::GitlabToken), Some(ConditionStatus::True));
        assert_eq!(said(HookLabel::Gitlab), Some(ConditionStatus::False));
        assert_eq!(said(HookLabel::Github), None);
    }
}
