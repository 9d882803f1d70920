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

/// How much is done at once: a config of many open pull requests must not keep commands from the host.
pub const IN_FLIGHT: usize = 4;

/// Follows an act as if an event had brought it. One that is refused is recorded: it is wanted no more.
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
    // The ledger remembers only heads that the host showed.
    Follower { config, proof: EventProof::Signed, origin, held, context }
}
