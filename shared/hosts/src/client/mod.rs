//! Calling the APIs of hosts.
//!
//! [`HostClient`] is the only place that knows which hosts there are. Every call ends: it has a timeout, reads are tried at
//! most three times, writes once, and answers are bounded.

mod api;
mod egress;
mod error;
mod facts;
mod transport;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tidegate_model::{
    CommentId, CommentPointer, CommitSha, CommitStatus, GitRef, Host, Login, PullRequestNumber,
    RepositoryPath,
};
use url::Url;

pub(crate) use api::{Answer, Api, encoded, found};
pub use egress::{EgressError, EgressPolicy};
pub use error::HostError;
pub use facts::{
    AccountFacts, CommentFacts, CommitCommentFacts, HeadFacts, Hook, HookSpec, Listing, PullRequestFacts,
    Reaction, RefFacts, StatusFacts,
};
pub(crate) use facts::{number_at_end, without_head};
pub(crate) use transport::Transport;

use crate::{gitea::client::GiteaClient, github::client::GithubClient};

/// Who calls.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A personal, project or bot token.
    Token(SecretString),
    /// An installed GitHub App. Other hosts have none: there it is refused like a wrong token.
    GithubApp {
        /// The App's id.
        app_id: u64,
        /// The id of its installation.
        installation_id: u64,
        /// The App's RSA key in PEM format.
        private_key: SecretString,
    },
    /// Nobody.
    Anonymous,
}

/// How a client calls.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// How long one attempt may take, from the first byte sent to the last byte read.
    pub timeout: Duration,
    /// Which addresses may be called.
    pub egress: EgressPolicy,
}

/// A client of one host's API with one credential. Clones share connections and tokens.
#[derive(Debug, Clone)]
pub enum HostClient {
    /// GitHub.
    Github(GithubClient),
    /// Gitea or Forgejo.
    Gitea(GiteaClient),
}

/// The one place that tells hosts apart.
macro_rules! on_host {
    ($self:ident, $client:ident => $call:expr) => {
        match $self {
            HostClient::Github($client) => $call,
            HostClient::Gitea($client) => $call,
        }
    };
}

impl HostClient {
    /// A client for the API at this address: `https://api.github.com`, `https://HOST/api/v3`, or the site of a Gitea.
    ///
    /// Must be called within a Tokio runtime: the GitHub client keeps a task there that ends with its last clone.
    pub fn new(
        host: Host,
        api_url: &str,
        credential: Credential,
        settings: ClientSettings,
    ) -> Result<Self, HostError> {
        let api_url: Url = api_url.parse().map_err(EgressError::from)?;
        let transport = Transport::new(&api_url, settings)?;
        Ok(match host {
            Host::Github => Self::Github(GithubClient::new(transport, &api_url, credential)?),
            Host::Gitea => Self::Gitea(GiteaClient::new(transport, api_url, credential)?),
        })
    }

    /// The path of a repository as the host has it now. A renamed one is found by its old path, too.
    pub async fn repository(&self, repository: &RepositoryPath) -> Result<RepositoryPath, HostError> {
        on_host!(self, client => client.repository(repository).await)
    }

    /// Whether the credential belongs to somebody who may set commit statuses in a repository: the owner of a token, or an App's
    /// installation.
    pub async fn may_set_statuses(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        on_host!(self, client => client.may_set_statuses(repository).await)
    }

    /// A pull request as it is now.
    pub async fn pull_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<PullRequestFacts, HostError> {
        on_host!(self, client => client.pull_request(repository, number).await)
    }

    /// The open pull requests of a repository, oldest first; at most a thousand.
    pub async fn open_pull_requests(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<PullRequestFacts>, HostError> {
        on_host!(self, client => client.open_pull_requests(repository).await)
    }

    /// The branches of a repository, then its tags; at most five thousand of each.
    pub async fn refs(&self, repository: &RepositoryPath) -> Result<Listing<RefFacts>, HostError> {
        on_host!(self, client => client.refs(repository).await)
    }

    /// What an account is, and what it may do with the code of a repository. One that the host doesn't know may do nothing.
    ///
    /// What the credential may not find out counts as not so: see [`HostClient::missing_right`].
    pub async fn account(
        &self,
        repository: &RepositoryPath,
        login: &Login,
    ) -> Result<AccountFacts, HostError> {
        on_host!(self, client => client.account(repository, login).await)
    }

    /// Which right the credential lacks to find out who may write to a repository, for people; `None` when it lacks none, as far
    /// as the host can be asked.
    pub async fn missing_right(&self, repository: &RepositoryPath) -> Result<Option<String>, HostError> {
        match self {
            // One call answers it, or is refused as a whole.
            Self::Github(_) => Ok(None),
            Self::Gitea(client) => client.missing_right(repository).await,
        }
    }

    /// The commit that a branch or tag leads to, through any tag objects; `None` when it is gone.
    pub async fn ref_target(
        &self,
        repository: &RepositoryPath,
        reference: &GitRef,
    ) -> Result<Option<CommitSha>, HostError> {
        on_host!(self, client => client.ref_target(repository, reference).await)
    }

    /// Whether a commit can be reached from another. One that is not there can't.
    pub async fn is_ancestor(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
        of: &CommitSha,
    ) -> Result<bool, HostError> {
        on_host!(self, client => client.is_ancestor(repository, sha, of).await)
    }

    /// Whether a repository has a commit. A repository that can't be read is an error, not a missing commit.
    pub async fn has_commit(&self, repository: &RepositoryPath, sha: &CommitSha) -> Result<bool, HostError> {
        on_host!(self, client => client.has_commit(repository, sha).await)
    }

    /// Writes a commit status. The host keeps the newest of each context.
    pub async fn set_status(
        &self,
        repository: &RepositoryPath,
        status: &CommitStatus,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.set_status(repository, status).await)
    }

    /// The newest statuses of a commit, newest first; at most a thousand.
    pub async fn statuses(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<Vec<StatusFacts>, HostError> {
        on_host!(self, client => client.statuses(repository, sha).await)
    }

    /// A comment on a pull request or issue of this repository; `None` when there is none of this id.
    pub async fn comment(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        on_host!(self, client => client.comment(repository, comment).await)
    }

    /// The text of a review of a pull request; `None` when there is none of this id, or it was not submitted yet.
    pub async fn review(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        review: CommentId,
    ) -> Result<Option<CommentFacts>, HostError> {
        on_host!(self, client => client.review(repository, number, review).await)
    }

    /// The comments that a pointer means, oldest first. It is one, or none any more; only reviews that one person submitted
    /// within the same second can't be told apart where deliveries don't name them.
    pub async fn comments_at(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        pointer: &CommentPointer,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let one = match pointer {
            CommentPointer::Comment(id) => self.comment(repository, *id).await?,
            CommentPointer::Review { review } => self.review(repository, number, *review).await?,
            CommentPointer::LatestReview { reviewer, shown_at } => match self {
                // Its deliveries name the review.
                Self::Github(_) => None,
                Self::Gitea(client) => {
                    return client.latest_reviews(repository, number, reviewer, shown_at).await;
                }
            },
        };
        Ok(one.into_iter().collect())
    }

    /// The comments on a pull request that were written or edited since then, oldest first.
    pub async fn comments_since(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        on_host!(self, client => client.comments_since(repository, number, since).await)
    }

    /// Comments on a pull request, in Markdown.
    pub async fn create_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        body: &str,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.create_comment(repository, number, body).await)
    }

    /// Reacts to a comment. Doing it twice is doing it once.
    pub async fn react(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
        reaction: Reaction,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.react(repository, comment, reaction).await)
    }

    /// A comment on a commit; `None` when the host has no comment of this id, or no such comments at all.
    pub async fn commit_comment(
        &self,
        repository: &RepositoryPath,
        comment: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        match self {
            Self::Github(client) => client.commit_comment(repository, comment).await,
            Self::Gitea(_) => Ok(None),
        }
    }

    /// The comments on a commit, oldest first.
    pub async fn commit_comments(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        match self {
            Self::Github(client) => client.commit_comments(repository, commit).await,
            Self::Gitea(_) => Ok(Vec::new()),
        }
    }

    /// Comments on a commit, in Markdown.
    pub async fn create_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        body: &str,
    ) -> Result<(), HostError> {
        match self {
            Self::Github(client) => client.create_commit_comment(repository, commit, body).await,
            Self::Gitea(_) => Err(HostError::NotFound),
        }
    }

    /// Every webhook of a repository.
    pub async fn hooks(&self, repository: &RepositoryPath) -> Result<Vec<Hook>, HostError> {
        on_host!(self, client => client.hooks(repository).await)
    }

    /// Registers a webhook for the events that Tidegate uses, and returns its id.
    pub async fn create_hook(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        on_host!(self, client => client.create_hook(repository, spec).await)
    }

    /// Makes a webhook what it should be, and returns the id it has then: not every host lets a secret be changed in place. Where
    /// the id is another one, the old hook is still there, for the deliveries that it has to make yet.
    pub async fn update_hook(
        &self,
        repository: &RepositoryPath,
        id: &str,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        on_host!(self, client => client.update_hook(repository, id, spec).await)
    }

    /// Removes a webhook. One that is gone already was removed well.
    pub async fn delete_hook(&self, repository: &RepositoryPath, id: &str) -> Result<(), HostError> {
        on_host!(self, client => client.delete_hook(repository, id).await)
    }

    /// Where `git` clones a repository from, without credentials.
    pub fn clone_url(&self, repository: &RepositoryPath) -> Url {
        let site = on_host!(self, client => client.site());
        let mut url = site.clone();
        url.set_path(&format!("{}/{repository}.git", site.path().trim_end_matches('/')));
        url
    }

    /// The ref that a pull request's head can be fetched by.
    pub fn pull_request_ref(&self, number: PullRequestNumber) -> String {
        match self {
            Self::Github(_) | Self::Gitea(_) => format!("refs/pull/{number}/head"),
        }
    }
}

#[cfg(test)]
mod tests;
