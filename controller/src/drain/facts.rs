//! Reads from the cluster and the host what a command only hints at.

use std::sync::Arc;

use kube::{ResourceExt, api::ListParams, core::DeserializeGuard, runtime::reflector::ObjectRef};
use tidegate_hosts::client::{HostClient, HostError, PullRequestFacts};
use tidegate_model::{
    Command, CommitSha, GitRef, Host, Intention, PullRequestNumber, RepositoryPath, Source,
};
use tidegate_resources::{IntegrationConfig, IntegrationJob, label, site};

use super::head::{Head, Hint};
use crate::{
    config::proof,
    configs::{StoredConfig, UnreadableConfig},
    context::Context,
    host_clients::CredentialError,
};

/// What is known about a command's object, as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// A pull request, and who controls its head.
    PullRequest {
        /// The pull request.
        pull_request: PullRequestFacts,
        /// Its head. The host is not asked about that of a closed one.
        head: Head,
    },
    /// The host knows no such pull request.
    NoPullRequest(PullRequestNumber),
    /// A pushed commit.
    Push {
        /// The branch or tag.
        reference: GitRef,
        /// The commit.
        sha: CommitSha,
        /// Where the commit is on the branch or tag; `None` when it can't be reached from there.
        place: Option<Place>,
    },
    /// A branch or tag that nothing runs for.
    Ref {
        /// The branch or tag.
        reference: GitRef,
        /// Where the event showed it; `None` when it was deleted.
        shown: Option<CommitSha>,
        /// Where the host shows it now; `None` when it is gone.
        target: Option<CommitSha>,
    },
    /// A comment on a commit: the chat reads its facts.
    CommitComment,
}

/// Where a commit is on a branch or tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The branch or tag points to it.
    Head,
    /// It is an ancestor of what the branch or tag points to.
    Behind,
}

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

/// The configs that a command concerns.
#[derive(Debug, Default)]
pub struct Concerned {
    /// Those that can be read, the oldest first.
    pub configs: Vec<IntegrationConfig>,
    /// Why there may be more of them. Not readable is not absent: the command waits for these.
    pub unreadable: Vec<FactsError>,
}

/// The configs that a command's hook speaks for: one, or with a GitHub App every one of that repository on the App's host. Only
/// those count whose credential has proven a right there; the command waits for one that the host hasn't judged yet.
pub async fn configs(
    host: Host,
    source: &Source,
    command: &Command,
    context: &Context,
) -> Result<Concerned, FactsError> {
    match source {
        Source::Config(reference) => {
            let (namespace, name) = (reference.namespace.as_str(), reference.name.as_str());
            if !context.serves(namespace) {
                return Ok(Concerned::default());
            }
            let is_proven =
                |stored: &Arc<StoredConfig>| stored.readable().is_none_or(IntegrationConfig::is_proven);
            if let Some(stored) = context.configs.find(namespace, name).filter(is_proven) {
                return Ok(Concerned::of(&stored, context));
            }
            // It, or its proof, is younger than what was seen, or gone.
            let api = context.namespaced::<StoredConfig>(namespace);
            let stored = api.get_opt(name).await.map_err(FactsError::Configs)?;
            Ok(stored.map(|stored| Concerned::of(&stored, context)).unwrap_or_default())
        }
        Source::App => {
            let app = site(&context.settings.github_app_api_url);
            let (configs, unreadable) = context.configs.select(|git| {
                git.type_ == host
                    && git.github_app.is_some()
                    && git.repository.is_same_as(&command.repository)
                    && git.site() == app
            });
            let (configs, others): (Vec<_>, Vec<_>) =
                configs.into_iter().partition(IntegrationConfig::is_proven);
            let unjudged = others.iter().filter(|config| !proof::is_denied(config));
            let unjudged = unjudged.map(|config| unproven(config, context));
            let namespaces = context.configs.unreadable_namespaces().into_iter().map(FactsError::Namespace);
            let unreadable = unreadable.iter().map(unread).chain(namespaces).chain(unjudged).collect();
            Ok(Concerned { configs, unreadable })
        }
    }
}

impl Concerned {
    fn of(stored: &StoredConfig, context: &Context) -> Self {
        match stored {
            StoredConfig::Readable(config) if !config.is_proven() => {
                Self { configs: Vec::new(), unreadable: vec![unproven(config, context)] }
            }
            StoredConfig::Readable(config) => {
                Self { configs: vec![(**config).clone()], unreadable: Vec::new() }
            }
            StoredConfig::Unreadable(config) => {
                Self { configs: Vec::new(), unreadable: vec![unread(config)] }
            }
        }
    }
}

/// The command waits for the next look at the config's host, which is made now.
fn unproven(config: &IntegrationConfig, context: &Context) -> FactsError {
    let namespace = config.namespace().unwrap_or_default();
    context.configs.request_check(ObjectRef::new(&config.name_any()).within(&namespace));
    FactsError::Unproven(display_name(config))
}

fn unread(config: &UnreadableConfig) -> FactsError {
    FactsError::Config { config: config.display_name(), error: config.error.clone() }
}

/// Reads what the host knows of the object of a command that no comment asked for, with the credential of one config.
pub async fn read(
    intention: &Intention,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<Facts, FactsError> {
    let reader = Reader::new(config, context).await?;
    match intention {
        Intention::RunPullRequest { pull_request, author, branch, .. } => {
            let hint = Hint { opener: author.as_ref(), branch: branch.as_ref() };
            reader.pull_request(*pull_request, hint).await
        }
        Intention::Cancel { pull_request } | Intention::FollowComment { pull_request, .. } => {
            reader.pull_request(*pull_request, Hint::default()).await
        }
        Intention::FollowCommitComment { .. } => Ok(Facts::CommitComment),
        Intention::RunPush { reference, sha } => reader.push(reference, sha).await,
        Intention::RecordRef { reference, sha } => {
            let target = reader.ref_target(reference).await?;
            Ok(Facts::Ref { reference: reference.clone(), shown: sha.clone(), target })
        }
    }
}

/// Every run of a pull request under a config.
pub async fn jobs_of(
    config: &IntegrationConfig,
    pull_request: PullRequestNumber,
    context: &Context,
) -> Result<Vec<IntegrationJob>, FactsError> {
    let selector = format!("{}={},{}={pull_request}", label::CONFIG, config.name_any(), label::PULL_REQUEST);
    jobs_with(&selector, config, context).await.map_err(FactsError::Jobs)
}

/// The runs in a config's namespace that a label selector finds. One that can't be read hurts only itself: it is logged,
/// counted and left out.
pub async fn jobs_with(
    selector: &str,
    config: &IntegrationConfig,
    context: &Context,
) -> kube::Result<Vec<IntegrationJob>> {
    let api = context.namespaced::<DeserializeGuard<IntegrationJob>>(&config.namespace().unwrap_or_default());
    let jobs = api.list(&ListParams::default().labels(selector)).await?;
    let readable = jobs.items.into_iter().filter_map(|DeserializeGuard(job)| {
        job.inspect_err(|unreadable| {
            let name = unreadable.metadata.name.as_deref().unwrap_or_default();
            context.metrics.reconcile_failure("drain", "unreadable");
            tracing::warn!(
                integration_job = name,
                error = unreadable.error,
                "IntegrationJob {name} can't be read: {}",
                unreadable.error
            );
        })
        .ok()
    });
    Ok(readable.collect())
}

/// Calls a config's host, and counts the calls.
pub(super) struct Reader<'a> {
    pub(super) client: Arc<HostClient>,
    pub(super) config: &'a IntegrationConfig,
    context: &'a Context,
}

impl<'a> Reader<'a> {
    pub(super) async fn new(config: &'a IntegrationConfig, context: &'a Context) -> Result<Self, FactsError> {
        let client = context.hosts.for_config(config).await.map_err(FactsError::Credential)?;
        Ok(Self { client, config, context })
    }

    pub(super) fn context(&self) -> &'a Context {
        self.context
    }

    async fn pull_request(&self, number: PullRequestNumber, hint: Hint<'_>) -> Result<Facts, FactsError> {
        let read = self.pull_request_with_head(number, hint).await?;
        let facts = read.map(|(pull_request, head)| Facts::PullRequest { pull_request, head });
        Ok(facts.unwrap_or(Facts::NoPullRequest(number)))
    }

    pub(super) async fn find_pull_request(
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
    pub(super) async fn check_visible(&self) -> Result<(), FactsError> {
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

    async fn push(&self, reference: &GitRef, sha: &CommitSha) -> Result<Facts, FactsError> {
        let repository = &self.config.spec.git.repository;
        let place = match self.ref_target(reference).await? {
            None => {
                self.check_visible().await?;
                None
            }
            Some(target) if target == *sha => Some(Place::Head),
            Some(target) => {
                let contains = self.client.is_ancestor(repository, sha, &target).await;
                self.count("look for the commit", contains)?.then_some(Place::Behind)
            }
        };
        Ok(Facts::Push { reference: reference.clone(), sha: sha.clone(), place })
    }

    pub(super) async fn ref_target(&self, reference: &GitRef) -> Result<Option<CommitSha>, FactsError> {
        let target = self.client.ref_target(&self.config.spec.git.repository, reference).await;
        self.count("look for the ref", target)
    }

    /// Counts a call. A credential that was refused is read again next time.
    pub(super) fn count<T>(
        &self,
        operation: &'static str,
        result: Result<T, HostError>,
    ) -> Result<T, FactsError> {
        let outcome = result.as_ref().map_or_else(HostError::category, |_| "ok");
        self.context.metrics.host_call(self.config.spec.git.type_, operation, outcome);
        if let Err(HostError::Unauthorized | HostError::Forbidden { .. }) = &result {
            self.context.hosts.forget(self.config);
        }
        result.map_err(|source| FactsError::Host { operation, source })
    }
}

/// A config's name for logs: namespace/name.
pub fn display_name(config: &IntegrationConfig) -> String {
    format!("{}/{}", config.namespace().unwrap_or_default(), config.name_any())
}
