//! Gitea's REST API: the routes that Tidegate calls, as Gitea 1.26 answers them.
//!
//! <https://docs.gitea.com/api/1.26/>

use serde_json::{Value, json};
use tidegate_model::{
    AccountKind,
    Permission::{self, Admin, Read, Write},
};

use crate::{
    git::Commit,
    gitea::{hook_events, payload},
    people::Team,
    routes::{self, Renderer, show_hook},
    server::{Call, Refusal, Reply, number},
    state::{Repository, State},
};

/// `ui.REACTIONS` of Gitea's configuration.
const REACTIONS: [&str; 8] = ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"];

const RENDERER: Renderer = Renderer {
    user: payload::user,
    repository: payload::repository,
    pull_request: payload::pull_request,
    comment: payload::comment,
    review: payload::review,
    status: payload::status,
    hook: payload::hook,
};

pub(crate) async fn answer(call: &Call<'_>) -> Reply {
    let ["repos", owner, name, route @ ..] = &call.segments[..] else {
        return people(call);
    };
    let (repo, forge) = (&*format!("{owner}/{name}"), call.forge);
    match (call.method, route) {
        ("GET", ["collaborators", login, "permission"]) => permission(call, repo, login),
        ("GET", ["collaborators", login]) => {
            let is_one = call.read(repo, Read, |_, repo| Ok(repo.permissions.contains_key(*login).into()))?;
            if is_one.1 == true { Ok((204, Value::Null)) } else { Err(Refusal::new(404, "not found")) }
        }
        ("GET", ["teams"]) => {
            let teams = call.read(repo, Read, |state, repo| {
                let is_owned = state.account(&repo.owner.login)?.kind == AccountKind::Organisation;
                Ok(if is_owned { state.teams_of(repo).map(team).collect() } else { Value::Null })
            })?;
            let refusal = || Refusal::new(405, "repo is not owned by an organization");
            if teams.1.is_null() { Err(refusal()) } else { Ok(teams) }
        }
        ("GET", ["branches"]) => {
            let heads = routes::refs(call, repo, "branches").await?;
            call.read(repo, Read, |state, repo| {
                Ok(heads.iter().map(|(name, head)| branch(call, state, repo, name, head)).collect())
            })
        }
        ("GET", ["branches", name @ ..]) => {
            let (path, name) = (call.allow(repo, Read)?, name.join("/"));
            let head = forge.inner.git.show(&path, &format!("refs/heads/{name}")).await?;
            call.read(repo, Read, |state, repo| Ok(branch(call, state, repo, &name, &head)))
        }
        ("GET", ["tags"]) => {
            let mut tags = Vec::new();
            for (name, commit) in routes::refs(call, repo, "tags").await? {
                tags.push(show_tag(call, repo, &name, &commit).await?);
            }
            Ok((200, tags.into()))
        }
        ("GET", ["tags", tag @ ..]) => {
            let (path, tag) = (call.allow(repo, Read)?, tag.join("/"));
            let commit = forge.inner.git.show(&path, &format!("refs/tags/{tag}")).await?;
            Ok((200, show_tag(call, repo, &tag, &commit).await?))
        }
        ("GET", ["git", "commits", sha]) => {
            let commit = forge.inner.git.show(&call.allow(repo, Read)?, sha).await?;
            call.read(repo, Read, |state, repo| Ok(payload::commit(state, repo, &commit)))
        }
        ("GET", ["compare", range @ ..]) => compare(call, repo, &range.join("/")).await,
        ("GET", ["statuses", sha]) => {
            let sha = forge.inner.git.resolve(&call.allow(repo, Read)?, sha, "commit").await?;
            call.read(repo, Read, |state, repo| {
                Ok(repo.statuses_of(&sha).map(|status| payload::status(state, repo, status)).collect())
            })
        }
        ("POST", ["statuses", sha]) => {
            let path = call.allow(repo, Write)?;
            // Any state is taken, and a missing commit is the server's fault.
            let status = call.post_status(&path, sha).await;
            let status = status.map_err(|error| Refusal::new(500, format!("GetCommit[{sha}]: {error}")))?;
            Ok((201, call.read(repo, Read, |state, repo| Ok(payload::status(state, repo, &status)))?.1))
        }
        ("POST", ["hooks"]) => {
            call.allow(repo, Admin)?;
            if call.text("type")? != "gitea" {
                return Err(Refusal::new(422, "Invalid hook type"));
            }
            let mut hook = call.hook(false)?;
            hook.events = hook_events(&hook.events);
            let hook = forge.create_hook(repo, call.actor()?, hook)?;
            Ok((201, show_hook(call, repo, hook.id, &RENDERER)?.1))
        }
        ("PATCH", ["hooks", id]) => edit_hook(call, repo, number(id)?),
        ("POST", ["issues", "comments", _, "reactions"]) if !REACTIONS.contains(&call.text("content")?) => {
            let content = call.text("content")?;
            Err(Refusal::new(403, format!("'{content}' is not an allowed reaction")))
        }
        _ => routes::answer(call, repo, route, &RENDERER).await,
    }
}

fn branch(call: &Call<'_>, state: &State, repo: &Repository, name: &str, head: &Commit) -> Value {
    let can_push = state.permission(repo, call.viewer.as_ref()).can_write();
    json!({
        "name": name, "commit": payload::push_commit(state, repo, head), "protected": false,
        "required_approvals": 0, "enable_status_check": false, "status_check_contexts": [],
        "user_can_push": can_push, "user_can_merge": can_push, "effective_branch_protection_name": "",
    })
}

/// The `id` is the tag object's where there is one.
async fn show_tag(call: &Call<'_>, repo: &str, name: &str, commit: &Commit) -> Result<Value, Refusal> {
    let path = call.allow(repo, Read)?;
    let id = call.forge.inner.git.resolve(&path, &format!("refs/tags/{name}"), "object").await?;
    let commit = json!({ "sha": commit.sha, "created": commit.committer.date });
    Ok(json!({ "name": name, "message": "", "id": id, "commit": commit }))
}

/// The search finds people alone. Whoever asks for a team is taken for an owner of its organisation.
fn people(call: &Call<'_>) -> Reply {
    call.actor()?;
    let state = call.forge.state();
    let team_of = |id: &str| state.teams.iter().find(|team| team.id.to_string() == id);
    let absent = || Refusal::new(404, "not found");
    match (call.method, &call.segments[..]) {
        ("GET", ["users", "search"]) => {
            let is_wanted = |id: u64| call.query.get("uid").is_none_or(|uid| *uid == id.to_string());
            let people = state.accounts.iter().filter(|account| account.kind == AccountKind::Person);
            let people = people.filter(|account| is_wanted(account.user.id));
            let data: Vec<_> = people.map(|account| payload::user(&state, &account.user)).collect();
            Ok((200, json!({ "ok": true, "data": data })))
        }
        ("GET", ["teams", id]) => Ok((200, team_of(id).map(team).ok_or_else(absent)?)),
        ("GET", ["teams", id, "members", login]) => {
            let has = team_of(id).is_some_and(|team| team.members.iter().any(|member| member == login));
            let member = state.account(login).ok().filter(|_| has).ok_or_else(absent)?;
            Ok((200, payload::user(&state, &member.user)))
        }
        _ => call.unknown(),
    }
}

/// Since 1.24, `permission` says nothing of the parts. Who administrates is an owner.
fn team(team: &Team) -> Value {
    let (code, of_all) = (level(team.code), if team.code == Admin { "owner" } else { "read" });
    json!({ "id": team.id, "name": team.name, "permission": of_all, "units_map": { "repo.code": code } })
}

fn level(permission: Permission) -> &'static str {
    match permission {
        Permission::None => "none",
        Permission::Read => "read",
        Permission::Write => "write",
        Permission::Admin => "admin",
    }
}

/// Only admins may ask for others. What teams may do with the code doesn't show. A stranger has `read` in a public repository and `none` in a private one.
fn permission(call: &Call<'_>, repo: &str, login: &str) -> Reply {
    call.allow(repo, Read)?;
    if !call.actor()?.login.eq_ignore_ascii_case(login) {
        call.allow(repo, Admin)?;
    }
    call.read(repo, Read, |state, repo| {
        let user = &state.account(login)?.user;
        let is_owner = *user == repo.owner || state.is_owner(repo, user);
        let name = if is_owner { "owner" } else { level(state.permission_beside_teams(repo, Some(user))) };
        Ok(json!({ "permission": name, "role_name": name, "user": payload::user(state, user) }))
    })
}

async fn compare(call: &Call<'_>, repo: &str, range: &str) -> Reply {
    let (path, git) = (call.allow(repo, Read)?, &call.forge.inner.git);
    let (base, head) = range.split_once("...").ok_or_else(|| Refusal::new(404, "not found"))?;
    let base = git.resolve(&path, base, "commit").await?;
    let head = git.resolve(&path, head, "commit").await?;
    let commits = git.log(&path, &[head.as_str(), &format!("^{base}")]).await?;
    call.read(repo, Read, |state, repo| {
        let commits: Vec<_> = commits.iter().map(|commit| payload::commit(state, repo, commit)).collect();
        Ok(json!({ "total_commits": commits.len(), "commits": commits }))
    })
}

/// `config.secret` is ignored and events that are not named again are lost, as in Gitea's `editHook`.
fn edit_hook(call: &Call<'_>, repo: &str, id: u64) -> Reply {
    call.allow(repo, Admin)?;
    call.forge.edit_hook(repo, id, |hook| {
        if let Some(url) = call.body["config"]["url"].as_str() {
            url.clone_into(&mut hook.url);
        }
        hook.events = call.events().map_or_else(|| vec!["push".to_owned()], |asked| hook_events(&asked));
        hook.active = call.body["active"].as_bool().unwrap_or(hook.active);
    })?;
    show_hook(call, repo, id, &RENDERER)
}
