//! Users and the members of a project.
//!
//! <https://docs.gitlab.com/api/users/>, <https://docs.gitlab.com/api/members/>

use serde_json::Value;
use tidegate_model::Permission::{self, Read};

use super::access_level;
use crate::{
    User,
    gitlab::nouns,
    server::{Call, Refusal, Reply},
    state::{Repository, State, found},
};

pub(super) fn answer(call: &Call<'_>) -> Reply {
    let state = call.forge.state();
    let users = || state.accounts.iter().map(|account| &account.user);
    match &call.segments[..] {
        ["user"] => Ok((200, nouns::profile(&state, call.actor()?))),
        ["users"] => {
            let name = call.query.get("username").ok_or_else(|| Refusal::new(403, "403 Forbidden"))?;
            let named = users().filter(|user| user.login.eq_ignore_ascii_case(name));
            Ok((200, named.map(|user| nouns::user(&state, user)).collect()))
        }
        ["users", id] => {
            let user = found(users().find(|user| user.id.to_string() == *id), "user", id)?;
            Ok((200, nouns::profile(&state, user)))
        }
        _ => call.unknown(),
    }
}

/// Also those of the groups above. Who may only look at a public project is no member.
pub(super) fn members(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    let all = call.read(repo, Read, |state, repo| {
        let users = state.accounts.iter().map(|account| &account.user);
        let is_wanted = |user: &&User| route.first().is_none_or(|id| *id == user.id.to_string());
        Ok(users.filter(is_wanted).filter_map(|user| member(state, repo, user)).collect())
    })?;
    match (route, all) {
        ([], all) => Ok(all),
        ([_], (status, Value::Array(mut one))) => {
            let missing = || Refusal::new(404, "404 Not found");
            Ok((status, one.pop().ok_or_else(missing)?))
        }
        _ => call.unknown(),
    }
}

fn member(state: &State, repo: &Repository, user: &User) -> Option<Value> {
    let is_in_team = state.teams_of(repo).any(|team| team.members.contains(&user.login));
    let is_member = *user == repo.owner || is_in_team || repo.permissions.contains_key(&user.login);
    let has = state.permission(repo, Some(user));
    if !is_member || has == Permission::None {
        return None;
    }
    let mut shown = nouns::user(state, user);
    shown["access_level"] = access_level(has).into();
    shown["membership_state"] = "active".into();
    Some(shown)
}
