//! What the functions and the controller log: one subscriber, one set of field names, one way to start a trace.

mod chain;
pub mod field;
mod subscriber;

pub use chain::{Chain, chain};
pub use subscriber::{InitError, init};

use tidegate_model::TraceParent;

/// A trace context of random ids, for a request that came without one.
pub fn new_traceparent() -> TraceParent {
    TraceParent::from_ids(rand::random_range(1..=u128::MAX), rand::random_range(1..=u64::MAX))
        .expect("the ranges leave zero out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trace_is_new_and_well_formed() {
        let (one, other) = (new_traceparent(), new_traceparent());
        assert_ne!(one.trace_id(), other.trace_id());
        assert_eq!(one.as_str().parse::<TraceParent>().as_ref(), Ok(&one));
    }
}
