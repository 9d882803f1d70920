//! Bitbucket Cloud's REST API 2.0.
//!
//! The scopes that the calls need, in the words of access tokens (of API tokens in brackets):
//!
//! | calls | scope |
//! |---|---|
//! | repository, refs, commits, statuses, comments on commits | `repository` (`read:repository:bitbucket`) |
//! | pull requests and their comments | `pullrequest` (`read:pullrequest:bitbucket`, `write:pullrequest:bitbucket` to comment) |
//! | hooks, by an administrator of the repository | `webhook` (`read:webhook:bitbucket`, `write:webhook:bitbucket`) |
//! | what another person may do, by an administrator | `repository:admin` (`admin:repository:bitbucket`) |
//!
//! To set a status, a scope to read the repository is enough.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication>

mod account;
mod comments;
mod hooks;
mod pages;
mod pull_requests;
mod refs;
mod statuses;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tidegate_model::RepositoryPath;
use tower::service_fn;
use url::Url;

use super::token;
use crate::api::{Api, Credential, HostError, Pages, Transport};

/// How most lists are asked for. [`BitbucketClient::list`] finds their pages by itself.
const PAGES: Pages = Pages { size: "pagelen", length: 100, is_last: |_, _, _| true };

/// A client of Bitbucket Cloud.
#[derive(Debug, Clone)]
pub struct BitbucketClient {
    api: Api,
    api_url: Url,
    site: Url,
    caller: Caller,
}

/// Whose rights the credential has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A person's, or nobody's.
    Account,
    /// Those that an access token was made with: it belongs to no person.
    AccessToken,
}

impl BitbucketClient {
    pub(crate) fn new(
        transport: Transport,
        api_url: &Url,
        credential: Credential,
    ) -> Result<Self, HostError> {
        let (authorization, caller) = match credential {
            Credential::TokenOf { email, token } if !token::is_access_token(token.expose_secret()) => {
                let pair = format!("{}:{}", email.expose_secret(), token.expose_secret());
                (Some(sensitive(&format!("Basic {}", STANDARD.encode(pair)))?), Caller::Account)
            }
            Credential::Token(token) | Credential::TokenOf { token, .. } => {
                let value = sensitive(&format!("Bearer {}", token.expose_secret()))?;
                (Some(value), Caller::AccessToken)
            }
            Credential::Anonymous => (None, Caller::Account),
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
        Ok(Self { api, api_url: api_url.clone(), site: site(api_url), caller })
    }

    pub(crate) fn site(&self) -> &Url {
        &self.site
    }

    /// Follows the redirect from a path that the repository had before.
    pub(crate) async fn read_repository(
        &self,
        repository: &RepositoryPath,
    ) -> Result<RepositoryPath, HostError> {
        #[derive(Deserialize)]
        struct Shown {
            full_name: RepositoryPath,
        }
        let shown: Shown = self.api.get(&format!("/repositories/{repository}?fields=full_name")).await?;
        Ok(shown.full_name)
    }
}

fn sensitive(value: &str) -> Result<HeaderValue, HostError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| HostError::Unauthorized)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Where people and `git` go: `https://api.bitbucket.org/2.0` belongs to `https://bitbucket.org`.
pub(crate) fn site(api_url: &Url) -> Url {
    let mut site = api_url.clone();
    let path = api_url.path().trim_end_matches('/');
    site.set_path(path.strip_suffix("/2.0").unwrap_or(path));
    if let Some(host) = api_url.host_str().and_then(|host| host.strip_prefix("api."))
        && site.set_host(Some(host)).is_err()
    {
        return api_url.clone();
    }
    site
}
