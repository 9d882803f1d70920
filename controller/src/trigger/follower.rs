//! For whom an act is followed.

use std::sync::Arc;

use tidegate_resources::IntegrationConfig;

use super::{error::TriggerError, proof::EventProof};
use crate::{
    context::Context,
    ledger::Book,
    runs::{locks::Held, origin::Origin},
};

/// The config and the means with which an act is carried out.
#[derive(Clone, Copy)]
pub struct Follower<'a> {
    /// The config.
    pub config: &'a IntegrationConfig,
    /// What the event behind the act proves.
    pub proof: EventProof,
    /// Where it comes from.
    pub origin: &'a Origin,
    /// The lock of its subject.
    pub held: &'a Held,
    /// Cluster and hosts.
    pub context: &'a Context,
}

impl Follower<'_> {
    /// The config's ledger.
    pub async fn book(self) -> Result<Arc<Book>, TriggerError> {
        Ok(self.context.ledgers.open(self.config).await?)
    }
}
