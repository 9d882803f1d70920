//! Where a run comes from.

use std::time::{SystemTime, UNIX_EPOCH};

use tidegate_model::{DeliveryId, Envelope, TraceParent};

/// Where a run comes from. It decides nothing: people and measurements read it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The delivery that brought it; `None` where no event did.
    pub delivery: Option<DeliveryId>,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// The trace that it belongs to.
    pub traceparent: Option<TraceParent>,
}

impl Origin {
    /// Of what no event brought: the controller found it by itself, now.
    pub fn here() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let accepted_at_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        Self { delivery: None, accepted_at_ms, traceparent: None }
    }

    /// Of what a delivery brought.
    pub fn of<T>(envelope: &Envelope<T>) -> Self {
        Self {
            delivery: Some(envelope.delivery.clone()),
            accepted_at_ms: envelope.received_at_ms,
            traceparent: envelope.traceparent.clone(),
        }
    }
}
