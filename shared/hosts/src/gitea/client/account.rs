//! What an account is, and what it may do with the code of a repository.
//!
//! The answer that Gitea gives about a person's permission is that of all parts of the repository together. In a repository of
//! an organisation it says nothing about the code: before 1.24, a team that may write to issues alone reads as `write`; from
//! 1.24 on, a team that may write to the code reads as `read`. There the code's own right is what Gitea itself checks a push
//! against (`GetIndividualUserRepoPermission` in its `models/perm/access/repo_permission.go`): that of the person's teams, and
//! for a collaborator the answer's.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::{AccountKind, Login, Permission, RepositoryPath};

use super::GiteaClient;
use crate::{
    api::{AccountFacts, HostError, encoded, optional, seen},
    body::lenient,
};

/// The teams of a repository that are looked at.
const MAX_TEAMS: usize = 50;

/// Of all parts together.
#[derive(Deserialize)]
struct Shown {
    #[serde(default, deserialize_with = "lenient")]
    permission: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<ShownUser>,
}

#[derive(Deserialize)]
struct ShownUser {
    id: i64,
}

#[derive(Deserialize)]
struct Team {
    id: i64,
    #[serde(default, deserialize_with = "lenient")]
    name: String,
    /// Of all parts together.
    #[serde(default, deserialize_with = "lenient")]
    permission: String,
    /// By the name of the part: `repo.code`, …
    #[serde(default, deserialize_with = "lenient")]
    units_map: Option<BTreeMap<String, String>>,
}

impl Team {
    fn code(&self) -> Option<&str> {
        self.units_map.as_ref()?.get("repo.code").map(String::as_str)
    }

    /// Whether its members may write to the code, and Gitea doesn't say so of them anyway: who administrates reads as `owner`.
    fn hides_writers(&self) -> bool {
        permission(&self.permission) != Permission::Admin
            && self.code().is_some_and(|level| permission(level).can_write())
    }
}

#[derive(Deserialize)]
struct Found {
    #[serde(default, deserialize_with = "lenient")]
    data: Vec<ShownUser>,
}

fn permission(level: &str) -> Permission {
    match level {
        "owner" | "admin" => Permission::Admin,
        "write" => Permission::Write,
        "read" => Permission::Read,
        _ => Permission::None,
    }
}

impl GiteaClient {
    pub(crate) async fn read_account(
        &self,
        repository: &RepositoryPath,
        login: &Login,
    ) -> Result<AccountFacts, HostError> {
        let path = format!("/repos/{repository}/collaborators/{}/permission", encoded(login.as_str()));
        let (shown, teams) = tokio::join!(self.api.get(&path), self.teams(repository));
        let Some(shown): Option<Shown> = optional(shown)? else {
            return Ok(AccountFacts { permission: Permission::None, kind: AccountKind::Unknown });
        };
        let permission = match permission(&shown.permission) {
            // Who administrates one part administrates all.
            Permission::Admin => Permission::Admin,
            of_all => match teams? {
                None => of_all,
                Some(teams) => self.of_code(repository, login, of_all, &teams).await?,
            },
        };
        let kind = match shown.user {
            Some(user) if permission.can_write() => self.kind(user.id).await?,
            Some(_) | None => AccountKind::Unknown,
        };
        Ok(AccountFacts { permission, kind })
    }

    /// The teams that can see a repository; `None` if it belongs to a person.
    async fn teams(&self, repository: &RepositoryPath) -> Result<Option<Vec<Team>>, HostError> {
        let shown: Result<Option<Vec<Value>>, _> = self.api.get(&format!("/repos/{repository}/teams")).await;
        match shown {
            // A team that can't be read makes nobody a writer.
            Ok(shown) => {
                let teams = shown.unwrap_or_default().into_iter();
                Ok(Some(teams.filter_map(|team| serde_json::from_value(team).ok()).collect()))
            }
            Err(HostError::Rejected { status: StatusCode::METHOD_NOT_ALLOWED, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn of_code(
        &self,
        repository: &RepositoryPath,
        login: &Login,
        of_all: Permission,
        teams: &[Team],
    ) -> Result<Permission, HostError> {
        let login = encoded(login.as_str());
        let collaborator = format!("/repos/{repository}/collaborators/{login}");
        if of_all.can_write() && optional(self.api.get_page(&collaborator).await)?.is_some() {
            return Ok(of_all);
        }
        for team in teams.iter().filter(|team| team.hides_writers()).take(MAX_TEAMS) {
            let member = format!("/teams/{}/members/{login}", team.id);
            if seen(self.api.get_page(&member).await)?.is_some() {
                return Ok(Permission::Write);
            }
        }
        Ok(of_all.min(Permission::Read))
    }

    /// Gitea doesn't show what an account is. But its search finds people alone, no organisations and no bots (`Search` in its
    /// `routers/user/user.go`). Its own accounts have negative ids.
    async fn kind(&self, id: i64) -> Result<AccountKind, HostError> {
        if id < 0 {
            return Ok(AccountKind::Bot);
        }
        let found: Option<Found> = seen(self.api.get(&format!("/users/search?uid={id}")).await)?;
        let is_person = found.is_some_and(|found| found.data.iter().any(|user| user.id == id));
        Ok(if is_person { AccountKind::Person } else { AccountKind::Unknown })
    }

    pub(crate) async fn find_missing_right(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Option<String>, HostError> {
        let people: Result<Found, _> = self.api.get("/users/search?limit=1").await;
        match people {
            Ok(_) => (),
            Err(HostError::Forbidden { message }) => {
                return Ok(Some(format!(
                    "without the scope read:user the token can't tell people from bots and organisations, so nobody counts as \
                     a writer: {message}"
                )));
            }
            Err(HostError::NotFound) => {
                return Ok(Some(
                    "the host's search for users is switched off (DISABLE_USERS_PAGE), so people can't be told from bots and \
                     organisations, and nobody counts as a writer"
                        .to_owned(),
                ));
            }
            Err(error) => return Err(error),
        }
        let teams = self.teams(repository).await?.unwrap_or_default();
        for team in teams.iter().filter(|team| team.hides_writers()).take(MAX_TEAMS) {
            let unseen = match self.api.get_page(&format!("/teams/{}", team.id)).await {
                Ok(_) => continue,
                Err(HostError::Forbidden { message }) => message,
                Err(HostError::NotFound) => "the host hides the team from it".to_owned(),
                Err(error) => return Err(error),
            };
            return Ok(Some(format!(
                "the token can't see who is in team {} of {}, so nobody counts as a writer by that team: it needs the scope \
                 read:organization, and its owner has to be an owner of the organisation: {unseen}",
                team.name,
                repository.owner(),
            )));
        }
        Ok(None)
    }
}
