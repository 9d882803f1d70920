//! Merge requests and their notes.
//!
//! <https://docs.gitlab.com/api/merge_requests/>, <https://docs.gitlab.com/api/notes/>

use serde_json::{Value, json};
use tidegate_model::Permission::Read;

use super::text;
use crate::{
    PullRequestState,
    gitlab::nouns,
    server::{Call, Refusal, Reply, number},
    state::{Repository, State},
};

pub(super) fn answer(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    match (call.method, route) {
        ("GET", []) => call.read(repo, Read, |state, repo| {
            let wanted = call.query.get("state").map_or("all", String::as_str);
            let is_wanted = |open| wanted == "all" || open == (wanted == "opened");
            let pulls = repo.pulls.iter().filter(|pull| is_wanted(pull.state == PullRequestState::Open));
            let mut shown: Vec<_> =
                pulls.map(|pull| nouns::merge_request(state, repo, pull, false)).collect();
            if call.query.get("sort").is_none_or(|sort| sort != "asc") {
                shown.reverse();
            }
            Ok(shown.into())
        }),
        ("GET", [iid]) => {
            let iid = number(iid)?;
            call.read(repo, Read, |state, repo| Ok(nouns::merge_request(state, repo, repo.pull(iid)?, true)))
        }
        (_, [iid, "notes", route @ ..]) => notes(call, repo, number(iid)?, route),
        _ => call.unknown(),
    }
}

fn notes(call: &Call<'_>, repo: &str, iid: u64, route: &[&str]) -> Reply {
    match (call.method, route) {
        ("GET", []) => call.read(repo, Read, |state, repo| {
            repo.pull(iid)?;
            let mut all = of(state, repo, iid);
            all.sort_by(|a, b| b["updated_at"].as_str().cmp(&a["updated_at"].as_str()));
            Ok(all.into())
        }),
        ("POST", []) => {
            call.allow(repo, Read)?;
            let id = call.forge.comment(repo, iid, &call.actor()?.login, text(call, "body")?)?;
            Ok((201, one(call, repo, iid, id)?.1))
        }
        ("GET", [id]) => one(call, repo, iid, number(id)?),
        ("PUT", [id]) => {
            let id = number(id)?;
            call.allow_comment_edit(repo, id)?;
            call.forge.edit_comment(repo, id, &call.actor()?.login, text(call, "body")?)?;
            one(call, repo, iid, id)
        }
        ("GET", [id, "award_emoji"]) => {
            let id = number(id)?;
            call.read(repo, Read, |state, repo| {
                let awards = repo.comment(id)?.reactions.iter();
                Ok(awards
                    .map(|(user, name)| json!({"name": name, "user": nouns::user(state, user)}))
                    .collect())
            })
        }
        ("POST", [id, "award_emoji"]) => {
            call.allow(repo, Read)?;
            let (user, name) = (call.actor()?, text(call, "name")?);
            // A reaction that is there already is refused as if it were not.
            if !call.forge.react(repo, number(id)?, &user.login, name)? {
                return Err(Refusal::new(404, "404 Award Emoji Name has already been taken Not Found"));
            }
            let user = nouns::user(&call.forge.state(), user);
            Ok((201, json!({"id": 1, "name": name, "user": user})))
        }
        _ => call.unknown(),
    }
}

/// The notes of a merge request, those of reviews among them.
fn of(state: &State, repo: &Repository, iid: u64) -> Vec<Value> {
    let comments = repo.comments.iter().filter(|comment| comment.number == iid);
    let reviews = repo.reviews.iter().filter(|review| review.number == iid);
    let comments = comments.map(|comment| nouns::note(state, comment));
    comments.chain(reviews.map(|review| nouns::review_note(state, review))).collect()
}

fn one(call: &Call<'_>, repo: &str, iid: u64, id: u64) -> Reply {
    let (status, all) = call.read(repo, Read, |state, repo| Ok(of(state, repo, iid).into()))?;
    let found = all.as_array().and_then(|all| all.iter().find(|note| note["id"] == id));
    Ok((status, found.cloned().ok_or_else(|| Refusal::new(404, "404 Note Not Found"))?))
}
