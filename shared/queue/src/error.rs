//! What can go wrong between us and a queue.

use std::{error::Error, fmt};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::payload::MAX_BYTES;

/// A step that failed. `queue` is the queue's name.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// An envelope could not be written as JSON.
    #[error("failed to serialise a message for queue {queue}")]
    Serialize {
        /// The queue.
        queue: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An envelope is larger than a message may be.
    #[error("failed to send to queue {queue}: the message has {bytes} bytes, {MAX_BYTES} are allowed")]
    TooLarge {
        /// The queue.
        queue: String,
        /// The size of the JSON text.
        bytes: usize,
    },
    /// A request was not answered, or refused.
    #[error("failed to {operation} queue {queue}")]
    Request {
        /// The request.
        operation: Operation,
        /// The queue.
        queue: String,
        /// Whether trying later can help.
        category: Category,
        /// What the SDK says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A batch was accepted in part.
    #[error(
        "failed to {operation} queue {queue}: {failed} of {total} messages were refused, the first with {code}"
    )]
    Partial {
        /// The request.
        operation: Operation,
        /// The queue.
        queue: String,
        /// How many messages were refused.
        failed: usize,
        /// How many messages the batch had.
        total: usize,
        /// The error code of the first that was refused.
        code: String,
        /// Whether trying later can help: not when each failure was the sender's fault.
        category: Category,
    },
    /// A received message lacks what SQS always sends.
    #[error("failed to receive from queue {queue}: a message has no readable {field}")]
    Incomplete {
        /// The queue.
        queue: String,
        /// The field.
        field: &'static str,
    },
}

impl QueueError {
    pub(crate) fn request<E>(operation: Operation, queue: &str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        Self::Request {
            operation,
            queue: queue.to_owned(),
            category: Category::from_sdk(&error),
            source: Box::new(error),
        }
    }

    /// Whether trying again can help, and who must act if not.
    pub fn category(&self) -> Category {
        match self {
            Self::Serialize { .. } | Self::TooLarge { .. } => Category::Invalid,
            Self::Request { category, .. } | Self::Partial { category, .. } => *category,
            Self::Incomplete { .. } => Category::Unavailable,
        }
    }
}

/// A request to SQS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `SendMessage`, `SendMessageBatch`
    Send,
    /// `ReceiveMessage`
    Receive,
    /// `DeleteMessage`, `DeleteMessageBatch`
    Delete,
    /// `ChangeMessageVisibility`
    Extend,
    /// `GetQueueAttributes`
    Depth,
    /// `GetQueueAttributes`
    Redrive,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send => "send to",
            Self::Receive => "receive from",
            Self::Delete => "delete from",
            Self::Extend => "extend a message's visibility timeout in",
            Self::Depth => "read the depth of",
            Self::Redrive => "read the redrive policy of",
        })
    }
}

/// What an error asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Time: SQS was not reached, too slow, throttled us or failed itself.
    Unavailable,
    /// An operator: the queue doesn't exist, or the role may not use it.
    Refused,
    /// A developer: the message can't be sent as it is.
    Invalid,
}

impl Category {
    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
        }
    }

    fn from_sdk<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Self {
        match error {
            SdkError::ConstructionFailure(_) => Self::Invalid,
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                let throttled = answer.err().code().is_some_and(|code| code.contains("Throttl"));
                if status >= 500 || status == 429 || throttled { Self::Unavailable } else { Self::Refused }
            }
            // Timeouts, connections that failed, answers that can't be read.
            _ => Self::Unavailable,
        }
    }
}

/// A message's body is no envelope of what was expected.
#[derive(Debug, thiserror::Error)]
#[error("failed to decode a message of {bytes} bytes")]
pub struct DecodeError {
    /// The size of the body.
    pub bytes: usize,
    /// The place and the reason.
    #[source]
    pub source: serde_json::Error,
}
