//! Who may do what.

use tidegate_model::{AccountKind, Permission};

use crate::{
    User,
    state::{Repository, State},
};

/// A user with the means to act.
#[derive(Debug)]
pub(crate) struct Account {
    pub user: User,
    pub token: String,
    /// Whether this is the bot of an installed GitHub App: it may do everything everywhere.
    pub app: bool,
    pub kind: AccountKind,
}

/// A team of an organisation. Its members may do this much with the code of all of its repositories, and read the rest.
#[derive(Debug)]
pub(crate) struct Team {
    pub id: u64,
    pub organisation: String,
    pub name: String,
    pub code: Permission,
    pub members: Vec<String>,
}

impl State {
    /// What a viewer may do with the code; `None` is somebody without a token.
    pub fn permission(&self, repo: &Repository, viewer: Option<&User>) -> Permission {
        let is_member = |team: &&Team| viewer.is_some_and(|user| team.members.contains(&user.login));
        let teams = self.teams_of(repo).filter(is_member).map(|team| team.code);
        teams.fold(self.permission_beside_teams(repo, viewer), Permission::max)
    }

    /// Whether a user is in a team of the owners.
    pub fn is_owner(&self, repo: &Repository, user: &User) -> bool {
        self.teams_of(repo).any(|team| team.code == Permission::Admin && team.members.contains(&user.login))
    }

    /// The teams of the organisation that owns a repository.
    pub fn teams_of(&self, repo: &Repository) -> impl Iterator<Item = &Team> {
        self.teams.iter().filter(|team| team.organisation == repo.owner.login)
    }

    pub fn permission_beside_teams(&self, repo: &Repository, viewer: Option<&User>) -> Permission {
        let public = if repo.private { Permission::None } else { Permission::Read };
        let Some(user) = viewer else { return public };
        if *user == repo.owner || self.account(&user.login).is_ok_and(|account| account.app) {
            return Permission::Admin;
        }
        let granted = repo.permissions.get(&user.login).copied();
        granted.unwrap_or(Permission::None).max(public)
    }
}
