//! Reads what an `IntegrationJob` refers to.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use tidegate_hosts::git_user;
use tidegate_model::{PullRequestNumber, RefName, SecretKeyRef};
use tidegate_resources::{IntegrationConfig, IntegrationJob, Pull};

use crate::{
    context::Context,
    host::{CallError, CredentialError, RepositoryClient},
};

/// Where the code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The address to fetch from. It holds no credential.
    pub clone_url: String,
    /// The ref that holds the head of each pull request, where the host keeps such refs.
    pub pull_request_refs: BTreeMap<PullRequestNumber, String>,
    /// Where the heads of forks are, where the host keeps no such refs.
    pub forks: BTreeMap<PullRequestNumber, Fork>,
    /// What the checkout step logs in with; without it the fetch is anonymous.
    pub clone_credential: Option<CloneCredential>,
}

/// Where the head of a fork is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The address to fetch from, on the same site.
    pub clone_url: String,
    /// The branch of the head.
    pub branch: RefName,
}

/// What the checkout step logs in to the host with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneCredential {
    /// The Secret with a read-only token.
    pub secret: SecretKeyRef,
    /// The user that the host expects with it.
    pub git_user: &'static str,
}

/// Something that is referred to can't be read.
#[derive(Debug, thiserror::Error)]
pub enum DereferenceError {
    /// The config was deleted, or is another one under the same name.
    #[error("IntegrationConfig {0} is gone")]
    ConfigGone(String),
    /// The run names another repository than its config.
    #[error(
        "the run is for {run}, but IntegrationConfig {config} is for {own}: a run's repository has to be its config's"
    )]
    OtherRepository {
        /// The config.
        config: String,
        /// The config's host and repository.
        own: String,
        /// The run's host and repository.
        run: String,
    },
    /// The config could not be read.
    #[error("failed to read IntegrationConfig {name}")]
    Config {
        /// The config.
        name: String,
        /// Why.
        source: kube::Error,
    },
    /// The Secret of the clone credential is missing, or has no such key: a pod that mounts it would never start.
    #[error("Secret {name} of git.cloneSecretRef has no key {key}, or does not exist")]
    CloneSecret {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// The Secret of the clone credential could not be read.
    #[error("failed to read Secret {name}")]
    Secret {
        /// The Secret.
        name: String,
        /// Why.
        source: kube::Error,
    },
    /// The host did not show where the head of a pull request is.
    #[error("failed to read pull request {number}")]
    PullRequest {
        /// The pull request.
        number: PullRequestNumber,
        /// Why.
        source: CallError,
    },
    /// The config's credential can't be used.
    #[error("failed to use the credential of IntegrationConfig {name}")]
    Credential {
        /// The config.
        name: String,
        /// Why.
        source: CredentialError,
    },
}

impl DereferenceError {
    /// The reason, as a condition's.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ConfigGone(_) => "ConfigGone",
            Self::OtherRepository { .. } => "RepositoryMismatch",
            Self::Config { .. } => "ConfigUnreadable",
            Self::CloneSecret { .. } => "CloneSecretMissing",
            Self::Secret { .. } => "SecretUnreadable",
            Self::PullRequest { source, .. } => source.source.reason(),
            Self::Credential { source, .. } => source.category(),
        }
    }

    /// Whether the API server gave no answer. Then nothing is known, and nothing can be written.
    pub fn is_unanswered(&self) -> bool {
        match self {
            Self::Config { source, .. }
            | Self::Secret { source, .. }
            | Self::Credential { source: CredentialError::Read { source, .. }, .. } => {
                !matches!(source, kube::Error::Api(_))
            }
            Self::ConfigGone(_)
            | Self::OtherRepository { .. }
            | Self::CloneSecret { .. }
            | Self::PullRequest { .. }
            | Self::Credential { .. } => false,
        }
    }
}

/// The config that an `IntegrationJob` was made from, if both are for one repository.
pub async fn config(job: &IntegrationJob, context: &Context) -> Result<IntegrationConfig, DereferenceError> {
    let config = find_config(job, context).await?;
    let (git, spec) = (&config.spec.git, &job.spec);
    if git.type_ == spec.host && git.repository.is_same_as(&spec.repository) {
        return Ok(config);
    }
    Err(DereferenceError::OtherRepository {
        config: spec.config.name.clone(),
        own: format!("{} on {}", git.repository, git.type_),
        run: format!("{} on {}", spec.repository, spec.host),
    })
}

async fn find_config(job: &IntegrationJob, context: &Context) -> Result<IntegrationConfig, DereferenceError> {
    if let Some(config) = context.configs.of(job) {
        return Ok(config);
    }
    // It is younger than what was seen, or gone.
    let name = &job.spec.config.name;
    let config = context
        .namespaced::<IntegrationConfig>(&job.namespace().unwrap_or_default())
        .get_opt(name)
        .await
        .map_err(|source| DereferenceError::Config { name: name.clone(), source })?;
    config
        .filter(|config| config.metadata.uid.as_ref() == Some(&job.spec.config.uid))
        .ok_or_else(|| DereferenceError::ConfigGone(name.clone()))
}

/// Where the code of an `IntegrationJob` comes from.
pub async fn source(job: &IntegrationJob, context: &Context) -> Result<Source, DereferenceError> {
    let config = config(job, context).await?;
    let host = context
        .hosts
        .for_config(&config)
        .await
        .map_err(|source| DereferenceError::Credential { name: config.name_any(), source })?;
    let clone_credential = match &config.spec.git.clone_secret_ref {
        Some(reference) => Some(clone_credential(reference, &config, job, context).await?),
        None => None,
    };
    let of_pull = |pull: &Pull| Some((pull.number, host.pull_request_ref(pull.number)?));
    let pull_request_refs: BTreeMap<_, _> = job.spec.pulls.iter().filter_map(of_pull).collect();
    let mut forks = BTreeMap::new();
    for pull in job.spec.pulls.iter().filter(|pull| !pull_request_refs.contains_key(&pull.number)) {
        if let Some(fork) = fork(pull, &host).await? {
            forks.insert(pull.number, fork);
        }
    }
    Ok(Source { clone_url: host.clone_url(), pull_request_refs, forks, clone_credential })
}

/// Where the head of a pull request is, if that is a fork. One that is gone, or shows no fork, is fetched from the base.
async fn fork(pull: &Pull, host: &RepositoryClient) -> Result<Option<Fork>, DereferenceError> {
    let shown = host.read_pull_request(pull.number).await;
    let shown = shown.map_err(|source| DereferenceError::PullRequest { number: pull.number, source })?;
    let Some(head) = shown.map(|shown| shown.head) else { return Ok(None) };
    let (Some(repository), Some(branch)) = (head.repository, head.branch) else { return Ok(None) };
    let is_fork = !repository.is_same_as(host.repository());
    Ok(is_fork.then(|| Fork { clone_url: host.clone_url_of(&repository), branch }))
}

/// Checks that the checkout step can mount the Secret, and may send it to the host.
async fn clone_credential(
    reference: &SecretKeyRef,
    config: &IntegrationConfig,
    job: &IntegrationJob,
    context: &Context,
) -> Result<CloneCredential, DereferenceError> {
    let SecretKeyRef { name, key } = reference;
    let secret = context
        .namespaced::<Secret>(&job.namespace().unwrap_or_default())
        .get_opt(name)
        .await
        .map_err(|source| DereferenceError::Secret { name: name.clone(), source })?;
    if let Some(secret) = &secret {
        // The checkout step sends it to the site of the API.
        context
            .hosts
            .check_bound(secret, &config.spec.git)
            .map_err(|source| DereferenceError::Credential { name: config.name_any(), source })?;
    }
    let data = secret.and_then(|secret| secret.data);
    let Some(token) = data.as_ref().and_then(|data| data.get(key)) else {
        return Err(DereferenceError::CloneSecret { name: name.clone(), key: key.clone() });
    };
    let git_user = git_user(config.spec.git.type_, &String::from_utf8_lossy(&token.0));
    Ok(CloneCredential { secret: reference.clone(), git_user })
}
