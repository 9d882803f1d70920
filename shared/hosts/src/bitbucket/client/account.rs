//! What an account may do with a repository, and what the credential may.

use serde::Deserialize;
use tidegate_model::{AccountKind, Login, Permission, RepositoryPath};

use super::{BitbucketClient, Caller};
use crate::{
    api::{AccountFacts, HostError, encoded, optional},
    bitbucket::account::{Kind, Shown},
    body::lenient,
};

/// The scopes to write to a repository, in the words of either kind of token.
const WRITE_SCOPES: [&str; 4] =
    ["repository:write", "repository:admin", "write:repository:bitbucket", "admin:repository:bitbucket"];

/// What an account may do in a repository, by whatever way it got the right.
#[derive(Deserialize)]
struct ShownPermission {
    permission: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<Shown>,
    #[serde(default, deserialize_with = "lenient")]
    repository: Option<ShownRepository>,
}

#[derive(Deserialize)]
struct ShownRepository {
    full_name: RepositoryPath,
}

impl ShownPermission {
    fn permission(&self) -> Permission {
        match &*self.permission {
            "admin" => Permission::Admin,
            "write" => Permission::Write,
            "read" => Permission::Read,
            _ => Permission::None,
        }
    }
}

impl BitbucketClient {
    /// Only administrators of the repository are answered. For others nobody has a right.
    ///
    /// Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-workspaces-workspace-permissions-repositories-repo-slug-get>
    pub(crate) async fn read_account(
        &self,
        repository: &RepositoryPath,
        login: &Login,
    ) -> Result<AccountFacts, HostError> {
        let unknown = AccountFacts { permission: Permission::None, kind: AccountKind::Unknown };
        // Nothing but a UUID may get into the query.
        if !is_uuid(login) {
            return Ok(unknown);
        }
        let query = format!("user.uuid=\"{login}\"");
        let path = format!("{}?q={}", permissions_path(repository), encoded(&query));
        let listing = match self.list(&path, 1, Ok::<ShownPermission, _>).await {
            Err(HostError::Forbidden { .. }) => None,
            other => optional(other)?,
        };
        let mut shown = listing.into_iter().flat_map(|listing| listing.items);
        let is_meant = |shown: &ShownPermission| shown.user.as_ref().is_some_and(|user| user.uuid == *login);
        Ok(shown.find(is_meant).map_or(unknown, |shown| AccountFacts {
            permission: shown.permission(),
            kind: match shown.user.map(|user| user.kind) {
                Some(Kind::User) => AccountKind::Person,
                Some(Kind::Team) => AccountKind::Organisation,
                Some(Kind::AppUser) => AccountKind::Bot,
                Some(Kind::Unknown) | None => AccountKind::Unknown,
            },
        }))
    }

    pub(crate) async fn find_missing_right(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Option<String>, HostError> {
        let path = format!("{}?pagelen=1", permissions_path(repository));
        let refusal = match self.api.get_page(&path).await {
            Ok(_) => return Ok(None),
            Err(HostError::Forbidden { message }) => message,
            Err(HostError::NotFound) => "the host hides the permissions from it".to_owned(),
            Err(error) => return Err(error),
        };
        Ok(Some(format!(
            "the token can't see who may write to the repository, so nobody counts as a writer: it needs the scope \
             repository:admin (of an API token: admin:repository:bitbucket), and its owner has to be an administrator of the \
             repository: {refusal}"
        )))
    }

    /// A scope to read is enough to set a status, and everybody may read a public repository. So it is the right to write that is
    /// looked for: nobody has it who doesn't belong to the repository.
    pub(crate) async fn check_status_right(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        match self.caller {
            Caller::Account => self.may_write(repository).await,
            Caller::AccessToken => self.was_made_to_write(repository).await,
        }
    }

    /// What the owner of the credential may do.
    ///
    /// Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/#api-user-workspaces-workspace-permissions-repositories-get>
    async fn may_write(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        // It lists only repositories that the owner has a right in: whether this one is gone is asked first.
        self.read_repository(repository).await?;
        let query = format!("repository.full_name=\"{repository}\"");
        let workspace = repository.owner();
        let path = format!("/user/workspaces/{workspace}/permissions/repositories?q={}", encoded(&query));
        let listing = self.list(&path, 1, Ok::<ShownPermission, _>).await?;
        let is_meant = |shown: &ShownPermission| {
            shown.repository.as_ref().is_some_and(|shown| shown.full_name.is_same_as(repository))
        };
        Ok(listing.items.iter().any(|shown| is_meant(shown) && shown.permission().can_write()))
    }

    /// Whether an access token is of this repository and has a scope to write. Everybody reads a public repository: there it has to
    /// show that it manages the hooks. Each answer names its scopes in a header.
    async fn was_made_to_write(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        #[derive(Deserialize)]
        struct Shown {
            #[serde(default, deserialize_with = "lenient")]
            is_private: bool,
        }
        let path = format!("/repositories/{repository}");
        let answer = self.api.get_page(&format!("{path}?fields=is_private")).await?;
        let scopes = answer.header("x-oauth-scopes").unwrap_or_default();
        let may_write = scopes.split(',').any(|scope| WRITE_SCOPES.contains(&scope.trim()));
        if may_write && answer.read::<Shown>()?.is_private {
            return Ok(true);
        }
        match self.api.get_page(&format!("{path}/hooks?pagelen=1")).await {
            Ok(_) => Ok(true),
            Err(HostError::Forbidden { .. } | HostError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn permissions_path(repository: &RepositoryPath) -> String {
    format!("/workspaces/{}/permissions/repositories/{}", repository.owner(), repository.name())
}

/// Whether it is an account's `{uuid}`.
fn is_uuid(login: &Login) -> bool {
    let digits = login.as_str().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    digits.is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    })
}
