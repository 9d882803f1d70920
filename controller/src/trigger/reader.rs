//! Reads facts from the host of a config.

use tidegate_hosts::client::{HostError, PullRequestFacts};
use tidegate_model::{CommitSha, GitRef, PullRequestNumber, RepositoryPath};
use tidegate_resources::IntegrationConfig;

use crate::{
    context::Context,
    host::{CallError, CredentialError, RepositoryClient},
};

/// Why the facts can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Reading a config from the API server failed.
    #[error("failed to read IntegrationConfigs")]
    Configs(#[source] kube::Error),
    /// Our types can't parse a config.
    #[error("IntegrationConfig {config} can't be read: {error}")]
    Config {
        /// namespace/name
        config: String,
        /// The field, and its error.
        error: String,
    },
    /// Its credential has not proven a right in its repository yet, or no longer has it. A condition of the config shows it.
    #[error("IntegrationConfig {0} has not proven that its credential may manage hooks or set statuses")]
    Unproven(String),
    /// The controller may not list the configs of a served namespace.
    #[error("the IntegrationConfigs of namespace {0:?} can't be listed: the controller lacks the right")]
    Namespace(String),
    /// The runs of a pull request could not be read.
    #[error("failed to read IntegrationJobs")]
    Jobs(#[source] kube::Error),
    /// There is no usable credential.
    #[error("failed to get the host's credential")]
    Credential(#[source] CredentialError),
    /// The host hides the repository from the credential, or it was deleted: so a not-found inside it proves nothing.
    #[error("the host knows no repository {0}, or hides it from the credential")]
    Hidden(RepositoryPath),
    /// The host refused, or was unreachable.
    #[error(transparent)]
    Host(#[from] CallError),
}

impl FactsError {
    /// The label in metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Configs(_) | Self::Jobs(_) => "cluster",
            Self::Config { .. } | Self::Namespace(_) => "unreadable",
            Self::Unproven(_) => "unproven",
            Self::Credential(error) => error.category(),
            Self::Hidden(_) => "hidden",
            Self::Host(error) => error.source.category(),
        }
    }

    /// The pause that the host asks for.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Host(error) => error.source.retry_after(),
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

/// Calls a config's host.
pub struct Reader<'a> {
    pub client: RepositoryClient,
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
        let found = self.client.read_pull_request(number).await?;
        if found.is_none() {
            self.check_visible().await?;
        }
        Ok(found)
    }

    /// Fails while the credential can't see the repository: then a not-found inside it proves nothing.
    pub async fn check_visible(&self) -> Result<(), FactsError> {
        match self.client.read_repository().await {
            Ok(_) => Ok(()),
            Err(CallError { source: HostError::NotFound, .. }) => {
                Err(FactsError::Hidden(self.client.repository().clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub async fn ref_target(&self, reference: &GitRef) -> Result<Option<CommitSha>, FactsError> {
        Ok(self.client.read_ref(reference).await?)
    }
}
