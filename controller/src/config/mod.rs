//! The config loop: checks every `IntegrationConfig` and keeps its webhook on the host, until the config is deleted.
//!
//! `conditions::validate` (pure) → `observe`: the credential, then `register` by `hook`'s plan (host) → `conditions::build` (pure)
//! → one patch; `cleanup` behind a finalizer.

pub mod cleanup;
pub mod conditions;
pub mod error;
pub mod hook;
pub mod observe;
pub mod proof;
pub mod register;
pub mod renamed;
pub mod salt;
pub mod status;
mod unreadable;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, channel::mpsc, stream};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Resource as _, ResourceExt,
    api::{Patch, PatchParams},
    core::PartialObjectMeta,
    runtime::{
        Controller, Predicate as _, PredicateConfig, WatchStreamExt,
        controller::Action,
        finalizer::{self, finalizer},
        predicates,
    },
};
use serde_json::json;
use tidegate_keys::KeyCache;
use tidegate_resources::{FINALIZER, IntegrationConfig, IntegrationConfigStatus, WebhookStatus, annotation};
use tidegate_telemetry::field;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{error::ReconcileError, observe::Observed};
use crate::{
    context::Context,
    fitness::conflict,
    key::Key,
    merge_patch,
    shutdown::cancelled_before_first_list,
    span,
    stores::{
        Interest,
        configs::{Checks, StoredConfig},
        names,
    },
};

/// How long a replaced hook stays on its host, for its pending deliveries. Less if master keys are cached for a shorter time:
/// its own key may be retired then.
const REPLACED_HOOK_STAYS: Duration = Duration::from_mins(1);

struct ConfigContext {
    context: Context,
    keys: KeyCache,
}

/// The loop ended.
#[derive(Debug, thiserror::Error)]
#[error("the watch of IntegrationConfigs ended")]
pub struct ConfigLoopEnded;

/// Runs until `stop` is cancelled.
pub async fn run(
    context: Context,
    checks: Checks,
    keys: KeyCache,
    stop: CancellationToken,
) -> Result<(), ConfigLoopEnded> {
    let meta = |config: &Arc<StoredConfig>| Interest::Wanted(config.meta().clone());
    let (known, changes) = names::<IntegrationConfig, _>(context.configs.subscribe(), meta);
    let changes = changes.predicate_filter(
        // Annotations: a person may request another salt.
        predicates::generation.combine(predicates::finalizers).combine(predicates::annotations),
        PredicateConfig::default(),
    );
    let configs = context.configs.clone();
    let freed = context.configs.subscribe().stream();
    let freed = freed.flat_map(move |change| stream::iter(conflict::to_check(&change, &configs.stored())));
    let config_context = Arc::new(ConfigContext { context, keys });
    let (rotated, rotations) = mpsc::channel(1);
    let reconciled = Controller::for_stream(changes, known.clone())
        .reconcile_all_on(rotations)
        .reconcile_on(checks)
        .reconcile_on(freed)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(reconcile, error_policy, Arc::clone(&config_context))
        .for_each(|_| std::future::ready(()));
    tokio::select! {
        () = reconciled => (),
        () = watch_keys(&config_context.keys, rotated) => (),
        () = cancelled_before_first_list(&known, &stop) => (),
    }
    if stop.is_cancelled() { Ok(()) } else { Err(ConfigLoopEnded) }
}

/// Sends when another master key becomes the current one: then every hook has to be registered again. Never ends.
async fn watch_keys(keys: &KeyCache, mut rotated: mpsc::Sender<()>) {
    let mut known = None;
    loop {
        // If the keys can't be read, each config's own round reports it.
        if let Ok(keys) = keys.get(Instant::now()).await {
            let id = keys.current().id();
            if known.replace(id.clone()).is_some_and(|known| known != id) {
                tracing::info!(
                    { field::KEY } = id,
                    "another master key is current: hooks are registered under it"
                );
                // A full channel means the same.
                drop(rotated.try_send(()));
            }
        }
        tokio::time::sleep(keys.fresh()).await;
    }
}

async fn reconcile(
    name: Arc<PartialObjectMeta<IntegrationConfig>>,
    context: Arc<ConfigContext>,
) -> Result<Action, ReconcileError> {
    let Key { namespace, name } = Key::of(&*name);
    let Some(stored) = context.context.configs.find(&namespace, &name) else {
        return Ok(Action::await_change());
    };
    let config = match &*stored {
        StoredConfig::Readable(config) => Arc::new((**config).clone()),
        StoredConfig::Unreadable(config) => return unreadable::reconcile(config, &context.context).await,
    };
    let api: Api<IntegrationConfig> = context.context.namespaced(&config.namespace().unwrap_or_default());
    let span = span::of_config(&config);
    finalizer(&api, FINALIZER, config, async |event| match event {
        finalizer::Event::Apply(config) => apply(&config, &api, &context).await,
        finalizer::Event::Cleanup(config) => {
            cleanup::cleanup(&config, &context.context, Timestamp::now()).await?;
            Ok(Action::await_change())
        }
    })
    .instrument(span)
    .await
    .map_err(|error| ReconcileError::Finalizer(Box::new(error)))
}

/// One round for a config that stays.
async fn apply(
    config: &IntegrationConfig,
    api: &Api<IntegrationConfig>,
    ConfigContext { context, keys }: &ConfigContext,
) -> Result<Action, ReconcileError> {
    let spec = conditions::validate(config, &context.configs.stored());
    let webhook = ensure_salt(config, api).await?;
    let observed = observe::observe(config, &webhook, context, keys).await;
    let limits = context.settings.limits();
    let status = conditions::build(config, spec, &observed, webhook, limits, Timestamp::now());
    patch(config, &status, api).await?;
    match observed {
        Observed::Registered(registered) => {
            let interval = context.settings.webhook_check_interval.as_duration();
            Ok(Action::requeue(if is_replaced(config, &registered.webhook) {
                interval.min(REPLACED_HOOK_STAYS).min(keys.fresh())
            } else {
                interval
            }))
        }
        // A Secret may be corrected without a change of the config.
        Observed::NoCredential { .. } => Ok(Action::requeue(Duration::from_secs(30))),
        Observed::Failed { error, .. } => Err(error.into()),
    }
}

/// Whether another hook was registered in place of the config's.
fn is_replaced(config: &IntegrationConfig, webhook: &WebhookStatus) -> bool {
    let before = config.status.as_ref().and_then(|status| status.webhook.as_ref()?.id.as_ref());
    before.is_some_and(|before| webhook.id.as_ref() != Some(before))
}

/// The webhook with its salt. The salt is written to the status before the hook is registered, so that a crash in between
/// leaves no hook that can't be verified.
async fn ensure_salt(
    config: &IntegrationConfig,
    api: &Api<IntegrationConfig>,
) -> Result<WebhookStatus, ReconcileError> {
    let known = config.status.as_ref().and_then(|status| status.webhook.as_ref());
    let request = config.annotations().get(annotation::ROTATE_WEBHOOK);
    let webhook = salt::wanted(known, request.map(String::as_str), register::new_salt);
    if known == Some(&webhook) {
        return Ok(webhook);
    }
    let salted = IntegrationConfigStatus {
        webhook: Some(webhook.clone()),
        ..config.status.clone().unwrap_or_default()
    };
    patch(config, &salted, api).await?;
    Ok(webhook)
}

async fn patch(
    config: &IntegrationConfig,
    new: &IntegrationConfigStatus,
    api: &Api<IntegrationConfig>,
) -> Result<(), ReconcileError> {
    if config.status.as_ref() == Some(new) {
        return Ok(());
    }
    let patch = Patch::Merge(json!({ "status": merge_patch::between(config.status.as_ref(), new) }));
    api.patch_status(&config.name_any(), &PatchParams::default(), &patch)
        .await
        .map_err(ReconcileError::Status)?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "kube's signature")]
fn error_policy(
    config: Arc<PartialObjectMeta<IntegrationConfig>>,
    error: &ReconcileError,
    context: Arc<ConfigContext>,
) -> Action {
    let name = config.name_any();
    context.context.metrics.reconcile_failure("config", error.category());
    tracing::warn!(
        { field::CONFIG } = format!("{}/{name}", config.namespace().unwrap_or_default()),
        { field::ERROR } = crate::error_chain(error),
        "failed to reconcile IntegrationConfig {name}"
    );
    Action::requeue(Duration::from_secs(15))
}
