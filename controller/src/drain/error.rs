//! Why a command could not be carried out yet, and what follows from that.

use std::time::Duration;

use super::{apply::ApplyError, facts::FactsError};

/// Why a command could not be carried out yet.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// What it hints at could not be read, or not be answered.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The cluster did not take what follows from it.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// It was carried out, but the credential has written enough for now, or its host asked to be left alone.
    #[error("the credential's budget of writes is used up")]
    Busy(Duration),
}

impl CommandError {
    /// One word for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Facts(error) => error.category(),
            Self::Apply(_) => "cluster",
            Self::Busy(_) => "busy",
        }
    }

    /// How long to wait before the next try, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Facts(error) => error.retry_after(),
            Self::Apply(_) => None,
            // SQS counts in whole seconds.
            Self::Busy(wait) => Some(*wait + Duration::from_secs(1)),
        }
    }

    /// Whether the API server can't be reached or asks to be left alone.
    pub fn is_cluster_outage(&self) -> bool {
        let error = match self {
            Self::Facts(FactsError::Configs(error) | FactsError::Jobs(error))
            | Self::Apply(ApplyError::Job { source: error, .. }) => error,
            Self::Facts(error) => return error.is_cluster(),
            Self::Apply(ApplyError::NoOwner | ApplyError::Attempts(_)) | Self::Busy(_) => return false,
        };
        match error {
            kube::Error::Api(status) => status.code >= 500 || status.code == 429,
            _ => true,
        }
    }

    /// The API server's word that it will never take this.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Apply(ApplyError::Job { source: kube::Error::Api(status), .. }) if status.is_invalid() => {
                Some(format!("the API server refuses it: {}", status.message))
            }
            Self::Apply(error @ (ApplyError::NoOwner | ApplyError::Attempts(_))) => Some(error.to_string()),
            Self::Apply(_) | Self::Facts(_) | Self::Busy(_) => None,
        }
    }
}
