//! Why a round of the job loop failed.

use super::{apply::ApplyError, dereference::DereferenceError, status::WriteError};

/// Why a round failed. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Dereference(#[from] DereferenceError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("failed to read the objects of the run")]
    Read(#[source] kube::Error),
}

impl ReconcileError {
    pub fn category(&self) -> &'static str {
        match self {
            Self::Dereference(DereferenceError::Credential { .. }) => "credential",
            Self::Dereference(_) => "dereference",
            Self::Apply(_) => "apply",
            Self::Write(_) => "status",
            Self::Read(_) => "read",
        }
    }
}
