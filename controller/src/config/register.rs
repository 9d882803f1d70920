//! Apply: registers or repairs the config's hook on the host, deletes older ones, and returns what the host shows.

use std::time::Instant;

use k8s_openapi::jiff::Timestamp;
use tidegate_hosts::{
    client::HookSpec,
    hook::{HookLabel, HookPath, Salt},
};
use tidegate_keys::{KeyCache, KeysError};
use tidegate_model::{ConfigRef, Host, RepositoryPath};
use tidegate_resources::WebhookStatus;
use tidegate_telemetry::field;

use super::{
    hook::{self, HookAction},
    salt::retired,
};
use crate::host::{CallError, RepositoryClient};

/// The parameters of a registration.
pub struct Registration<'a> {
    /// The client of the repository with the config's credential.
    pub client: RepositoryClient,
    /// The config.
    pub config: ConfigRef,
    /// The salt of the hook's path. It is stored in the status before.
    pub salt: Salt,
    /// The address that hooks deliver to, without a path.
    pub public_url: &'a str,
    /// The master keys.
    pub keys: &'a KeyCache,
}

/// The repository and its hook, as the host shows them to the config's credential.
#[derive(Debug)]
pub struct Registered {
    /// The hook as it is now.
    pub webhook: WebhookStatus,
    /// The path under which the host has the repository.
    pub repository: RepositoryPath,
    /// The right that the credential lacks to read permissions.
    pub missing_right: Option<String>,
}

/// Why a hook is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Reading the master keys failed.
    #[error("failed to get the webhook master keys")]
    Keys(#[source] KeysError),
    /// The host refused, or was unreachable.
    #[error(transparent)]
    Host(#[from] CallError),
}

impl RegisterError {
    /// The condition's reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Keys(_) => "MasterKeysUnavailable",
            Self::Host(error) => error.source.reason(),
        }
    }

    /// Whether the host itself denies the credential or the repository.
    pub fn is_denial(&self) -> bool {
        match self {
            Self::Host(error) => error.source.class().is_denial(),
            Self::Keys(_) => false,
        }
    }
}

/// A new salt.
pub fn new_salt() -> Salt {
    Salt::from_random(rand::random())
}

/// The path of a config's hook.
pub fn path(host: Host, config: &ConfigRef, salt: &Salt) -> HookPath {
    HookPath::Config { label: HookLabel::for_host(host), config: config.clone(), salt: salt.clone() }
}

/// Reads the repository, and registers its hook. `known` is the hook in the config's status.
pub async fn register(of: &Registration<'_>, known: &WebhookStatus) -> Result<Registered, RegisterError> {
    let repository = of.client.read_repository().await?;
    let missing_right = of.client.find_missing_right().await?;
    let webhook = ensure_hook(of, known).await?;
    Ok(Registered { webhook, repository, missing_right })
}

/// Compares the host's hooks with the wanted one, and corrects them. Returns the webhook for the status.
async fn ensure_hook(of: &Registration<'_>, known: &WebhookStatus) -> Result<WebhookStatus, RegisterError> {
    let keys = of.keys.get(Instant::now()).await.map_err(RegisterError::Keys)?;
    let key_id = keys.current().id();
    // A hook of another master key gets its secret again.
    let known_id = known.id.as_deref().filter(|_| known.key_id.as_ref() == Some(&key_id));
    let (host, repository) = (of.client.host(), of.client.repository());
    let (config, salt) = (&of.config, &of.salt);
    let path = path(host, config, salt);
    let url = format!("{}{path}", of.public_url);
    let prefix = url.strip_suffix(salt.as_str()).unwrap_or(&url);
    let secret = keys.current().derive(HookLabel::for_host(host), config, salt);
    let spec = HookSpec { url: url.clone(), secret };

    let hooks = of.client.list_hooks().await?;
    let mut plan = hook::plan(&hooks, prefix, &url, known_id);
    let is_kept = matches!(plan.action, HookAction::Keep(_));
    let id = match plan.action {
        HookAction::Keep(id) => id,
        HookAction::Repair(id) => {
            // If a host can't change a secret, the repaired hook is a new one, and the next check deletes the old one as a
            // duplicate.
            let id = of.client.update_hook(&id, &spec).await?;
            tracing::info!({ field::HOOK } = id, "repaired the webhook of {}", repository);
            id
        }
        HookAction::Create => {
            let id = of.client.create_hook(&spec).await?;
            tracing::info!({ field::HOOK } = id, "registered the webhook of {}", repository);
            id
        }
    };
    let retired = retired(known, is_kept, Timestamp::now());
    if !is_kept && !retired.is_empty() {
        // The hook of the previous salt stays until the next check, for its pending deliveries.
        plan.delete.clear();
    }
    for stale in plan.delete {
        of.client.delete_hook(&stale).await?;
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
