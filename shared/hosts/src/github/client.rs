//! GitHub's REST API.

mod account;
mod auth;
mod comments;

use http::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_model::{CommitSha, GitRef, RepositoryPath};
use tower::service_fn;
use url::Url;

use auth::{Authenticated, MEDIA_TYPE};

use crate::{
    api::{Answer, Api, Credential, HookSpec, HostError, Pages, Transport, encoded, optional},
    v3::{CommentAddress, Dialect, V3, V3Hooks},
};

/// Source: <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>
const PAGES: Pages = Pages { size: "per_page", length: 100, is_last: |answer, _, _| !has_next(answer) };

/// A client of GitHub.
#[derive(Debug, Clone)]
pub struct GithubClient {
    api: Api,
    authenticated: Authenticated,
    site: Url,
}

/// A ref or an annotated tag: both point to an object.
#[derive(Deserialize)]
struct Pointer {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: CommitSha,
    #[serde(rename = "type")]
    kind: String,
}

impl V3 for GithubClient {
    const DIALECT: Dialect = Dialect {
        ghost: "ghost",
        is_bot: |user| user.kind == "Bot",
        // Whether it is a plain issue's or a pull request's: only the pull request shows it.
        comment_address: CommentAddress::Issue,
        deliveries_name_reviews: true,
        comments_have_pages: true,
        oldest_first: "sort=created&direction=asc",
        newest_status_first: "",
        hook_events: &Self::EVENTS,
    };

    fn api(&self) -> &Api {
        &self.api
    }
}

impl GithubClient {
    const EVENTS: [&str; 5] =
        ["commit_comment", "issue_comment", "pull_request", "pull_request_review", "push"];
    /// A tag may name a tag. Nobody nests them deeper on purpose.
    const MAX_TAG_DEPTH: usize = 5;

    pub(crate) fn new(
        transport: Transport,
        api_url: &Url,
        credential: Credential,
    ) -> Result<Self, HostError> {
        let authenticated = Authenticated::new(transport, credential)?;
        let sender = authenticated.clone();
        let service = service_fn(move |request| sender.clone().send(request));
        Ok(Self { api: Api::new(service, "", MEDIA_TYPE, PAGES), authenticated, site: site(api_url) })
    }

    pub(crate) fn site(&self) -> &Url {
        &self.site
    }

    /// A token is its owner's: GitHub shows what the owner may do, and not which of it a fine-grained token may.
    pub(crate) async fn check_status_right(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        match self.authenticated.installation_sets_statuses(repository).await? {
            Some(may) => Ok(may),
            None => self.may_push(repository).await,
        }
    }

    /// One call answers it, or is refused as a whole.
    #[expect(clippy::unused_async, reason = "other hosts have to be asked")]
    pub(crate) async fn find_missing_right(&self, _: &RepositoryPath) -> Result<Option<String>, HostError> {
        Ok(None)
    }

    /// Source: <https://docs.github.com/en/rest/git/refs#get-a-reference>
    pub(crate) async fn read_ref(
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
            let Some(Pointer { object }) = optional(self.api.get(&path).await)? else {
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
        let comparison: Option<Comparison> = optional(self.api.get(&path).await)?;
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

    /// Source: <https://docs.github.com/en/rest/repos/webhooks>
    pub(crate) async fn create_hook(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        self.post_hook(repository, &hook_body(spec)).await
    }

    pub(crate) async fn update_hook(
        &self,
        repository: &RepositoryPath,
        id: &str,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        let path = format!("/repos/{repository}/hooks/{}", encoded(id));
        self.api.write(Method::PATCH, &path, &hook_body(spec), &[StatusCode::OK]).await?;
        Ok(id.to_owned())
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

fn has_next(answer: &Answer) -> bool {
    answer.header("link").is_some_and(|links| links.contains("rel=\"next\""))
}

/// Where people and `git` go: `https://api.HOST` and `https://HOST/api/v3` both belong to `https://HOST`.
pub(crate) fn site(api_url: &Url) -> Url {
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
