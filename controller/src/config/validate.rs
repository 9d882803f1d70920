//! Validate: checks a config without its host. Pure.

use std::sync::Arc;

use tidegate_resources::IntegrationConfig;

use super::status::Verdict;
use crate::{
    fitness::validate::{self, Invalid},
    stores::configs::StoredConfig,
};

/// What a config itself shows.
pub struct Validated {
    /// Whether the config's commit statuses are its own.
    pub owned: Verdict,
    /// Whether the config can be used.
    pub ready: Verdict,
}

/// Checks a config's spec, and that no other config sets the same commit statuses.
pub fn validate(config: &IntegrationConfig, all: &[Arc<StoredConfig>]) -> Validated {
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
    Validated { owned, ready }
}
