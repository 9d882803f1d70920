//! Whether a config's own credential has proven that it may manage the hooks of its repository, or set its statuses. Pure.
//!
//! Anybody who may write a config may name any repository in it. So a config is active only once its host has shown that its
//! credential has a right that needs a membership in the repository.

use tidegate_resources::{ConditionStatus, CredentialProof, IntegrationConfig};

use super::{register::RegisterError, status::Verdict};

/// The condition that shows whether the credential has proven its right.
pub const CREDENTIAL_PROVEN: &str = "CredentialProven";
/// Its reason where the host has denied both rights.
const DENIED: &str = "Denied";

/// The result of a check on the host.
#[derive(Debug)]
pub enum CredentialCheck {
    /// The credential manages the hooks.
    Hooks,
    /// It may not; this is whether it may set statuses.
    Statuses(Result<bool, RegisterError>),
    /// The host was unreachable.
    Nothing,
}

/// The proof after a check on the host, and the condition. The proof is lost only if the host itself denies the credential or
/// the repository: an outage, a rate limit or an odd answer means nothing about a right.
pub fn after(config: &IntegrationConfig, looked: &CredentialCheck) -> (Option<CredentialProof>, Verdict) {
    let shown = |right: &'static str| {
        let message = format!("the host lets the credential {right}");
        (CredentialProof::for_git(&config.spec.git), Verdict::yes("Shown", message))
    };
    match looked {
        CredentialCheck::Hooks => shown("manage the hooks of the repository"),
        CredentialCheck::Statuses(Ok(true)) => shown("set the statuses of the repository"),
        CredentialCheck::Statuses(Err(error)) if !error.is_denial() => kept(config),
        CredentialCheck::Statuses(_) => {
            let message = "the host lets the credential neither manage the hooks of the repository nor set its statuses";
            (None, Verdict::no(DENIED, message))
        }
        CredentialCheck::Nothing => kept(config),
    }
}

fn kept(config: &IntegrationConfig) -> (Option<CredentialProof>, Verdict) {
    let proof = config.status.as_ref().and_then(|status| status.proof.clone()).filter(|_| config.is_proven());
    let verdict = match &proof {
        Some(_) => Verdict::yes("Shown", "the host can't be asked now: what it showed before counts"),
        None => Verdict::no("NotAsked", "the host could not be asked yet"),
    };
    (proof, verdict)
}

/// Whether the host has denied both rights to the config as it is now.
pub fn is_denied(config: &IntegrationConfig) -> bool {
    let conditions = config.status.iter().flat_map(|status| &status.conditions);
    conditions.filter(|condition| condition.type_ == CREDENTIAL_PROVEN).any(|condition| {
        condition.status == ConditionStatus::False
            && condition.reason == DENIED
            && condition.observed_generation == config.metadata.generation
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;
    use tidegate_hosts::client::HostError;

    use crate::host::{CallError, Operation};

    use super::*;

    fn config() -> IntegrationConfig {
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": "ci"},
            "spec": {"git": {
                "type": "gitea", "repository": "acme/shop", "apiUrl": "https://git.example",
                "tokenSecretRef": {"name": "git", "key": "token"},
            }},
            "status": {"proof": {"apiUrl": "https://git.example", "secret": {"name": "git", "key": "token"}}},
        }))
        .expect("a config")
    }

    fn host(source: HostError) -> RegisterError {
        CallError { operation: Operation::ListHooks, source }.into()
    }

    fn proof(config: &IntegrationConfig, looked: &CredentialCheck) -> Option<CredentialProof> {
        after(config, looked).0
    }

    #[test]
    fn a_right_gives_a_proof_and_only_a_denial_of_both_rights_removes_it() {
        let mut new = config();
        new.status = None;
        assert!(!new.is_proven());
        assert_eq!(proof(&new, &CredentialCheck::Nothing), None);
        let shown = config().status.and_then(|status| status.proof);
        assert_eq!(proof(&new, &CredentialCheck::Hooks), shown);
        assert_eq!(proof(&new, &CredentialCheck::Statuses(Ok(true))), shown);
        assert_eq!(proof(&config(), &CredentialCheck::Statuses(Ok(false))), None);
        for denied in
            [HostError::Unauthorized, HostError::Forbidden { message: String::new() }, HostError::NotFound]
        {
            assert_eq!(proof(&config(), &CredentialCheck::Statuses(Err(host(denied)))), None);
        }
        for outage in [
            HostError::RateLimited { retry_after: None },
            HostError::Unreadable { reason: "no JSON".to_owned() },
        ] {
            let looked = CredentialCheck::Statuses(Err(host(outage)));
            assert!(proof(&config(), &looked).is_some());
            assert_eq!(proof(&new, &looked), None);
        }
        assert!(proof(&config(), &CredentialCheck::Nothing).is_some(), "the Secret can't be read now");
    }

    #[test]
    fn only_a_denial_of_the_config_as_it_is_now_leaves_it_out() {
        let mut config = config();
        for (looked, denied) in [
            (CredentialCheck::Statuses(Ok(false)), true),
            (CredentialCheck::Nothing, false),
            (CredentialCheck::Hooks, false),
        ] {
            let conditions = [(CREDENTIAL_PROVEN, after(&config, &looked).1)];
            let status = super::super::status::status(&config, conditions, None, Timestamp::UNIX_EPOCH);
            let judged = IntegrationConfig { status: Some(status), ..config.clone() };
            assert_eq!(is_denied(&judged), denied, "{looked:?}");
            let mut edited = judged;
            edited.metadata.generation = Some(7);
            assert!(!is_denied(&edited), "{looked:?}");
        }
        config.status = None;
        assert!(!is_denied(&config));
    }

    #[test]
    fn a_proof_is_valid_only_for_its_secret_and_its_host() {
        assert!(config().is_proven());
        let mut other_secret = config();
        other_secret.spec.git.token_secret_ref.as_mut().expect("a token").name = "other".to_owned();
        let mut other_host = config();
        other_host.spec.git.api_url = Some("https://elsewhere.example".to_owned());
        for changed in [other_secret, other_host] {
            assert!(!changed.is_proven());
            assert_eq!(proof(&changed, &CredentialCheck::Nothing), None);
        }
    }
}
