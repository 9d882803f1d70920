//! Asks the host about a config's repository, and registers or repairs the hook there.

use kube::ResourceExt as _;
use tidegate_keys::KeyCache;
use tidegate_model::{ConfigRef, ParseError, RepositoryPath};
use tidegate_resources::{IntegrationConfig, WebhookStatus};

use super::{
    proof::{self, CredentialCheck},
    register::{self, RegisterError, Registration},
};
use crate::context::Context;

/// The result of a round on the host.
pub enum Observed {
    /// The hook is registered as it should be.
    Registered(Registered),
    /// The host was not asked: the config has no credential that can be used.
    NoCredential { reason: &'static str, message: String },
    /// The host refused, or was unreachable.
    Failed { error: RegisterError, looked: CredentialCheck },
}

/// The repository and its hook, as the host shows them to the config's credential.
pub struct Registered {
    /// The hook as it is now.
    pub webhook: WebhookStatus,
    /// The path under which the host has the repository.
    pub repository: RepositoryPath,
    /// The right that the credential lacks to read permissions.
    pub missing_right: Option<String>,
}

/// Reads the config's credential, and with it does a round on the host.
pub async fn observe(
    config: &IntegrationConfig,
    webhook: &WebhookStatus,
    context: &Context,
    keys: &KeyCache,
) -> Observed {
    let names = reference(config).and_then(|reference| Ok((reference, webhook.salt.parse()?)));
    let (reference, salt) = match names {
        Ok(names) => names,
        Err(error) => {
            return Observed::NoCredential { reason: "InvalidName", message: error.to_string() };
        }
    };
    let client = match context.hosts.for_config(config).await {
        Ok(client) => client,
        Err(error) => {
            let message = crate::error_chain(&error);
            return Observed::NoCredential { reason: error.category(), message };
        }
    };
    let public_url = &context.settings.public_url;
    let of = Registration { client: &client, config: &reference, public_url, keys };
    let registered = async {
        let repository = register::repository(&of).await?;
        let missing_right = register::missing_right(&of).await?;
        let webhook = register::register(&of, &salt, webhook).await?;
        Ok(Registered { webhook, repository, missing_right })
    };
    match registered.await {
        Ok(registered) => Observed::Registered(registered),
        Err(error) => {
            let looked = if proof::is_denial(&error) {
                CredentialCheck::Statuses(register::may_set_statuses(&of).await)
            } else {
                CredentialCheck::Nothing
            };
            Observed::Failed { error, looked }
        }
    }
}

fn reference(config: &IntegrationConfig) -> Result<ConfigRef, ParseError> {
    Ok(ConfigRef {
        namespace: config.namespace().unwrap_or_default().parse()?,
        name: config.name_any().parse()?,
    })
}
