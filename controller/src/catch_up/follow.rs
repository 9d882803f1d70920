//! Follows what no event brought, as if an event had.

use tidegate_resources::IntegrationConfig;

use crate::{
    context::Context,
    runs::{
        locks::{Held, Locks},
        origin::Origin,
    },
    trigger::{Act, Follower, error::TriggerError, proof::EventProof},
};

/// The most tasks at once: a config with many open pull requests must not delay commands.
pub const IN_FLIGHT: usize = 4;

/// Carries out an act as if an event had caused it. A refusal is recorded: then the act is wanted no more.
pub async fn follow(
    config: &IntegrationConfig,
    act: Act,
    locks: &Locks,
    context: &Context,
) -> Result<(), TriggerError> {
    let held = locks.lock(act.subject(config)).await;
    follower(config, &Origin::here(), &held, context).follow(&act).await.map(drop)
}

pub fn follower<'a>(
    config: &'a IntegrationConfig,
    origin: &'a Origin,
    held: &'a Held,
    context: &'a Context,
) -> Follower<'a> {
    // The ledger holds only heads that the host showed.
    Follower { config, proof: EventProof::Signed, origin, held, context }
}
