//! The kinds of tokens. Their first letters differ.

/// What access tokens begin with: those of a repository, a project or a workspace.
///
/// Source: <https://support.atlassian.com/bitbucket-cloud/docs/access-tokens/>
const ACCESS_TOKEN: &str = "ATCT";

/// The user that `git` logs in as with an access token.
///
/// Source: <https://support.atlassian.com/bitbucket-cloud/docs/using-project-access-tokens/>
const GIT_USER_OF_ACCESS_TOKEN: &str = "x-token-auth";

/// The user that `git` logs in as with an API token.
///
/// Source: <https://support.atlassian.com/bitbucket-cloud/docs/using-api-tokens/>
const GIT_USER_OF_API_TOKEN: &str = "x-bitbucket-api-token-auth";

/// Whether it is an access token, and not a person's API token.
#[cfg(feature = "client")]
pub(super) fn is_access_token(token: &str) -> bool {
    token.starts_with(ACCESS_TOKEN)
}

/// The user that `git` logs in as with a token.
pub(crate) fn git_user(token: &str) -> &'static str {
    if token.starts_with(ACCESS_TOKEN) { GIT_USER_OF_ACCESS_TOKEN } else { GIT_USER_OF_API_TOKEN }
}
