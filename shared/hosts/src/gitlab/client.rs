//! GitLab's REST API, version 4.

mod account;
mod answers;
mod comments;
mod hooks;
mod merge_request;
mod place;
mod places;
mod statuses;

use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tidegate_model::{CommitSha, GitRef, RefName, RepositoryPath};
use tower::service_fn;
use url::Url;

use self::{answers::Project, places::Places};
use crate::{
    api::{Answer, Api, Credential, HostError, Listing, Pages, RefFacts, Transport, optional, segment},
    body::lenient,
};

/// Source: <https://docs.gitlab.com/api/rest/#offset-based-pagination>
const PAGES: Pages = Pages { size: "per_page", length: 100, is_last: |answer, _, _| !has_next(answer) };

/// A client of GitLab. What every call needs is the scope `api` of a token; where a call's contract wants somebody who may push,
/// the role Developer, and an administrator is a Maintainer.
#[derive(Debug, Clone)]
pub struct GitlabClient {
    api: Api,
    site: Url,
    places: Places,
}

/// A branch or tag.
#[derive(Deserialize)]
struct NamedRef {
    name: RefName,
    /// Of an annotated tag, the commit behind the tag object; nothing where a tag leads to no commit.
    #[serde(default, deserialize_with = "lenient")]
    commit: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    id: CommitSha,
}

impl GitlabClient {
    /// A token of a person, project or group, or of OAuth: all are taken as `Bearer`.
    ///
    /// Source: <https://docs.gitlab.com/api/rest/authentication/>
    pub(crate) fn new(
        transport: Transport,
        api_url: &Url,
        credential: Credential,
    ) -> Result<Self, HostError> {
        let authorization = match credential {
            Credential::Token(token) | Credential::TokenOf { token, .. } => {
                let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
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
        let api = Api::new(service, "", "application/json", PAGES);
        Ok(Self { api, site: site(api_url), places: Places::default() })
    }

    pub(crate) fn site(&self) -> &Url {
        &self.site
    }

    /// A read by a path that the repository had before is redirected to its number.
    ///
    /// Source: `find_project!` in `lib/api/helpers.rb`
    pub(crate) async fn read_repository(
        &self,
        repository: &RepositoryPath,
    ) -> Result<RepositoryPath, HostError> {
        let shown: Project = self.api.get(&project(repository)).await?;
        Ok(shown.path_with_namespace)
    }

    /// Sources: <https://docs.gitlab.com/api/branches/>, <https://docs.gitlab.com/api/tags/>
    pub(crate) async fn list_refs(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<RefFacts>, HostError> {
        let of_kind = async |list: &str, kind: fn(RefName) -> GitRef| {
            let path = format!("{}/repository/{list}", project(repository));
            let read = |NamedRef { name, commit }| {
                let commit = commit.ok_or_else(|| HostError::unreadable(&"a ref without a commit"))?;
                Ok(RefFacts { reference: kind(name), sha: commit.id })
            };
            self.api.list(&path, Api::MAX_REFS, read).await
        };
        let branches = of_kind("branches", GitRef::Branch).await?;
        Ok(branches.and(of_kind("tags", GitRef::Tag).await?))
    }

    pub(crate) async fn read_ref(
        &self,
        repository: &RepositoryPath,
        reference: &GitRef,
    ) -> Result<Option<CommitSha>, HostError> {
        let (list, name) = match reference {
            GitRef::Branch(name) => ("branches", name),
            GitRef::Tag(name) => ("tags", name),
        };
        let path = format!("{}/repository/{list}/{}", project(repository), segment(name.as_str()));
        let shown: Option<NamedRef> = optional(self.api.get(&path).await)?;
        Ok(shown.and_then(|shown| shown.commit).map(|commit| commit.id))
    }

    /// An ancestor is what the two have in common. 400 says that one of them is missing, 404 that they have nothing in common.
    ///
    /// Source: <https://docs.gitlab.com/api/repositories/#retrieve-the-merge-base>
    pub(crate) async fn is_ancestor(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
        of: &CommitSha,
    ) -> Result<bool, HostError> {
        let path = format!("{}/repository/merge_base?refs%5B%5D={sha}&refs%5B%5D={of}", project(repository));
        match optional(self.api.get(&path).await) {
            Ok(base) => Ok(base.is_some_and(|base: Commit| base.id == *sha)),
            Err(HostError::Rejected { status: StatusCode::BAD_REQUEST, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A commit that is missing and a repository that is hidden are both 404.
    pub(crate) async fn has_commit(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<bool, HostError> {
        let path = project(repository);
        let commit = format!("{path}/repository/commits/{sha}?stats=false");
        if optional(self.api.get_page(&commit).await)?.is_some() {
            return Ok(true);
        }
        self.api.get_page(&path).await.map(|_| false)
    }
}

/// The path of a project in the API.
fn project(repository: &RepositoryPath) -> String {
    format!("/projects/{}", segment(repository.as_str()))
}

/// The number of the next page is empty on the last one.
fn has_next(answer: &Answer) -> bool {
    match answer.header("x-next-page") {
        Some(next) => !next.is_empty(),
        None => answer.header("link").is_some_and(|links| links.contains("rel=\"next\"")),
    }
}

/// Where people and `git` go: `https://HOST/api/v4` belongs to `https://HOST`, and a GitLab may be below a path.
pub(crate) fn site(api_url: &Url) -> Url {
    let mut site = api_url.clone();
    if let Some(root) = api_url.path().trim_end_matches('/').strip_suffix("/api/v4") {
        site.set_path(root);
    }
    site
}
