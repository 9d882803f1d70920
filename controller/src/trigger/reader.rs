//! Asks the host of a config.

use std::sync::Arc;

use tidegate_hosts::client::{HostClient, HostError, PullRequestFacts};
use tidegate_model::{CommitSha, GitRef, PullRequestNumber, RepositoryPath};
use tidegate_resources::IntegrationConfig;

use crate::{context::Context, host_clients::CredentialError};

/// Why the facts can't be had.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// A config could not be asked for.
    #[error("failed to read IntegrationConfigs")]
    Configs(#[source] kube::Error),
    /// A config is there, and our types can't read it.
    #[error("IntegrationConfig {config} can't be read: {error}")]
    Config {
        /// namespace/name
        config: String,
        /// The field, and what is wrong with it.
        error: String,
    },
    /// Its credential has not proven a right in its repository yet, or no longer has it. A condition of the config says so.
    #[error("IntegrationConfig {0} has not proven that its credential may manage hooks or set statuses")]
    Unproven(String),
    /// A served namespace may not be read, so that nobody knows which configs it holds.
    #[error("the IntegrationConfigs of namespace {0:?} can't be listed: the controller lacks the right")]
    Namespace(String),
    /// The runs of a pull request could not be read.
    #[error("failed to read IntegrationJobs")]
    Jobs(#[source] kube::Error),
    /// There is no usable credential.
    #[error("failed to get the host's credential")]
    Credential(#[source] CredentialError),
    /// The host hides the repository from the credential, or it is gone: what can't be found in it may be there.
    #[error("the host knows no repository {0}, or hides it from the credential")]
    Hidden(RepositoryPath),
    /// The host refused, or could not be reached.
    #[error("failed to {operation} on the host")]
    Host {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: HostError,
    },
}

impl FactsError {
    /// One word for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Configs(_) | Self::Jobs(_) => "cluster",
            Self::Config { .. } | Self::Namespace(_) => "unreadable",
            Self::Unproven(_) => "unproven",
            Self::Credential(error) => error.category(),
            Self::Hidden(_) => "hidden",
            Self::Host { source, .. } => source.category(),
        }
    }

    /// How long the host wants to be left alone.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Host { source, .. } => source.retry_after(),
            Self::Configs(_)
            | Self::Config { .. }
            | Self::Unproven(_)
            | Self::Namespace(_)
            | Self::Jobs(_)
            | Self::Credential(_)
            | Self::Hidden(_) => None,
        }
    }
}

/// Calls a config's host, and counts the calls.
pub struct Reader<'a> {
    pub client: Arc<HostClient>,
    pub config: &'a IntegrationConfig,
    context: &'a Context,
}

impl<'a> Reader<'a> {
    pub async fn new(config: &'a IntegrationConfig, context: &'a Context) -> Result<Self, FactsError> {
        let client = context.hosts.for_config(config).await.map_err(FactsError::Credential)?;
        Ok(Self { client, config, context })
    }

    pub fn context(&self) -> &'a Context {
        self.context
    }

    pub async fn find_pull_request(
        &self,
        number: PullRequestNumber,
    ) -> Result<Option<PullRequestFacts>, FactsError> {
        let read = self.client.pull_request(&self.config.spec.git.repository, number).await;
        match self.count("read the pull request", read) {
            Ok(pull_request) => Ok(Some(pull_request)),
            Err(FactsError::Host { source: HostError::NotFound, .. }) => {
                self.check_visible().await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Fails while the credential can't see the repository. Then nothing follows from what was not found in it.
    pub async fn check_visible(&self) -> Result<(), FactsError> {
        let repository = &self.config.spec.git.repository;
        let shown = self.client.repository(repository).await;
        match self.count("read the repository", shown) {
            Ok(_) => Ok(()),
            Err(FactsError::Host { source: HostError::NotFound, .. }) => {
                self.context.hosts.forget(self.config);
                Err(FactsError::Hidden(repository.clone()))
            }
            Err(error) => Err(error),
        }
    }

    pub async fn ref_target(&self, reference: &GitRef) -> Result<Option<CommitSha>, FactsError> {
        let target = self.client.ref_target(&self.config.spec.git.repository, reference).await;
        self.count("look for the ref", target)
    }

    /// Counts a call. A credential that was refused is read again next time.
    pub fn count<T>(&self, operation: &'static str, result: Result<T, HostError>) -> Result<T, FactsError> {
        let outcome = result.as_ref().map_or_else(HostError::category, |_| "ok");
        self.context.metrics.host_call(self.config.spec.git.type_, operation, outcome);
        if let Err(HostError::Unauthorized | HostError::Forbidden { .. }) = &result {
            self.context.hosts.forget(self.config);
        }
        result.map_err(|source| FactsError::Host { operation, source })
    }
}
