//! Bitbucket Cloud's dialect.

pub(crate) mod api;
mod nouns;
pub(crate) mod payload;
mod refs;

use std::time::Duration;

use anyhow::Result;
use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use crate::{Delivery, Forge, Hook, User, event::Payload, people::Account};

pub(crate) const API_ROOT: &str = "/2.0";

/// <https://support.atlassian.com/bitbucket-cloud/docs/troubleshoot-webhooks/>, like the next two.
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// "Webhooks may silently fail to trigger if their payload is too large."
pub(crate) const MAX_PAYLOAD: usize = 256 << 10;

/// "If the status code in the payload response is in the 500-599 range, Bitbucket automatically resends the request up to two
/// more times."
pub(crate) fn repeats(attempt: u8, response: &Result<u16>) -> bool {
    attempt < 3 && response.as_ref().is_ok_and(|status| (500..600).contains(status))
}

/// How an access token of a repository, a project or a workspace begins. `create_user` makes one that acts as the user.
pub(crate) const ACCESS_TOKEN: &str = "ATCTT3xFfGN0";

/// How a person's API token begins.
const API_TOKEN: &str = "ATATT3xFfGF0";

impl Forge {
    /// The e-mail address and the API token of a person, as Bitbucket knows them beside access tokens.
    pub fn api_token(&self, login: &str) -> Result<(String, String)> {
        let state = self.state();
        let account = state.account(login)?;
        Ok((account.user.email(), api_token(account)))
    }
}

/// How the API names a person.
pub(crate) fn uuid(user: &User) -> String {
    nouns::uuid(nouns::Kind::User, user.id)
}

fn api_token(account: &Account) -> String {
    account.token.replacen(ACCESS_TOKEN, API_TOKEN, 1)
}

/// Whether these are an account's credentials, in the API or for Git. An access token is a `Bearer`, and for Git the password of
/// `x-token-auth`. An API token is the password of the e-mail address, and for Git of the user or `x-bitbucket-api-token-auth`.
///
/// <https://support.atlassian.com/bitbucket-cloud/docs/using-access-tokens/>,
/// <https://support.atlassian.com/bitbucket-cloud/docs/using-api-tokens/>
pub(crate) fn is_shown(account: &Account, scheme: &str, name: Option<&str>, token: &str, api: bool) -> bool {
    let is_access_token = token == account.token;
    let Some(name) = name else {
        return api && is_access_token && scheme.eq_ignore_ascii_case("bearer");
    };
    let is_api_token = token == api_token(account);
    match (api, name) {
        (true, _) => is_api_token && name == account.user.email(),
        (false, "x-token-auth") => is_access_token,
        (false, _) => is_api_token && (name == "x-bitbucket-api-token-auth" || name == account.user.login),
    }
}

/// A text without `Retry-After`: <https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/414>. Since 2026 there are
/// headers. The last one holds the seconds that are left, not a time.
pub(crate) fn rate_limited(left: Duration) -> Response {
    let headers = [
        ("x-ratelimit-limit", "1000, 1000;w=3600".to_owned()),
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-reset", left.as_secs().to_string()),
    ];
    let body = "Rate limit for this resource has been exceeded";
    (StatusCode::TOO_MANY_REQUESTS, headers, body).into_response()
}

pub(crate) fn subscribes(hook: &Hook, payload: &Payload) -> bool {
    hook.events.iter().any(|event| event == payload.event)
}

/// <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#HTTP-headers>. The UUIDs have no braces here.
pub(crate) fn headers(
    delivery: &Delivery,
    signature: Option<String>,
    attempt: u8,
) -> Vec<(&'static str, String)> {
    let hook = nouns::uuid(nouns::Kind::Hook, delivery.hook);
    let mut headers = vec![
        ("User-Agent", "Bitbucket-Webhooks/2.0".to_owned()),
        ("X-Attempt-Number", attempt.to_string()),
        ("X-Event-Key", delivery.event.to_owned()),
        ("X-Hook-UUID", hook.trim_matches(['{', '}']).to_owned()),
        ("X-Request-UUID", delivery.id.clone()),
    ];
    headers.extend(signature.map(|hex| ("X-Hub-Signature", format!("sha256={hex}"))));
    headers
}
