//! Reads from the cluster and the host what a command only hints at.

use kube::{ResourceExt, api::ListParams};
use tidegate_hosts::client::{HostClient, HostError, PullRequestFacts};
use tidegate_model::{Command, CommitSha, GitRef, Host, Intention, Permission, PullRequestNumber, Source};
use tidegate_resources::IntegrationConfig;

use crate::{context::Context, host_clients::CredentialError};

/// What is known about a command's object, as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// A pull request, and its author's right in the base repository. A closed one's author is not asked for.
    PullRequest {
        /// The pull request.
        pull_request: PullRequestFacts,
        /// The author's right.
        author: Permission,
    },
    /// The host knows no such pull request.
    NoPullRequest(PullRequestNumber),
    /// A pushed commit.
    Push {
        /// The branch or tag.
        reference: GitRef,
        /// The commit.
        sha: CommitSha,
        /// Whether the commit can be reached from the branch or tag.
        reachable: bool,
    },
}

/// Why the facts can't be had.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The configs could not be read.
    #[error("failed to read IntegrationConfigs")]
    Configs(#[source] kube::Error),
    /// There is no usable credential.
    #[error("failed to get the host's credential")]
    Credential(#[source] CredentialError),
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
            Self::Configs(_) => "cluster",
            Self::Credential(error) => error.category(),
            Self::Host { source, .. } => source.category(),
        }
    }

    /// Whether it was the cluster that could not be asked.
    pub fn is_cluster(&self) -> bool {
        match self {
            Self::Configs(_) => true,
            Self::Credential(error) => error.is_transient(),
            Self::Host { .. } => false,
        }
    }

    /// How long the host wants to be left alone.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Host { source, .. } => source.retry_after(),
            Self::Configs(_) | Self::Credential(_) => None,
        }
    }
}

/// The configs that a command's hook speaks for: one, or with a GitHub App every one of that host and repository.
pub async fn configs(
    host: Host,
    source: &Source,
    command: &Command,
    context: &Context,
) -> Result<Vec<IntegrationConfig>, FactsError> {
    match source {
        Source::Config(reference) => {
            let api = context.namespaced::<IntegrationConfig>(reference.namespace.as_str());
            let served =
                context.settings.namespace.as_ref().is_none_or(|served| served == &reference.namespace);
            if !served {
                return Ok(Vec::new());
            }
            let config = api.get_opt(reference.name.as_str()).await.map_err(FactsError::Configs)?;
            Ok(config.into_iter().collect())
        }
        Source::App => {
            let all = context.served::<IntegrationConfig>().list(&ListParams::default()).await;
            let mut all = all.map_err(FactsError::Configs)?.items;
            all.retain(|config| {
                let git = &config.spec.git;
                git.type_ == host
                    && git.github_app.is_some()
                    && git.repository.is_same_as(&command.repository)
            });
            Ok(all)
        }
    }
}

/// Reads what the host knows of a command's object, with the credential of one config.
pub async fn read(
    intention: &Intention,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<Facts, FactsError> {
    let client = context.hosts.for_config(config).await.map_err(FactsError::Credential)?;
    let reader = Reader { client: &client, config, context };
    let result = match intention {
        Intention::RunPullRequest { pull_request, .. } | Intention::Cancel { pull_request } => {
            reader.pull_request(*pull_request).await
        }
        Intention::RunPush { reference, sha } => reader.push(reference, sha).await,
    };
    if let Err(FactsError::Host { source: HostError::Unauthorized | HostError::Forbidden { .. }, .. }) =
        &result
    {
        context.hosts.forget(config);
    }
    result
}

struct Reader<'a> {
    client: &'a HostClient,
    config: &'a IntegrationConfig,
    context: &'a Context,
}

impl Reader<'_> {
    async fn pull_request(&self, number: PullRequestNumber) -> Result<Facts, FactsError> {
        let repository = &self.config.spec.git.repository;
        let read = self.client.pull_request(repository, number).await;
        let pull_request = match self.count("read the pull request", read) {
            Ok(pull_request) => pull_request,
            Err(FactsError::Host { source: HostError::NotFound, .. }) => {
                return Ok(Facts::NoPullRequest(number));
            }
            Err(error) => return Err(error),
        };
        let author = if pull_request.open {
            let read = self.client.permission(repository, &pull_request.author).await;
            self.count("read the author's permission", read)?
        } else {
            Permission::None
        };
        Ok(Facts::PullRequest { pull_request, author })
    }

    async fn push(&self, reference: &GitRef, sha: &CommitSha) -> Result<Facts, FactsError> {
        let repository = &self.config.spec.git.repository;
        let reachable =
            self.count("look for the commit", self.client.contains(repository, reference, sha).await)?;
        Ok(Facts::Push { reference: reference.clone(), sha: sha.clone(), reachable })
    }

    fn count<T>(&self, operation: &'static str, result: Result<T, HostError>) -> Result<T, FactsError> {
        let outcome = result.as_ref().map_or_else(HostError::category, |_| "ok");
        self.context.metrics.host_call(self.config.spec.git.type_, operation, outcome);
        result.map_err(|source| FactsError::Host { operation, source })
    }
}

/// A config's name for logs: namespace/name.
pub fn display_name(config: &IntegrationConfig) -> String {
    format!("{}/{}", config.namespace().unwrap_or_default(), config.name_any())
}
