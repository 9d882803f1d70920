//! GitHub's REST API.

mod account;
mod answers;
mod auth;
mod comments;
mod lists;

use http::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_model::{CommitSha, CommitStatus, GitRef, PullRequestNumber, RepositoryPath};
use tower::service_fn;
use url::Url;

use answers::{Pointer, PullRequest, Repository, ShownHook};
use auth::Authenticated;
use comments::has_next;

use crate::client::{
    Api, Credential, Hook, HookSpec, HostError, Listing, PullRequestFacts, Transport, encoded, found,
};

/// What GitHub recommends to accept.
const MEDIA_TYPE: &str = "application/vnd.github+json";

/// A client of GitHub.
#[derive(Debug, Clone)]
pub struct GithubClient {
    api: Api,
    authenticated: Authenticated,
    site: Url,
}

impl GithubClient {
    const EVENTS: [&str; 5] =
        ["commit_comment", "issue_comment", "pull_request", "pull_request_review", "push"];
    /// A tag may name a tag. Nobody nests them deeper on purpose.
    const MAX_TAG_DEPTH: usize = 5;
    const MAX_PAGES: u32 = 10;

    pub(crate) fn new(
        transport: Transport,
        api_url: &Url,
        credential: Credential,
    ) -> Result<Self, HostError> {
        let authenticated = Authenticated::new(transport, credential)?;
        let sender = authenticated.clone();
        let service = service_fn(move |request| sender.clone().send(request));
        Ok(Self { api: Api::new(service, MEDIA_TYPE), authenticated, site: site(api_url) })
    }

    pub(crate) fn site(&self) -> &Url {
        &self.site
    }

    /// Follows the redirect from a path that the repository had before.
    pub(crate) async fn repository(&self, repository: &RepositoryPath) -> Result<RepositoryPath, HostError> {
        let shown: Repository = self.api.get(&format!("/repos/{repository}")).await?;
        Ok(shown.full_name)
    }

    /// A token is its owner's: GitHub shows what the owner may do, and not which of it a fine-grained token may.
    pub(crate) async fn may_set_statuses(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        if let Some(may) = self.authenticated.installation_sets_statuses(repository).await? {
            return Ok(may);
        }
        let shown: Repository = self.api.get(&format!("/repos/{repository}")).await?;
        Ok(shown.permissions.push)
    }

    pub(crate) async fn pull_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<PullRequestFacts, HostError> {
        let shown: PullRequest = self.api.get(&format!("/repos/{repository}/pulls/{number}")).await?;
        shown.into_facts()
    }

    /// Source: <https://docs.github.com/en/rest/git/refs#get-a-reference>
    pub(crate) async fn ref_target(
        &self,
        repository: &RepositoryPath,
        reference: &GitRef,
    ) -> Result<Option<CommitSha>, HostError> {
        let short = match reference {
            GitRef::Branch(name) => format!("heads/{}", encoded(name.as_str())),
            GitRef::Tag(name) => format!("tags/{}", encoded(name.as_str())),
        };
        let mut path = format!("/repos/{repository}/git/ref/{short}");
        for _ in 0..Self::MAX_TAG_DEPTH {
            let Some(Pointer { object }) = found(self.api.get(&path).await)? else {
                return Ok(None);
            };
            if object.kind != "tag" {
                return Ok(Some(object.sha));
            }
            path = format!("/repos/{repository}/git/tags/{}", object.sha);
        }
        Err(HostError::unreadable(&format!("{reference} is a tag of a tag of a tag")))
    }

    /// Source: <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
    pub(crate) async fn is_ancestor(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
        of: &CommitSha,
    ) -> Result<bool, HostError> {
        #[derive(Deserialize)]
        struct Comparison {
            ahead_by: u64,
        }
        // Only the first page lists the files that differ.
        let path = format!("/repos/{repository}/compare/{of}...{sha}?per_page=1&page=2");
        let comparison: Option<Comparison> = found(self.api.get(&path).await)?;
        Ok(comparison.is_some_and(|comparison| comparison.ahead_by == 0))
    }

    /// A commit that is missing is 422; 404 is about the repository.
    ///
    /// Source: <https://docs.github.com/en/rest/commits/commits#get-a-commit>
    pub(crate) async fn has_commit(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<bool, HostError> {
        // Only the first page lists the changed files.
        match self.api.get_page(&format!("/repos/{repository}/commits/{sha}?per_page=1&page=2")).await {
            Ok(_) => Ok(true),
            Err(HostError::Rejected { status: StatusCode::UNPROCESSABLE_ENTITY, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn set_status(
        &self,
        repository: &RepositoryPath,
        status: &CommitStatus,
    ) -> Result<(), HostError> {
        let path = format!("/repos/{repository}/statuses/{}", status.sha);
        let body = json!({
            "state": status.state.as_str(),
            "context": status.context,
            "description": status.description,
            "target_url": status.target_url,
        });
        self.api.write(Method::POST, &path, &body, &[StatusCode::CREATED]).await.map(drop)
    }

    /// Source: <https://docs.github.com/en/rest/repos/webhooks>
    pub(crate) async fn hooks(&self, repository: &RepositoryPath) -> Result<Vec<Hook>, HostError> {
        let mut hooks = Listing::new();
        for page in 1..=Self::MAX_PAGES {
            let answer =
                self.api.get_page(&format!("/repos/{repository}/hooks?per_page=100&page={page}")).await?;
            hooks.add(answer.items()?, |shown: ShownHook| Ok(shown.into_hook()));
            if !has_next(&answer) {
                return Ok(hooks.items.into_iter().flatten().collect());
            }
        }
        Err(HostError::unreadable(&"the list of hooks has no end"))
    }

    pub(crate) async fn create_hook(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        let path = format!("/repos/{repository}/hooks");
        let answer = self.api.write(Method::POST, &path, &hook_body(spec), &[StatusCode::CREATED]).await?;
        Ok(answer.read::<ShownHook>()?.id.to_string())
    }

    pub(crate) async fn update_hook(
        &self,
        repository: &RepositoryPath,
        id: &str,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        let path = format!("/repos/{repository}/hooks/{}", encoded(id));
        let answer = self.api.write(Method::PATCH, &path, &hook_body(spec), &[StatusCode::OK]).await?;
        Ok(answer.read::<ShownHook>()?.id.to_string())
    }

    pub(crate) async fn delete_hook(&self, repository: &RepositoryPath, id: &str) -> Result<(), HostError> {
        self.api.delete(&format!("/repos/{repository}/hooks/{}", encoded(id))).await
    }
}

fn hook_body(spec: &HookSpec) -> Value {
    json!({
        "name": "web",
        "active": true,
        "events": GithubClient::EVENTS,
        "config": {
            "url": spec.url,
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": spec.secret.expose_secret(),
        },
    })
}

/// Where people and `git` go: `https://api.HOST` and `https://HOST/api/v3` both belong to `https://HOST`.
fn site(api_url: &Url) -> Url {
    let mut site = api_url.clone();
    let path = api_url.path().trim_end_matches('/');
    match (path.strip_suffix("/api/v3"), api_url.host_str().and_then(|host| host.strip_prefix("api."))) {
        (Some(root), _) => site.set_path(root),
        // The rest of a valid host name is one, so this can't fail.
        (None, Some(host)) => drop(site.set_host(Some(host))),
        (None, None) => {}
    }
    site
}
