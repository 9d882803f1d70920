//! Where a comment comes from.

use tidegate_resources::IntegrationConfig;

use crate::{
    context::Context,
    runs::{
        locks::{Held, Locks},
        origin::Origin,
    },
};

/// Where a comment comes from.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// A config whose hook delivered it: its credential reads and answers.
    pub config: &'a IntegrationConfig,
    /// The event behind it.
    pub origin: &'a Origin,
    /// The lock of its pull request or commit.
    pub held: &'a Held,
    /// The other locks.
    pub locks: &'a Locks,
    /// Cluster and hosts.
    pub context: &'a Context,
}
