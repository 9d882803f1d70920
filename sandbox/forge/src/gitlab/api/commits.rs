//! Commits, their statuses and their notes.
//!
//! <https://docs.gitlab.com/api/commits/>, <https://docs.gitlab.com/api/discussions/#commits>

use serde_json::json;
use tidegate_model::{
    CommitSha,
    Permission::{Read, Write},
};

use super::text;
use crate::{
    Status,
    gitlab::nouns,
    server::{Call, Refusal, Reply},
    state::now,
};

pub(super) async fn answer(call: &Call<'_>, repo: &str, sha: &str, route: &[&str]) -> Reply {
    let commit = find(call, repo, sha).await?;
    match (call.method, route) {
        ("GET", []) => {
            let path = call.allow(repo, Read)?;
            Ok((200, nouns::commit(&call.forge.inner.git.show(&path, sha).await?)))
        }
        ("GET", ["merge_requests"]) => call.read(repo, Read, |state, repo| {
            let pulls = repo.pulls.iter().filter(|pull| pull.head_sha == commit);
            Ok(pulls.map(|pull| nouns::merge_request(state, repo, pull, false)).collect())
        }),
        ("GET", ["statuses"]) => call.read(repo, Read, |state, repo| {
            Ok(repo.newest_statuses(&commit).into_iter().map(|status| nouns::status(state, repo, status)).collect())
        }),
        ("GET", ["discussions"]) => call.read(repo, Read, |state, repo| {
            let notes = repo.commit_comments.iter().filter(|comment| comment.sha == commit);
            let discussion = |note| json!({"id": "d", "individual_note": true, "notes": [nouns::commit_note(state, note)]});
            Ok(notes.map(discussion).collect())
        }),
        ("POST", ["comments"]) => {
            let by = call.actor()?;
            call.forge.comment_on_commit(repo, &commit, &by.login, text(call, "note")?)?;
            Ok((201, json!({"note": text(call, "note")?, "author": nouns::user(&call.forge.state(), by)})))
        }
        _ => call.unknown(),
    }
}

async fn find(call: &Call<'_>, repo: &str, sha: &str) -> Result<CommitSha, Refusal> {
    let path = call.allow(repo, Read)?;
    let found = call.forge.inner.git.resolve(&path, sha, "commit").await;
    found.map_err(|_| Refusal::new(404, "404 Commit Not Found"))
}

/// <https://docs.gitlab.com/api/repositories/#retrieve-the-merge-base>
pub(super) async fn merge_base(call: &Call<'_>, repo: &str) -> Reply {
    let (path, git) = (call.allow(repo, Read)?, &call.forge.inner.git);
    let refs = call.query.get("refs[]").map(String::as_str).unwrap_or_default();
    let (a, b) = refs.split_once(',').ok_or_else(|| Refusal::new(400, "refs is invalid"))?;
    let missing = |name: &str| Refusal::new(400, format!("Could not find ref: {name}"));
    let a = git.resolve(&path, a, "commit").await.map_err(|_| missing(a))?;
    let b = git.resolve(&path, b, "commit").await.map_err(|_| missing(b))?;
    let base = git.merge_base(&path, &a, &b).await;
    let base = base.map_err(|_| Refusal::new(404, "404 Merge Base Not Found"))?;
    Ok((200, nouns::commit(&git.show(&path, base.as_str()).await?)))
}

/// A state that the status has already is refused, if it is not final. Source:
/// `app/services/ci/create_commit_status_service.rb` of GitLab.
pub(super) async fn set_status(call: &Call<'_>, repo: &str, sha: &str) -> Reply {
    let path = call.allow(repo, Write)?;
    let sha = find(call, repo, sha).await?;
    let state = text(call, "state")?.to_owned();
    if !["pending", "running", "success", "failed", "canceled", "skipped"].contains(&state.as_str()) {
        return Err(Refusal::new(400, "state does not have a valid value"));
    }
    let optional = |field: &str| call.body[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let context = optional("name").unwrap_or_else(|| "default".to_owned());
    let (branch, description, target_url) =
        (optional("ref"), optional("description"), optional("target_url"));
    let creator = call.actor()?.clone();
    let status = call.forge.change(|known| {
        let (id, created_at) = (known.next_id(), now());
        let repo = known.repository_mut(path.as_str())?;
        let newest =
            repo.statuses_of(&sha).find(|status| status.context == context && status.creator == creator);
        let is_same = newest.is_some_and(|newest| newest.state == state);
        if is_same && matches!(&*state, "pending" | "running") {
            let event = if state == "pending" { "enqueue" } else { "run" };
            let message = format!("Cannot transition status via :{event} from :{state}");
            return Err(Refusal::new(400, message));
        }
        let status = Status {
            id,
            sha: sha.clone(),
            context,
            key: None,
            branch,
            state,
            description,
            target_url,
            creator,
            created_at,
        };
        repo.statuses.push(status.clone());
        Ok(status)
    })?;
    Ok((201, call.read(repo, Read, |state, repo| Ok(nouns::status(state, repo, &status)))?.1))
}
