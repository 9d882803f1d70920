//! What an account is, and what it may do in a repository.

use serde::Deserialize;
use tidegate_model::{AccountKind, Login, Permission, RepositoryPath};

use super::GithubClient;
use crate::{
    api::{AccountFacts, HostError, encoded, optional},
    body::lenient,
    v3::User,
};

/// A `user` that is `null` is an account of which GitHub doesn't say what it is.
#[derive(Deserialize)]
struct Shown {
    #[serde(default, deserialize_with = "lenient")]
    permission: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
}

impl GithubClient {
    /// An organisation has no permission of its own: 404.
    ///
    /// Source: <https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user>
    pub(crate) async fn read_account(
        &self,
        repository: &RepositoryPath,
        login: &Login,
    ) -> Result<AccountFacts, HostError> {
        let path = format!("/repos/{repository}/collaborators/{}/permission", encoded(login.as_str()));
        let Some(shown): Option<Shown> = optional(self.api.get(&path).await)? else {
            return Ok(AccountFacts { permission: Permission::None, kind: AccountKind::Unknown });
        };
        // `maintain` is shown as write and `triage` as read.
        let permission = match &*shown.permission {
            "admin" => Permission::Admin,
            "write" => Permission::Write,
            "read" => Permission::Read,
            _ => Permission::None,
        };
        let kind = match shown.user.as_ref().map(|user| &*user.kind) {
            Some("User") => AccountKind::Person,
            Some("Organization") => AccountKind::Organisation,
            Some("Bot") => AccountKind::Bot,
            Some(_) | None => AccountKind::Unknown,
        };
        Ok(AccountFacts { permission, kind })
    }
}
