//! Comments on pull requests and on commits.

use serde_json::{Value, json};
use tidegate_model::Permission::Read;

use crate::{
    Comment,
    bitbucket::nouns,
    server::{Call, Refusal, Reply, number},
    state::{Repository, State, found},
};

pub(super) async fn answer(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    match (call.method, route) {
        ("GET", ["pullrequests", pull, "comments"]) => {
            let pull = number(pull)?;
            call.read(repo, Read, |state, repo| {
                repo.pull(pull)?;
                let comments = repo.comments.iter().filter(|comment| comment.number == pull);
                Ok(comments.map(|comment| show(state, repo, comment)).collect())
            })
        }
        ("POST", ["pullrequests", pull, "comments"]) => {
            call.allow(repo, Read)?;
            let id = call.forge.comment(repo, number(pull)?, &call.actor()?.login, text(call)?)?;
            let shown = call.read(repo, Read, |state, repo| Ok(show(state, repo, repo.comment(id)?)))?;
            Ok((201, shown.1))
        }
        ("GET", ["pullrequests", pull, "comments", id]) => {
            let (pull, id) = (number(pull)?, number(id)?);
            call.read(repo, Read, |state, repo| {
                let comment = Some(repo.comment(id)?).filter(|comment| comment.number == pull);
                Ok(show(state, repo, found(comment, "comment", id)?))
            })
        }
        ("PUT", ["pullrequests", _, "comments", id]) => {
            let id = number(id)?;
            call.allow_comment_edit(repo, id)?;
            call.forge.edit_comment(repo, id, &call.actor()?.login, text(call)?)?;
            call.read(repo, Read, |state, repo| Ok(show(state, repo, repo.comment(id)?)))
        }
        (_, ["commit", sha, "comments", rest @ ..]) => on_commit(call, repo, sha, rest).await,
        _ => call.unknown(),
    }
}

async fn on_commit(call: &Call<'_>, repo: &str, sha: &str, route: &[&str]) -> Reply {
    let path = call.allow(repo, Read)?;
    let sha = call.forge.inner.git.resolve(&path, sha, "commit").await?;
    match (call.method, route) {
        ("GET", []) => call.read(repo, Read, |state, repo| {
            let comments = repo.commit_comments.iter().filter(|comment| comment.sha == sha);
            Ok(comments.map(|comment| nouns::commit_comment(state, repo, comment)).collect())
        }),
        ("POST", []) => {
            let id = call.forge.comment_on_commit(repo, &sha, &call.actor()?.login, text(call)?)?;
            let show = call.read(repo, Read, |state, repo| {
                Ok(nouns::commit_comment(state, repo, repo.commit_comment(id)?))
            });
            Ok((201, show?.1))
        }
        ("GET", [id]) => {
            let id = number(id)?;
            call.read(repo, Read, |state, repo| {
                let comment = Some(repo.commit_comment(id)?).filter(|comment| comment.sha == sha);
                Ok(nouns::commit_comment(state, repo, found(comment, "comment", id)?))
            })
        }
        _ => call.unknown(),
    }
}

/// In the API, a comment says on what it is.
fn show(state: &State, repo: &Repository, comment: &Comment) -> Value {
    let mut shown = nouns::comment(state, repo, comment);
    if let Ok(pull) = repo.pull(comment.number) {
        let link = nouns::api(state, &format!("repositories/{}/pullrequests/{}", repo.path, pull.number));
        shown["pullrequest"] = json!({ "type": "pullrequest", "id": pull.number, "title": pull.title, "links": { "self": link } });
    }
    shown
}

fn text<'a>(call: &'a Call<'_>) -> Result<&'a str, Refusal> {
    let text = call.body["content"]["raw"].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::new(400, "content.raw: This field is required."))
}
