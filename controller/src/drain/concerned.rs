//! Which configs a command concerns.

use std::sync::Arc;

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tidegate_model::{Command, Host, Source};
use tidegate_resources::{IntegrationConfig, site};

use crate::{
    config::proof,
    context::Context,
    stores::configs::{StoredConfig, UnreadableConfig},
    trigger::reader::FactsError,
};

/// The configs that a command concerns.
#[derive(Debug, Default)]
pub struct Concerned {
    /// The readable ones, the oldest first.
    pub configs: Vec<IntegrationConfig>,
    /// Why there may be more of them: the command waits for unreadable ones.
    pub unreadable: Vec<FactsError>,
}

/// The configs that a command's hook concerns: one, or with a GitHub App every config of that repository on the App's host.
/// Only those count whose credential has proven a right there; the command waits for one that isn't checked yet.
pub async fn configs(
    host: Host,
    source: &Source,
    command: &Command,
    context: &Context,
) -> Result<Concerned, FactsError> {
    match source {
        Source::Config(reference) => {
            let (namespace, name) = (reference.namespace.as_str(), reference.name.as_str());
            if !context.serves(namespace) {
                return Ok(Concerned::default());
            }
            let is_proven =
                |stored: &Arc<StoredConfig>| stored.readable().is_none_or(IntegrationConfig::is_proven);
            if let Some(stored) = context.configs.find(namespace, name).filter(is_proven) {
                return Ok(Concerned::of(&stored, context));
            }
            // It, or its proof, is newer than the store, or deleted.
            let api = context.namespaced::<StoredConfig>(namespace);
            let stored = api.get_opt(name).await.map_err(FactsError::Configs)?;
            Ok(stored.map(|stored| Concerned::of(&stored, context)).unwrap_or_default())
        }
        Source::App => {
            let app = site(&context.settings.github_app_api_url);
            let (configs, unreadable) = context.configs.select(|git| {
                git.type_ == host
                    && git.github_app.is_some()
                    && git.repository.is_same_as(&command.repository)
                    && git.site() == app
            });
            let (configs, others): (Vec<_>, Vec<_>) =
                configs.into_iter().partition(IntegrationConfig::is_proven);
            let unjudged = others.iter().filter(|config| !proof::is_denied(config));
            let unjudged = unjudged.map(|config| unproven(config, context));
            let namespaces = context.configs.unreadable_namespaces().into_iter().map(FactsError::Namespace);
            let unreadable = unreadable.iter().map(unread).chain(namespaces).chain(unjudged).collect();
            Ok(Concerned { configs, unreadable })
        }
    }
}

impl Concerned {
    fn of(stored: &StoredConfig, context: &Context) -> Self {
        match stored {
            StoredConfig::Readable(config) if !config.is_proven() => {
                Self { configs: Vec::new(), unreadable: vec![unproven(config, context)] }
            }
            StoredConfig::Readable(config) => {
                Self { configs: vec![(**config).clone()], unreadable: Vec::new() }
            }
            StoredConfig::Unreadable(config) => {
                Self { configs: Vec::new(), unreadable: vec![unread(config)] }
            }
        }
    }
}

/// The command waits for the next check of the config, which is started now.
fn unproven(config: &IntegrationConfig, context: &Context) -> FactsError {
    let namespace = config.namespace().unwrap_or_default();
    context.configs.request_check(ObjectRef::new(&config.name_any()).within(&namespace));
    FactsError::Unproven(config.display_name())
}

fn unread(config: &UnreadableConfig) -> FactsError {
    FactsError::Config { config: config.display_name(), error: config.error.clone() }
}
