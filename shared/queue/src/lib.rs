//! Typed SQS: an [`Envelope`](tidegate_model::Envelope) goes in, an envelope comes out.
//!
//! The queues are standard ones, at least once and in no order; `MessageGroupId` only makes them fair between
//! repositories. Duplicates and order are settled where the message is used.

mod client;
mod error;
mod message;
mod payload;
mod queue;

pub use client::Client;
pub use error::{Category, DecodeError, Operation, QueueError};
pub use message::{Message, Receipt, decode};
pub use payload::{MAX_BYTES, Payload, group_id};
pub use queue::Queue;
