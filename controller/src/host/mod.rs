//! Clients of the Git hosts, with the credentials that configs name. A Secret is sent only to a host that it is bound to.

mod binding;
mod cache;
mod client;

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};
use secrecy::SecretString;
use tidegate_hosts::client::{ClientSettings, Credential, EgressPolicy, HostClient, HostError};
use tidegate_resources::{GitSpec, IntegrationConfig, annotation};

use self::cache::{Cache, CacheKey};
use crate::{metrics::Metrics, settings::Settings};

pub use client::{CallError, Operation, RepositoryClient};

/// The key of a Secret with the e-mail address of a token's owner, which Bitbucket's API tokens need.
const EMAIL: &str = "email";

/// Clients of the Git hosts. A Secret is read again after a minute, or when the host denied its credential.
#[derive(Clone)]
pub struct HostClients {
    client: Client,
    settings: Arc<Settings>,
    metrics: Metrics,
    cache: Cache,
}

/// A credential that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The Secret could not be read from the cluster.
    #[error("failed to read Secret {name}")]
    Read {
        /// The Secret.
        name: String,
        /// Why.
        source: kube::Error,
    },
    /// There is no such Secret.
    #[error("Secret {0} does not exist")]
    MissingSecret(String),
    /// The Secret has no such key.
    #[error("Secret {name} has no key {key}")]
    MissingKey {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// The Secret may not be sent to the config's host.
    #[error(
        "Secret {name} may not be sent to {host}: its owner has to annotate it with tidegate.dev/host: {host}, or the operator \
         has to list the host"
    )]
    NotBound {
        /// The Secret.
        name: String,
        /// The host, with its port.
        host: String,
    },
    /// The value is no text.
    #[error("key {key} of Secret {name} is not UTF-8 text")]
    NotText {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// The config names no credential at all: only possible where the CRD's rules were not in force.
    #[error("spec.git names neither tokenSecretRef nor githubApp")]
    None,
    /// The address or the key can't be used.
    #[error("failed to set up the client of {api_url}")]
    Client {
        /// The API's address.
        api_url: String,
        /// Why.
        source: HostError,
    },
}

impl CredentialError {
    /// One word for metrics and conditions.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Read { .. } => "SecretUnreadable",
            Self::MissingSecret(_) | Self::MissingKey { .. } | Self::None => "SecretMissing",
            Self::NotBound { .. } => "SecretNotBound",
            Self::NotText { .. } => "SecretInvalid",
            Self::Client { .. } => "ClientInvalid",
        }
    }

    /// Whether it is the cluster that could not be asked, not the config that is wrong.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}

impl HostClients {
    pub(crate) fn new(client: Client, settings: Arc<Settings>, metrics: Metrics) -> Self {
        Self { client, settings, metrics, cache: Cache::default() }
    }

    /// The client of a config's repository with the config's credential.
    pub async fn for_config(&self, config: &IntegrationConfig) -> Result<RepositoryClient, CredentialError> {
        let key = CacheKey::of(config).ok_or(CredentialError::None)?;
        let client = match self.cache.get(&key) {
            Some(client) => client,
            None => self.connect(&key, &config.spec.git).await?,
        };
        let repository = config.spec.git.repository.clone();
        Ok(RepositoryClient::new(client, repository, self.cache.clone(), key, self.metrics.clone()))
    }

    async fn connect(&self, key: &CacheKey, git: &GitSpec) -> Result<Arc<HostClient>, CredentialError> {
        let secret = self.secret(&key.namespace, &key.secret.name, git).await?;
        let credential = credential(&secret, key)?;
        let settings = ClientSettings { timeout: Settings::HOST_TIMEOUT, egress: self.egress() };
        let client = HostClient::new(key.host, &key.api_url, credential, settings)
            .map_err(|source| CredentialError::Client { api_url: key.api_url.clone(), source })?;
        let client = Arc::new(client);
        self.cache.insert(key.clone(), Arc::clone(&client));
        Ok(client)
    }

    fn egress(&self) -> EgressPolicy {
        EgressPolicy::new(self.settings.allowed_hosts.iter().cloned())
    }

    /// Fails if a Secret may not be sent to the host of a config.
    pub fn check_bound(&self, secret: &Secret, git: &GitSpec) -> Result<(), CredentialError> {
        let annotation = secret.annotations().get(annotation::HOST).map(String::as_str);
        if binding::is_bound(annotation, git, &self.egress()) {
            return Ok(());
        }
        Err(CredentialError::NotBound { name: secret.name_any(), host: binding::authority(git.api_url()) })
    }

    async fn secret(&self, namespace: &str, name: &str, git: &GitSpec) -> Result<Secret, CredentialError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = secrets
            .get_opt(name)
            .await
            .map_err(|source| CredentialError::Read { name: name.to_owned(), source })?
            .ok_or_else(|| CredentialError::MissingSecret(name.to_owned()))?;
        self.check_bound(&secret, git)?;
        Ok(secret)
    }
}

/// The credential in a Secret.
fn credential(secret: &Secret, key: &CacheKey) -> Result<Credential, CredentialError> {
    let missing = || CredentialError::MissingKey { name: secret.name_any(), key: key.secret.key.clone() };
    let token = text(secret, &key.secret.key)?.ok_or_else(missing)?;
    if let Some((app_id, installation_id)) = key.app {
        return Ok(Credential::GithubApp { app_id, installation_id, private_key: token });
    }
    Ok(match text(secret, EMAIL)? {
        Some(email) => Credential::TokenOf { email, token },
        None => Credential::Token(token),
    })
}

/// The text of a key of a Secret.
fn text(secret: &Secret, key: &str) -> Result<Option<SecretString>, CredentialError> {
    let Some(value) = secret.data.as_ref().and_then(|data| data.get(key)) else { return Ok(None) };
    let text = std::str::from_utf8(&value.0)
        .map_err(|_| CredentialError::NotText { name: secret.name_any(), key: key.to_owned() })?;
    Ok(Some(text.trim().into()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;
    use tidegate_model::{Host, SecretKeyRef};

    use super::*;

    fn read(app: Option<(u64, u64)>, data: &serde_json::Value) -> Result<Credential, CredentialError> {
        let secret = json!({"metadata": {"name": "git"}, "data": data});
        let key = CacheKey {
            namespace: "ci".to_owned(),
            host: Host::Bitbucket,
            api_url: Host::Bitbucket.default_api_url().to_owned(),
            secret: SecretKeyRef { name: "git".to_owned(), key: "token".to_owned() },
            app,
        };
        credential(&serde_json::from_value(secret).expect("a Secret"), &key)
    }

    #[test]
    fn a_token_is_read_with_the_address_of_its_owner_where_the_secret_has_one() {
        // "t0ken\n" and "dora@example.com"
        let (token, email) = ("dDBrZW4K", "ZG9yYUBleGFtcGxlLmNvbQ==");
        let read_token = read(None, &json!({"token": token}));
        assert!(matches!(read_token, Ok(Credential::Token(token)) if token.expose_secret() == "t0ken"));
        let Ok(Credential::TokenOf { email: address, token: text }) =
            read(None, &json!({"token": token, "email": email}))
        else {
            unreachable!("no address")
        };
        assert_eq!((address.expose_secret(), text.expose_secret()), ("dora@example.com", "t0ken"));
        let app = read(Some((1, 2)), &json!({"token": token, "email": email}));
        assert!(matches!(app, Ok(Credential::GithubApp { app_id: 1, installation_id: 2, .. })));
        let missing = read(None, &json!({"email": email}));
        assert!(matches!(missing, Err(CredentialError::MissingKey { .. })));
        let odd = read(None, &json!({"token": token, "email": "/w=="}));
        assert!(matches!(odd, Err(CredentialError::NotText { key, .. }) if key == EMAIL));
    }
}
