//! Clients of the Git hosts, with the credentials that configs name. A Secret is sent only to a host that it is bound to.

mod binding;
mod cache;
mod client;

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};
use secrecy::SecretString;
use tidegate_hosts::client::{ClientSettings, Credential, EgressPolicy, HostClient, HostError};
use tidegate_model::SecretKeyRef;
use tidegate_resources::{GitSpec, IntegrationConfig, annotation};

use self::cache::{Cache, CacheKey};
use crate::{metrics::Metrics, settings::Settings};

pub use client::{CallError, Operation, RepositoryClient};

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
        let secret = self.secret(&key.namespace, &key.secret, git).await?;
        let credential = match key.app {
            Some((app_id, installation_id)) => {
                Credential::GithubApp { app_id, installation_id, private_key: secret }
            }
            None => Credential::Token(secret),
        };
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

    async fn secret(
        &self,
        namespace: &str,
        reference: &SecretKeyRef,
        git: &GitSpec,
    ) -> Result<SecretString, CredentialError> {
        let SecretKeyRef { name, key } = reference;
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let secret = secrets
            .get_opt(name)
            .await
            .map_err(|source| CredentialError::Read { name: name.clone(), source })?
            .ok_or_else(|| CredentialError::MissingSecret(name.clone()))?;
        self.check_bound(&secret, git)?;
        let value = secret
            .data
            .and_then(|mut data| data.remove(key))
            .ok_or_else(|| CredentialError::MissingKey { name: name.clone(), key: key.clone() })?;
        let text = String::from_utf8(value.0)
            .map_err(|_| CredentialError::NotText { name: name.clone(), key: key.clone() })?;
        Ok(text.trim().to_owned().into())
    }
}
