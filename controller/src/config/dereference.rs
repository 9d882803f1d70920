//! Dereference: reads the Secret that a config names, and connects to its host.

use kube::ResourceExt as _;
use tidegate_keys::KeyCache;
use tidegate_model::{ConfigRef, ParseError};
use tidegate_resources::{IntegrationConfig, WebhookStatus};

use super::register::Registration;
use crate::{context::Context, host::CredentialError};

/// Why the host can't be asked about a config.
#[derive(Debug, thiserror::Error)]
pub enum DereferenceError {
    /// The config's namespace, name or salt is not valid.
    #[error(transparent)]
    Name(#[from] ParseError),
    /// The config has no credential that can be used.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

impl DereferenceError {
    /// The condition's reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Name(_) => "InvalidName",
            Self::Credential(error) => error.category(),
        }
    }
}

/// What the registration of the hook needs.
pub async fn dereference<'a>(
    config: &IntegrationConfig,
    webhook: &WebhookStatus,
    context: &'a Context,
    keys: &'a KeyCache,
) -> Result<Registration<'a>, DereferenceError> {
    let reference = ConfigRef {
        namespace: config.namespace().unwrap_or_default().parse()?,
        name: config.name_any().parse()?,
    };
    let salt = webhook.salt.parse()?;
    let client = context.hosts.for_config(config).await?;
    Ok(Registration { client, config: reference, salt, public_url: &context.settings.public_url, keys })
}
