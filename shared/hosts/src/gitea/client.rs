//! Gitea's REST API, which Forgejo shares.

mod account;
mod comments;

use http::{HeaderValue, Request, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use tidegate_model::{CommitSha, GitRef, RepositoryPath};
use tower::service_fn;
use url::Url;

use crate::{
    api::{Answer, Api, Credential, HookSpec, HostError, Pages, Transport, encoded, optional},
    gitea::payload::ACTIONS_USER,
    v3::{CommentAddress, Commit, Dialect, V3, V3Hooks},
};

/// Source: <https://docs.gitea.com/development/api-usage#pagination>
const PAGES: Pages = Pages { size: "limit", length: 50, is_last };

/// A client of Gitea or Forgejo.
#[derive(Debug, Clone)]
pub struct GiteaClient {
    api: Api,
    site: Url,
}

impl V3 for GiteaClient {
    const DIALECT: Dialect = Dialect {
        ghost: "Ghost",
        is_bot: |user| user.id == ACTIONS_USER,
        comment_address: CommentAddress::PullRequest,
        deliveries_name_reviews: false,
        comments_have_pages: false,
        oldest_first: "sort=oldest",
        // By the index downwards, whatever the name of the order says: `ToOrders` in `models/git/commit_status.go`.
        newest_status_first: "?sort=leastindex",
        // What `push`, `delete`, `pull_request_only`, `pull_request_sync`, `pull_request_comment` and `pull_request_review` are
        // shown as.
        hook_events: &[
            "delete",
            "pull_request",
            "pull_request_comment",
            "pull_request_review",
            "pull_request_sync",
            "push",
        ],
    };

    fn api(&self) -> &Api {
        &self.api
    }
}

impl GiteaClient {
    pub(crate) fn new(transport: Transport, site: Url, credential: Credential) -> Result<Self, HostError> {
        let authorization = match credential {
            Credential::Token(token) | Credential::TokenOf { token, .. } => {
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
        Ok(Self { api: Api::new(service, "/api/v1", "application/json", PAGES), site })
    }

    pub(crate) fn site(&self) -> &Url {
        &self.site
    }

    /// What the owner of the token may do with the code, as creating a status needs it.
    /// Source: `routers/api/v1/api.go` (`reqRepoWriter(unit.TypeCode)`) and `services/convert/repository.go` of Gitea 1.26.
    pub(crate) async fn check_status_right(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        self.may_push(repository).await
    }

    pub(crate) async fn read_ref(
        &self,
        repository: &RepositoryPath,
        reference: &GitRef,
    ) -> Result<Option<CommitSha>, HostError> {
        #[derive(Deserialize)]
        struct Shown {
            commit: Commit,
        }
        let path = match reference {
            GitRef::Branch(name) => format!("/repos/{repository}/branches/{}", encoded(name.as_str())),
            // The commit of an annotated tag is the one behind the tag object.
            GitRef::Tag(name) => format!("/repos/{repository}/tags/{}", encoded(name.as_str())),
        };
        let shown: Option<Shown> = optional(self.api.get(&path).await)?;
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
        let path = format!("/repos/{repository}/compare/{of}...{sha}?files=false&verification=false");
        let comparison: Option<Comparison> = optional(self.api.get(&path).await)?;
        Ok(comparison.is_some_and(|comparison| comparison.total_commits == 0))
    }

    /// A commit that is missing and a repository that is hidden are both 404.
    pub(crate) async fn has_commit(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<bool, HostError> {
        let path = format!("/repos/{repository}");
        let commit = format!("{path}/git/commits/{sha}?stat=false&verification=false&files=false");
        if optional(self.api.get_page(&commit).await)?.is_some() {
            return Ok(true);
        }
        self.api.get_page(&path).await.map(|_| false)
    }

    pub(crate) async fn create_hook(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
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
        self.post_hook(repository, &body).await
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
}

/// An operator can make pages shorter than what is asked for, so only the total shows which page is the last. Without it, an empty page does.
fn is_last(answer: &Answer, length: usize, seen: usize) -> bool {
    let total: Option<usize> = answer.header("x-total-count").and_then(|count| count.parse().ok());
    length == 0 || total.is_some_and(|total| seen >= total)
}
