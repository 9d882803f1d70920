//! The config loop: checks every `IntegrationConfig` and keeps its webhook on the host, until the config is deleted.
//!
//! One round for a config that stays:
//! 1. `validate` (pure): is its spec valid, and are its commit statuses its own?
//! 2. `salt` (pure): which salt has its hook? The salt is stored before the hook is registered.
//! 3. `dereference` (cluster): its credential, and with it the client of its host.
//! 4. `observe` (host): `register` makes the changes that `hook` plans, and shows the repository and the hook.
//! 5. `conditions` (pure): the new status, of what 1 and 4 found.
//! 6. `status` (cluster): one patch, if something has changed.
//!
//! `cleanup` runs behind a finalizer.

pub mod cleanup;
mod conditions;
mod dereference;
pub mod error;
mod gap;
pub mod hook;
mod observe;
pub mod proof;
pub mod register;
pub mod renamed;
mod rotation;
pub mod salt;
pub mod status;
mod unreadable;
mod validate;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, channel::mpsc, stream};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Resource as _, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        Controller, Predicate as _, PredicateConfig, WatchStreamExt,
        controller::Action,
        finalizer::{self, finalizer},
        predicates,
    },
};
use tidegate_keys::KeyCache;
use tidegate_resources::{FINALIZER, IntegrationConfig, IntegrationConfigStatus};
use tidegate_telemetry::field;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{
    dereference::dereference,
    error::ReconcileError,
    observe::{Observed, observe},
    validate::validate,
};
use crate::{
    context::Context,
    fitness::conflict,
    key::Key,
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

/// When the credential is read again: a Secret may be corrected without a change of the config.
const CORRECTED_SECRET: Duration = Duration::from_secs(30);

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
        () = rotation::watch_keys(&config_context.keys, rotated) => (),
        () = cancelled_before_first_list(&known, &stop) => (),
    }
    if stop.is_cancelled() { Ok(()) } else { Err(ConfigLoopEnded) }
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
    let validated = validate(config, &context.configs.stored());

    let webhook = salt::wanted(config, register::new_salt);
    // Before the hook exists: so a crash in between leaves no hook that can't be verified.
    status::write(config, &salt::stored(config, &webhook), api).await?;

    let observed = match dereference(config, &webhook, context, keys).await {
        Ok(registration) => observe(&registration, &webhook).await,
        Err(error) => Observed::NotAsked(error),
    };

    let limits = context.settings.limits();
    let new = conditions::build(config, validated, &observed, webhook, limits, Timestamp::now());
    status::write(config, &new, api).await?;

    match observed {
        Observed::Registered(_) => {
            let interval = context.settings.webhook_check_interval.as_duration();
            let soon = interval.min(REPLACED_HOOK_STAYS).min(keys.fresh());
            Ok(Action::requeue(if is_replaced(config, &new) { soon } else { interval }))
        }
        Observed::NotAsked(_) => Ok(Action::requeue(CORRECTED_SECRET)),
        Observed::Failed { error, .. } => Err(error.into()),
    }
}

/// Whether another hook was registered in place of the config's.
fn is_replaced(config: &IntegrationConfig, new: &IntegrationConfigStatus) -> bool {
    let id =
        |status: &IntegrationConfigStatus| status.webhook.as_ref().and_then(|webhook| webhook.id.clone());
    let before = config.status.as_ref().and_then(id);
    before.is_some() && before != id(new)
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
