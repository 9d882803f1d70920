//! Where a run comes from.

use std::time::{SystemTime, UNIX_EPOCH};

use tidegate_model::{DeliveryId, Envelope, TraceParent};

/// Where a run comes from: for people and metrics, never for a decision.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The delivery that caused it; `None` without an event.
    pub delivery: Option<DeliveryId>,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// The trace that it belongs to.
    pub traceparent: Option<TraceParent>,
}

impl Origin {
    /// The origin of a run without an event: accepted now.
    pub fn here() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let accepted_at_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        Self { delivery: None, accepted_at_ms, traceparent: None }
    }

    /// The origin of a run that a delivery caused.
    pub fn of<T>(envelope: &Envelope<T>) -> Self {
        Self {
            delivery: Some(envelope.delivery.clone()),
            accepted_at_ms: envelope.received_at_ms,
            traceparent: envelope.traceparent.clone(),
        }
    }
}
