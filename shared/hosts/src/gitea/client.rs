//! Gitea's REST API, which Forgejo shares.

mod account;
mod answers;
mod comments;
mod lists;

use http::{HeaderValue, Method, Request, StatusCode, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use tidegate_model::{CommitSha, CommitStatus, GitRef, PullRequestNumber, RepositoryPath};
use tower::service_fn;
use url::Url;

use answers::{PullRequest, Ref, Repository, ShownHook};

use crate::client::{
    Api, Credential, Hook, HookSpec, HostError, Listing, PullRequestFacts, Transport, encoded, found,
};

/// A client of Gitea or Forgejo.
#[derive(Debug, Clone)]
pub struct GiteaClient {
    api: Api,
    site: Url,
}

impl GiteaClient {
    const MAX_PAGES: u32 = 20;

    pub(crate) fn new(transport: Transport, site: Url, credential: Credential) -> Result<Self, HostError> {
        let authorization = match credential {
            Credential::Token(token) => {
                let mut value = HeaderValue::try_from(format!("token {}", token.expose_secret()))
                    .map_err(|_| HostError::Unauthorized)?;
                value.set_sensitive(true);
                Some(value)
            }
            Credential::Anonymous => None,
            Credential::GithubApp { .. } => return Err(HostError::Unauthorized),
        };
        let service = service_fn(move |mut request: Request<_>| {
            let transport = transport.clone();
            if let Some(value) = &authorization {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
            }
            async move { transport.send(request).await }
        });
        Ok(Self { api: Api::new(service, "application/json"), site })
    }

    pub(crate) fn site(&self) -> &Url {
        &self.site
    }

    /// Follows the redirect from a path that the repository had before.
    pub(crate) async fn repository(&self, repository: &RepositoryPath) -> Result<RepositoryPath, HostError> {
        let shown: Repository = self.api.get(&format!("/api/v1/repos/{repository}")).await?;
        Ok(shown.full_name)
    }

    /// What the owner of the token may do with the code, as creating a status needs it.
    /// Source: `routers/api/v1/api.go` (`reqRepoWriter(unit.TypeCode)`) and `services/convert/repository.go` of Gitea 1.26.
    pub(crate) async fn may_set_statuses(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        let shown: Repository = self.api.get(&format!("/api/v1/repos/{repository}")).await?;
        Ok(shown.permissions.push)
    }

    pub(crate) async fn pull_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<PullRequestFacts, HostError> {
        let shown: PullRequest = self.api.get(&format!("/api/v1/repos/{repository}/pulls/{number}")).await?;
        shown.into_facts()
    }

    pub(crate) async fn ref_target(
        &self,
        repository: &RepositoryPath,
        reference: &GitRef,
    ) -> Result<Option<CommitSha>, HostError> {
        let path = match reference {
            GitRef::Branch(name) => format!("/api/v1/repos/{repository}/branches/{}", encoded(name.as_str())),
            // The commit of an annotated tag is the one behind the tag object.
            GitRef::Tag(name) => format!("/api/v1/repos/{repository}/tags/{}", encoded(name.as_str())),
        };
        let shown: Option<Ref> = found(self.api.get(&path).await)?;
        Ok(shown.map(|shown| shown.commit.sha))
    }

    pub(crate) async fn is_ancestor(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
        of: &CommitSha,
    ) -> Result<bool, HostError> {
        #[derive(Deserialize)]
        struct Comparison {
            total_commits: u64,
        }
        let path = format!("/api/v1/repos/{repository}/compare/{of}...{sha}?files=false&verification=false");
        let comparison: Option<Comparison> = found(self.api.get(&path).await)?;
        Ok(comparison.is_some_and(|comparison| comparison.total_commits == 0))
    }

    /// A commit that is missing and a repository that is hidden are both 404.
    pub(crate) async fn has_commit(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<bool, HostError> {
        let path = format!("/api/v1/repos/{repository}");
        let commit = format!("{path}/git/commits/{sha}?stat=false&verification=false&files=false");
        if found(self.api.get_page(&commit).await)?.is_some() {
            return Ok(true);
        }
        self.api.get_page(&path).await.map(|_| false)
    }

    pub(crate) async fn set_status(
        &self,
        repository: &RepositoryPath,
        status: &CommitStatus,
    ) -> Result<(), HostError> {
        let path = format!("/api/v1/repos/{repository}/statuses/{}", status.sha);
        let body = json!({
            "state": status.state.as_str(),
            "context": status.context,
            "description": status.description,
            "target_url": status.target_url,
        });
        self.api.write(Method::POST, &path, &body, &[StatusCode::CREATED]).await.map(drop)
    }

    pub(crate) async fn hooks(&self, repository: &RepositoryPath) -> Result<Vec<Hook>, HostError> {
        let mut hooks = Listing::new();
        let mut seen = 0;
        for page in 1..=Self::MAX_PAGES {
            let path = format!("/api/v1/repos/{repository}/hooks?limit=50&page={page}");
            let answer = self.api.get_page(&path).await?;
            let length = hooks.add(answer.items()?, |shown: ShownHook| Ok(shown.into_hook()));
            seen += length;
            let total = answer.header("x-total-count").and_then(|count| count.parse().ok()).unwrap_or(0);
            if length == 0 || seen >= total {
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
        let path = format!("/api/v1/repos/{repository}/hooks");
        let body = json!({
            "type": "gitea",
            "active": true,
            // `pull_request` would also bring labels, assignees, milestones and requests for reviews.
            "events": [
                "push", "delete", "pull_request_only", "pull_request_sync", "pull_request_comment",
                "pull_request_review",
            ],
            "config": {
                "url": spec.url,
                "content_type": "json",
                "secret": spec.secret.expose_secret(),
            },
        });
        let answer = self.api.write(Method::POST, &path, &body, &[StatusCode::CREATED]).await?;
        Ok(answer.read::<ShownHook>()?.id.to_string())
    }

    /// Gitea's edit keeps the old secret whatever it is given (`editHook` in its `routers/api/v1/utils/hook.go`), so
    /// another hook is made. The old one stays: with it Gitea would drop the deliveries that it still has to make
    /// (`DeleteWebhookByID` in its `models/webhook/webhook.go`). Until it is removed, all arrive twice.
    pub(crate) async fn update_hook(
        &self,
        repository: &RepositoryPath,
        _: &str,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        self.create_hook(repository, spec).await
    }

    pub(crate) async fn delete_hook(&self, repository: &RepositoryPath, id: &str) -> Result<(), HostError> {
        self.api.delete(&format!("/api/v1/repos/{repository}/hooks/{}", encoded(id))).await
    }
}
