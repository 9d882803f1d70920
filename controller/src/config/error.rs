//! Why a round of the config loop failed.

use kube::runtime::finalizer;

use super::{cleanup::CleanupError, register::RegisterError};

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The object could not be written.
    #[error("failed to write the status of the config")]
    Status(#[source] kube::Error),
    /// The webhook could not be removed.
    #[error(transparent)]
    Cleanup(#[from] CleanupError),
    /// The finalizer could not be set or removed.
    #[error("failed to keep the config's finalizer")]
    Finalizer(#[source] Box<finalizer::Error<Self>>),
    /// The webhook is not registered correctly; the status shows it, too.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl ReconcileError {
    pub fn category(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Cleanup(_) => "cleanup",
            Self::Finalizer(error) => match &**error {
                finalizer::Error::ApplyFailed(error) | finalizer::Error::CleanupFailed(error) => {
                    error.category()
                }
                _ => "finalizer",
            },
            Self::Register(error) => error.reason(),
        }
    }
}
