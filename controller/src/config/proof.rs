//! Whether a config's own credential has proven that it may manage the hooks of its repository. Pure.
//!
//! Anybody who may write a config may claim any repository in it. So a config counts beside others only once its host has let
//! its credential do what only somebody with rights in the repository may.

use tidegate_hosts::client::HostError;
use tidegate_resources::{CredentialProof, IntegrationConfig};

use super::register::RegisterError;

/// The proof after a look at the host. It is lost only when the host itself denies the credential or the repository: no
/// outage, rate limit or odd answer says anything about a right.
pub fn after(
    config: &IntegrationConfig,
    looked: Result<(), Option<&RegisterError>>,
) -> Option<CredentialProof> {
    let is_denied = |error: &RegisterError| match error {
        RegisterError::Host { source, .. } => {
            matches!(source, HostError::Unauthorized | HostError::Forbidden { .. } | HostError::NotFound)
        }
        RegisterError::Keys(_) => false,
    };
    match looked {
        Ok(()) => CredentialProof::of(&config.spec.git),
        Err(Some(error)) if is_denied(error) => None,
        Err(_) => {
            config.status.as_ref().and_then(|status| status.proof.clone()).filter(|_| config.is_proven())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        RegisterError::Host { operation: "list hooks", source }
    }

    #[test]
    fn a_proof_comes_with_the_hook_and_goes_only_when_the_host_denies_the_right() {
        let mut new = config();
        new.status = None;
        assert!(!new.is_proven());
        assert_eq!(after(&new, Err(None)), None);
        assert_eq!(after(&new, Ok(())), config().status.and_then(|status| status.proof));
        for denied in
            [HostError::Unauthorized, HostError::Forbidden { message: String::new() }, HostError::NotFound]
        {
            assert_eq!(after(&config(), Err(Some(&host(denied)))), None);
        }
        for outage in [
            HostError::RateLimited { retry_after: None },
            HostError::Unreadable { reason: "no JSON".to_owned() },
        ] {
            assert!(after(&config(), Err(Some(&host(outage)))).is_some());
        }
        assert!(after(&config(), Err(None)).is_some(), "the Secret can't be read now");
    }

    #[test]
    fn a_proof_holds_for_its_secret_and_its_host_alone() {
        assert!(config().is_proven());
        let mut other_secret = config();
        other_secret.spec.git.token_secret_ref.as_mut().expect("a token").name = "other".to_owned();
        let mut other_host = config();
        other_host.spec.git.api_url = Some("https://elsewhere.example".to_owned());
        for changed in [other_secret, other_host] {
            assert!(!changed.is_proven());
            assert_eq!(after(&changed, Err(None)), None);
        }
    }
}
