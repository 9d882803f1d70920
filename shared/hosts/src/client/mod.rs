//! Calling the APIs of hosts.
//!
//! [`HostClient`] is the only place that knows which hosts there are. Its calls, with the contract of each, are in `calls`.

#[macro_use]
mod on_host;
mod calls;

use tidegate_model::{Capabilities, Host, RepositoryPath};
use url::Url;

pub use crate::api::{
    AccountFacts, ClientSettings, CommentFacts, CommitCommentFacts, Credential, EgressError, EgressPolicy,
    ErrorClass, HeadFacts, Hook, HookSpec, HostError, Listing, PullRequestFacts, Reaction, RefFacts,
    StatusFacts,
};
use crate::{
    api::Transport, bitbucket::client::BitbucketClient, capabilities, gitea::client::GiteaClient,
    github::client::GithubClient, gitlab::client::GitlabClient,
};

/// A client of one host's API with one credential: the port that every host implements. Clones share connections and tokens.
///
/// The contract of each call stands at the call. For all of them:
///
/// - **Time.** A call ends: each attempt has the time of [`ClientSettings::timeout`], and its answer is bounded.
/// - **Retries.** A read is tried up to three times while its error is [transient](ErrorClass::is_transient) and the host
///   doesn't ask for a longer wait than five seconds. A write is tried once: its caller repeats it.
/// - **Not found.** A host answers "not found" for what is hidden, too. A call that returns an `Option` or a `bool` says
///   `None` or `false` for an object that is not there; in every other place it is [`HostError::NotFound`]. So nothing
///   follows from an absence until [`read_repository`](Self::read_repository) has succeeded.
/// - **Lists.** An item that can't be read is left out and logged.
/// - **What a host lacks.** A call that the host has no route for, as its [`capabilities`](Self::capabilities) say, fails
///   with [`HostError::Unsupported`] without being sent.
/// - **Rights.** What a call names as its right is the least: GitHub's permission of an App or a fine-grained token, then
///   Gitea's scope of a token and what its owner has to be. GitLab's and Bitbucket's are in their folders.
#[derive(Debug, Clone)]
pub enum HostClient {
    /// GitHub.
    Github(GithubClient),
    /// GitLab.
    Gitlab(GitlabClient),
    /// Gitea or Forgejo.
    Gitea(GiteaClient),
    /// Bitbucket Cloud.
    Bitbucket(BitbucketClient),
}

impl HostClient {
    /// A client of the API at this address: `https://api.github.com`, `https://HOST/api/v3`, `https://HOST/api/v4` of a GitLab,
    /// `https://api.bitbucket.org/2.0`, or the site of a Gitea.
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
            Host::Gitlab => Self::Gitlab(GitlabClient::new(transport, &api_url, credential)?),
            Host::Gitea => Self::Gitea(GiteaClient::new(transport, api_url, credential)?),
            Host::Bitbucket => Self::Bitbucket(BitbucketClient::new(transport, &api_url, credential)?),
        })
    }

    /// What kinds of things the host offers.
    pub fn capabilities(&self) -> &'static Capabilities {
        capabilities(self.host())
    }

    /// Where `git` clones a repository from, without credentials.
    pub fn clone_url(&self, repository: &RepositoryPath) -> Url {
        let site = on_host!(self, client => client.site());
        let mut url = site.clone();
        url.set_path(&format!("{}/{repository}.git", site.path().trim_end_matches('/')));
        url
    }

    fn host(&self) -> Host {
        match self {
            Self::Github(_) => Host::Github,
            Self::Gitlab(_) => Host::Gitlab,
            Self::Gitea(_) => Host::Gitea,
            Self::Bitbucket(_) => Host::Bitbucket,
        }
    }
}

/// Where people and `git` go, for the address of an API; `None` for what is no address.
pub fn site(host: Host, api_url: &str) -> Option<Url> {
    let api_url = api_url.parse().ok()?;
    Some(match host {
        Host::Github => crate::github::client::site(&api_url),
        Host::Gitlab => crate::gitlab::client::site(&api_url),
        Host::Gitea => api_url,
        Host::Bitbucket => crate::bitbucket::client::site(&api_url),
    })
}

#[cfg(test)]
mod tests;
