//! Commands of a repository that was renamed: they wait until its config is recreated with the new path.
//!
//! Webhooks name a repository by its present path, so after a rename every event seems to be of another repository than its
//! config's. Only the host distinguishes that from a forgery: it redirects the old path to the new one.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tidegate_model::{Command, Envelope, RepositoryPath, Source};
use tidegate_resources::{Condition, IntegrationConfig, set_condition};
use tidegate_telemetry::field;

use crate::{
    config::renamed,
    context::Context,
    error_chain,
    trigger::{
        error::TriggerError,
        reader::{FactsError, Reader},
    },
};

/// How long a host's answer about a path is cached for events that no config of an App claims: most are of repositories
/// without a config.
const FRESH: Duration = Duration::from_mins(1);

/// The latest answers of hosts about the paths of App configs.
#[derive(Debug, Default)]
pub struct Renames(Mutex<HashMap<(String, RepositoryPath), (Instant, RepositoryPath)>>);

impl Renames {
    /// Fails when the command's repository is that of a config under its new path; then the config's
    /// condition shows the new path. `configs` are those that the command's hook concerns.
    pub async fn check(
        &self,
        configs: &[IntegrationConfig],
        envelope: &Envelope<Command>,
        context: &Context,
    ) -> Result<(), TriggerError> {
        let wanted = &envelope.body.repository;
        match envelope.source {
            Source::Config(_) => {
                for config in configs.iter().filter(|config| !config.spec.git.repository.is_same_as(wanted)) {
                    let shown = read(config, context).await?;
                    compare(config, shown, wanted, context).await?;
                }
            }
            Source::App if configs.is_empty() => {
                // An unreadable config may be the one of this event.
                let (all, _) =
                    context.configs.select(|git| git.type_ == envelope.host && git.github_app.is_some());
                for config in all {
                    match self.of_app(&config, context).await {
                        Ok(shown) => compare(&config, shown, wanted, context).await?,
                        // It is most likely not the config of this event, and must not delay it.
                        Err(error) => tracing::warn!(
                            { field::CONFIG } = config.display_name(),
                            { field::ERROR } = error_chain(&error),
                            "failed to look whether {} was renamed",
                            config.spec.git.repository
                        ),
                    }
                }
            }
            Source::App => (),
        }
        Ok(())
    }

    async fn of_app(
        &self,
        config: &IntegrationConfig,
        context: &Context,
    ) -> Result<RepositoryPath, FactsError> {
        let key = (config.display_name(), config.spec.git.repository.clone());
        let known = || {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, (at, _)| at.elapsed() < FRESH);
            known.get(&key).map(|(_, shown)| shown.clone())
        };
        if let Some(shown) = known() {
            return Ok(shown);
        }
        let shown = read(config, context).await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (Instant::now(), shown.clone()));
        Ok(shown)
    }
}

async fn read(config: &IntegrationConfig, context: &Context) -> Result<RepositoryPath, FactsError> {
    let reader = Reader::new(config, context).await?;
    Ok(reader.client.read_repository().await?)
}

async fn compare(
    config: &IntegrationConfig,
    shown: RepositoryPath,
    wanted: &RepositoryPath,
    context: &Context,
) -> Result<(), TriggerError> {
    let own = &config.spec.git.repository;
    if own.is_same_as(wanted) || !shown.is_same_as(wanted) {
        return Ok(());
    }
    if let Err(error) = say(config, &shown, context).await {
        tracing::warn!(
            { field::CONFIG } = config.display_name(),
            { field::ERROR } = error_chain(&error),
            "failed to write that {own} was renamed: the config's next check does"
        );
    }
    Err(TriggerError::Renamed { own: own.clone(), shown })
}

/// Writes the condition at once; the config loop keeps it as long as it is true.
async fn say(
    config: &IntegrationConfig,
    shown: &RepositoryPath,
    context: &Context,
) -> Result<(), kube::Error> {
    let Some(verdict) = renamed::verdict(config, shown) else {
        return Ok(());
    };
    let old = config.status.clone().unwrap_or_default().conditions;
    let mut new = old.clone();
    let condition = Condition {
        type_: "Ready".to_owned(),
        status: verdict.status,
        reason: verdict.reason.to_owned(),
        message: verdict.message,
        last_transition_time: Timestamp::now().to_string(),
        observed_generation: config.metadata.generation,
    };
    set_condition(&mut new, condition);
    if new == old {
        return Ok(());
    }
    let api = context.namespaced::<IntegrationConfig>(&config.namespace().unwrap_or_default());
    // It must not overwrite a newer status of the config loop.
    let patch = json!({
        "metadata": {"resourceVersion": config.resource_version()}, "status": {"conditions": new},
    });
    api.patch_status(&config.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await.map(drop)
}
