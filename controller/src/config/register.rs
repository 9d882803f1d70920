//! Apply: registers or repairs the config's hook on the host, deletes older ones, and returns what the host shows.

use std::time::Instant;

use k8s_openapi::jiff::Timestamp;
use tidegate_hosts::{
    client::{Hook, HookSpec, HostError},
    hook::{HookLabel, HookPath, Salt},
};
use tidegate_keys::{KeyCache, KeysError};
use tidegate_model::{ConfigRef, RepositoryPath};
use tidegate_resources::WebhookStatus;
use tidegate_telemetry::field;

use super::{
    gap,
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
    /// How its deliveries are proven.
    pub label: HookLabel,
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

/// The address of a config's hook.
fn url(of: &Registration<'_>, label: HookLabel) -> String {
    let path = HookPath::Config { label, config: of.config.clone(), salt: of.salt.clone() };
    format!("{}{path}", of.public_url)
}

/// Reads the repository, and registers its hook. `known` is the hook in the config's status.
pub async fn register(of: &Registration<'_>, known: &WebhookStatus) -> Result<Registered, RegisterError> {
    let repository = of.client.read_repository().await?;
    let missing_right = of.client.find_missing_right().await?;
    let (webhook, label) = ensure_hook(of, known).await?;
    Ok(Registered { webhook, label, repository, missing_right })
}

/// Compares the host's hooks with the wanted one, and corrects them. Returns the webhook for the status, and its label.
///
/// A host that can't prove its deliveries as asked gets the hook of a weaker proof.
async fn ensure_hook(
    of: &Registration<'_>,
    known: &WebhookStatus,
) -> Result<(WebhookStatus, HookLabel), RegisterError> {
    let hooks = of.client.list_hooks().await?;
    let host = of.client.host();
    let prefix = |label| url(of, label).strip_suffix(of.salt.as_str()).map(str::to_owned);
    let prefixes: Vec<String> = hook::labels(host).filter_map(prefix).collect();
    let label = hook::strongest(host, &hooks, &prefixes);
    let applied = apply(of, known, &hooks, &prefixes, label).await;
    let (label, webhook) = match (applied, label.weaker()) {
        (Err(RegisterError::Host(CallError { source: HostError::Unsupported, .. })), Some(weaker)) => {
            (weaker, apply(of, known, &hooks, &prefixes, weaker).await?)
        }
        (applied, _) => (label, applied?),
    };
    Ok((webhook, label))
}

/// Makes the hook of this label right, and deletes what else the config has there.
async fn apply(
    of: &Registration<'_>,
    known: &WebhookStatus,
    hooks: &[Hook],
    prefixes: &[String],
    label: HookLabel,
) -> Result<WebhookStatus, RegisterError> {
    let keys = of.keys.get(Instant::now()).await.map_err(RegisterError::Keys)?;
    let key_id = keys.current().id();
    // A hook of another master key gets its secret again.
    let known_id = known.id.as_deref().filter(|_| known.key_id.as_ref() == Some(&key_id));
    let (url, repository) = (url(of, label), of.client.repository());
    let spec =
        HookSpec { url: url.clone(), label, secret: keys.current().derive(label, &of.config, &of.salt) };

    let mut plan = hook::plan(hooks, label, prefixes, &url, known_id);
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
    let is_replaced = known.url.as_ref().is_some_and(|known| *known != url);
    if !is_kept && is_replaced {
        // The hook of the previous address stays until the next check, for its pending deliveries.
        plan.delete.clear();
    }
    for stale in plan.delete {
        of.client.delete_hook(&stale).await?;
    }
    let now = Timestamp::now();
    let is_interrupted = !is_replaced && hook::is_interrupted(hooks, known.id.as_deref());
    let webhook = WebhookStatus {
        salt: of.salt.to_string(),
        id: Some(id),
        key_id: Some(key_id),
        url: Some(url),
        retired: retired(known, is_kept, now),
        rotation: known.rotation.clone(),
        ..WebhookStatus::default()
    };
    Ok(gap::checked(webhook, known, is_interrupted, now))
}
