//! Who the caller is, and who may do what.

use serde_json::{Value, json};
use tidegate_model::Permission::{self, Admin};

use crate::{
    User,
    bitbucket::nouns::{self, Kind},
    event::merged,
    server::{Call, Refusal, Reply},
    state::{Repository, State, found},
};

/// No access token may ask: nobody is behind it.
pub(super) fn user(call: &Call<'_>) -> Reply {
    let user = call.actor()?;
    if !call.basic {
        return Err(Refusal::new(403, "This API is not accessible by this authentication mechanism"));
    }
    let more = json!({ "username": user.login, "account_status": "active", "is_staff": false });
    Ok((200, merged(nouns::user(&call.forge.state(), user), more)))
}

/// What everybody may effectively do whom the repository or its workspace knows. Who may only look at it as anybody may is not
/// among them.
pub(super) fn permissions(call: &Call<'_>, repo: &str) -> Reply {
    call.read(repo, Admin, |state, repo| {
        let users = state.accounts.iter().map(|account| &account.user);
        let known = users.filter(|user| {
            let is_member = state.teams_of(repo).any(|team| team.members.contains(&user.login));
            **user == repo.owner || is_member || explicit(repo, user) > Permission::None
        });
        let show =
            |user| show(state, repo, user, "repository_permission", state.permission(repo, Some(user)));
        Ok(known.map(show).collect())
    })
}

/// What a user was granted in person, found by UUID or account id.
pub(super) fn granted(call: &Call<'_>, repo: &str, id: &str) -> Reply {
    call.read(repo, Admin, |state, repo| {
        let is_it = |user: &&User| nouns::uuid(Kind::User, user.id) == id || nouns::account_id(user) == id;
        let user = found(state.accounts.iter().map(|account| &account.user).find(is_it), "user", id)?;
        Ok(show(state, repo, user, "repository_user_permission", explicit(repo, user)))
    })
}

fn explicit(repo: &Repository, user: &User) -> Permission {
    repo.permissions.get(&user.login).copied().unwrap_or(Permission::None)
}

fn show(state: &State, repo: &Repository, user: &User, kind: &str, permission: Permission) -> Value {
    let name = match permission {
        Permission::None => "none",
        Permission::Read => "read",
        Permission::Write => "write",
        Permission::Admin => "admin",
    };
    json!({
        "type": kind, "permission": name, "user": nouns::user(state, user),
        "repository": nouns::repository_ref(state, repo),
    })
}
