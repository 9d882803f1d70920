//! What an account is, and what it may do with the code of a project.
//!
//! Sources: <https://docs.gitlab.com/api/members/>, <https://docs.gitlab.com/api/users/>

use serde::Deserialize;
use tidegate_model::{AccountKind, Login, Permission, RepositoryPath};

use super::{GitlabClient, project};
use crate::{
    api::{AccountFacts, HostError, seen, segment},
    body::lenient,
};

/// The levels of roles. Between them are others, and roles of one's own are built on one of them.
///
/// Source: <https://docs.gitlab.com/api/access_requests/#valid-access-levels>
const REPORTER: u64 = 20;
const DEVELOPER: u64 = 30;
const MAINTAINER: u64 = 40;

#[derive(Deserialize)]
struct Found {
    id: u64,
    username: Login,
}

/// A member of a project, of a group above it, or of a group that was invited.
#[derive(Deserialize)]
struct Member {
    #[serde(default, deserialize_with = "lenient")]
    access_level: u64,
    /// Of the account: a blocked one is no member in effect.
    #[serde(default, deserialize_with = "lenient")]
    state: String,
    /// Of the membership, which may wait for somebody to accept it.
    #[serde(default, deserialize_with = "lenient")]
    membership_state: Option<String>,
}

impl Member {
    fn permission(&self) -> Permission {
        let is_active = self.state == "active"
            && self.membership_state.as_deref().is_none_or(|membership| membership == "active");
        match self.access_level {
            _ if !is_active => Permission::None,
            MAINTAINER.. => Permission::Admin,
            DEVELOPER.. => Permission::Write,
            REPORTER.. => Permission::Read,
            _ => Permission::None,
        }
    }
}

#[derive(Deserialize)]
struct Profile {
    #[serde(default, deserialize_with = "lenient")]
    bot: Option<bool>,
}

#[derive(Deserialize)]
struct MayDo {
    #[serde(default, deserialize_with = "lenient")]
    permissions: Accesses,
}

/// What the owner of the token may do, by the project itself and by the group that holds it; not by groups above.
#[derive(Deserialize, Default)]
struct Accesses {
    #[serde(default, deserialize_with = "lenient")]
    project_access: Option<Access>,
    #[serde(default, deserialize_with = "lenient")]
    group_access: Option<Access>,
}

#[derive(Deserialize)]
struct Access {
    #[serde(default, deserialize_with = "lenient")]
    access_level: u64,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

impl GitlabClient {
    pub(crate) async fn read_account(
        &self,
        repository: &RepositoryPath,
        login: &Login,
    ) -> Result<AccountFacts, HostError> {
        let nobody = AccountFacts { permission: Permission::None, kind: AccountKind::Unknown };
        let path = format!("/users?username={}", segment(login.as_str()));
        let found: Option<Vec<Found>> = seen(self.api.get(&path).await)?;
        let is_meant = |found: &Found| found.username.as_str().eq_ignore_ascii_case(login.as_str());
        let Some(user) = found.into_iter().flatten().find(is_meant) else { return Ok(nobody) };
        let permission = self.permission(repository, user.id).await?;
        let kind = if permission.can_write() { self.kind(user.id).await? } else { AccountKind::Unknown };
        Ok(AccountFacts { permission, kind })
    }

    async fn permission(&self, repository: &RepositoryPath, user: u64) -> Result<Permission, HostError> {
        let path = format!("{}/members/all/{user}", project(repository));
        let member: Option<Member> = seen(self.api.get(&path).await)?;
        Ok(member.map_or(Permission::None, |member| member.permission()))
    }

    /// Groups are found nowhere among the users.
    async fn kind(&self, user: u64) -> Result<AccountKind, HostError> {
        let profile: Option<Profile> = seen(self.api.get(&format!("/users/{user}")).await)?;
        Ok(match profile.and_then(|profile| profile.bot) {
            Some(true) => AccountKind::Bot,
            Some(false) => AccountKind::Person,
            None => AccountKind::Unknown,
        })
    }

    /// A status needs the role Developer, and on a protected branch the right to push or merge there.
    pub(crate) async fn check_status_right(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        let MayDo { permissions } = self.api.get(&project(repository)).await?;
        let shown = [permissions.project_access, permissions.group_access];
        if shown.into_iter().flatten().any(|access| access.access_level >= DEVELOPER) {
            return Ok(true);
        }
        let me: Numbered = self.api.get("/user").await?;
        Ok(self.permission(repository, me.id).await?.can_write())
    }

    pub(crate) async fn find_missing_right(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Option<String>, HostError> {
        let path = format!("{}/members/all?per_page=1", project(repository));
        let members: Vec<Numbered> = match self.api.get(&path).await {
            Ok(members) => members,
            Err(HostError::Forbidden { message }) => {
                return Ok(Some(format!(
                    "the token can't see who is a member of the project, so nobody counts as a writer: it needs the scope api: \
                     {message}"
                )));
            }
            Err(error) => return Err(error),
        };
        let Some(member) = members.first() else { return Ok(None) };
        Ok(match self.kind(member.id).await? {
            AccountKind::Unknown => Some(
                "the host doesn't show the token which accounts are bots, so nobody counts as a writer: it needs the scope api"
                    .to_owned(),
            ),
            AccountKind::Person | AccountKind::Organisation | AccountKind::Bot => None,
        })
    }
}
