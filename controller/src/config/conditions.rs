//! The conditions of a config: of its spec, and of what the host shows. Pure.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tidegate_resources::{ConditionStatus, IntegrationConfig, IntegrationConfigStatus, WebhookStatus};
use tidegate_rules::schedule::Limits;

use super::{
    observe::{Observed, Registered},
    proof::{self, CredentialCheck},
    renamed,
    status::{self, Verdict},
};
use crate::{
    fitness::{
        conflict,
        validate::{self, Invalid},
    },
    stores::configs::StoredConfig,
};

/// What can be said without the host.
pub struct SpecVerdicts {
    /// Whether the config's commit statuses are its own.
    owned: Verdict,
    /// Whether the config can be used.
    ready: Verdict,
}

/// Checks a config's spec, and that no other config sets the same commit statuses.
pub fn validate(config: &IntegrationConfig, all: &[Arc<StoredConfig>]) -> SpecVerdicts {
    let contexts =
        validate::validate_unique_contexts(config, all.iter().filter_map(|stored| stored.readable()));
    let refused = |invalid: &Invalid| Verdict::no(invalid.reason(), invalid.to_string());
    let owned = match &contexts {
        Ok(()) => Verdict::yes("Owned", "its commit statuses are its own"),
        Err(conflict) => refused(conflict),
    };
    let ready = match contexts.and_then(|()| validate::validate_all(&config.spec)) {
        Ok(()) => Verdict::yes("Valid", "the config can be used"),
        Err(invalid) => refused(&invalid),
    };
    SpecVerdicts { owned, ready }
}

/// The status after a round. `webhook` is what was known of the hook before it.
pub fn build(
    config: &IntegrationConfig,
    SpecVerdicts { owned, ready }: SpecVerdicts,
    observed: &Observed,
    webhook: WebhookStatus,
    limits: Limits,
    now: Timestamp,
) -> IntegrationConfigStatus {
    let (ready, registered, webhook, looked) = match observed {
        Observed::Registered(Registered { webhook, repository, missing_right }) => {
            let missing = missing_right.as_ref().map(|missing| Verdict::no("TokenLacksRight", missing));
            let ready = if ready.status == ConditionStatus::True { missing.unwrap_or(ready) } else { ready };
            let ready = renamed::verdict(config, repository).unwrap_or(ready);
            let message = format!("hook {} delivers to Tidegate", webhook.id.as_deref().unwrap_or_default());
            (ready, Verdict::yes("Registered", message), webhook.clone(), &CredentialCheck::Hooks)
        }
        Observed::NoCredential { reason, message } => {
            let verdict = Verdict::no(reason, message);
            (verdict.clone(), verdict, webhook, &CredentialCheck::Nothing)
        }
        Observed::Failed { error, looked } => {
            (ready, Verdict::no(error.reason(), crate::error_chain(error)), webhook, looked)
        }
    };
    let (proof, proven) = proof::after(config, looked);
    let conditions = [
        (conflict::CONTEXTS_OWNED, owned),
        ("Ready", ready),
        ("WebhookRegistered", registered),
        (proof::CREDENTIAL_PROVEN, proven),
        ("WithinLimits", status::within(config, limits)),
    ];
    let status = status::status(config, conditions, Some(webhook), now);
    IntegrationConfigStatus { proof, ..status }
}
