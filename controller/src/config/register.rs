//! Makes the host's hooks what the config wants: registers ours, repairs it, removes what is left of older ones.

use std::time::Instant;

use k8s_openapi::jiff::Timestamp;
use tidegate_hosts::{
    client::{HookSpec, HostClient, HostError},
    hook::{HookPath, Salt},
};
use tidegate_keys::{KeyCache, KeysError};
use tidegate_model::{ConfigRef, Host, RepositoryPath};
use tidegate_resources::WebhookStatus;

use super::{
    hook::{self, Ours},
    salt::retired,
};
use crate::metrics::Metrics;

/// What a hook is registered with.
pub struct Registration<'a> {
    /// The client with the config's credential.
    pub client: &'a HostClient,
    /// The kind of host.
    pub host: Host,
    /// The repository.
    pub repository: &'a RepositoryPath,
    /// The config.
    pub config: &'a ConfigRef,
    /// The address that hooks deliver to, without a path.
    pub public_url: &'a str,
    /// The master keys.
    pub keys: &'a KeyCache,
    /// What is counted.
    pub metrics: &'a Metrics,
}

/// Why a hook is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The master keys can't be had.
    #[error("failed to get the webhook master keys")]
    Keys(#[source] KeysError),
    /// The host refused, or could not be reached.
    #[error("failed to {operation} on the host")]
    Host {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: HostError,
    },
}

impl RegisterError {
    /// The condition's reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Keys(_) => "MasterKeysUnavailable",
            Self::Host { source, .. } => source.reason(),
        }
    }
}

/// A new salt.
pub fn new_salt() -> Salt {
    Salt::from_random(rand::random())
}

/// The path of a config's hook.
pub fn path(host: Host, config: &ConfigRef, salt: &Salt) -> HookPath {
    HookPath::Config { host, config: config.clone(), salt: salt.clone() }
}

/// The path under which the host has the repository now.
pub async fn repository(of: &Registration<'_>) -> Result<RepositoryPath, RegisterError> {
    of.count("read the repository", of.client.repository(of.repository).await)
}

/// Which right the credential lacks to find out who may write.
pub async fn missing_right(of: &Registration<'_>) -> Result<Option<String>, RegisterError> {
    of.count("look for the rights of the token", of.client.missing_right(of.repository).await)
}

/// Whether the credential may set statuses.
pub async fn may_set_statuses(of: &Registration<'_>) -> Result<bool, RegisterError> {
    of.count("look for the rights of the token", of.client.may_set_statuses(of.repository).await)
}

/// Compares the host with what should be there, and mends it. Returns what to keep in the status.
pub async fn register(
    of: &Registration<'_>,
    salt: &Salt,
    known: &WebhookStatus,
) -> Result<WebhookStatus, RegisterError> {
    let keys = of.keys.get(Instant::now()).await.map_err(RegisterError::Keys)?;
    let key_id = keys.current().id();
    // A hook under another key is given its secret anew.
    let known_id = known.id.as_deref().filter(|_| known.key_id.as_ref() == Some(&key_id));
    let path = path(of.host, of.config, salt);
    let url = format!("{}{path}", of.public_url);
    let prefix = url.strip_suffix(salt.as_str()).unwrap_or(&url);
    let spec = HookSpec { url: url.clone(), secret: keys.current().derive(of.host, of.config, salt) };

    let hooks = of.count("list hooks", of.client.hooks(of.repository).await)?;
    let mut plan = hook::plan(&hooks, prefix, &url, known_id);
    let is_kept = matches!(plan.ours, Ours::Keep(_));
    let id = match plan.ours {
        Ours::Keep(id) => id,
        Ours::Repair(id) => {
            // Where a host can't change a secret, the repaired hook is another one, and the old one a double of it that
            // the next look deletes.
            let id = of.count("repair the hook", of.client.update_hook(of.repository, &id, &spec).await)?;
            tracing::info!(repo = %of.repository, config = %of.config, hook.id = id, "repaired the webhook of {}", of.repository);
            id
        }
        Ours::Create => {
            let id = of.count("create the hook", of.client.create_hook(of.repository, &spec).await)?;
            tracing::info!(repo = %of.repository, config = %of.config, hook.id = id, "registered the webhook of {}", of.repository);
            id
        }
    };
    let retired = retired(known, is_kept, Timestamp::now());
    if !is_kept && !retired.is_empty() {
        // The hook of the salt before stays until the next look, for the deliveries that it still has to make.
        plan.delete.clear();
    }
    for stale in plan.delete {
        of.count("delete a stale hook", of.client.delete_hook(of.repository, &stale).await)?;
    }
    Ok(WebhookStatus {
        salt: salt.to_string(),
        id: Some(id),
        key_id: Some(key_id),
        url: Some(url),
        retired,
        rotation: known.rotation.clone(),
    })
}

impl Registration<'_> {
    fn count<T>(&self, operation: &'static str, result: Result<T, HostError>) -> Result<T, RegisterError> {
        let outcome = result.as_ref().map_or_else(HostError::category, |_| "ok");
        self.metrics.host_call(self.host, operation, outcome);
        result.map_err(|source| RegisterError::Host { operation, source })
    }
}
