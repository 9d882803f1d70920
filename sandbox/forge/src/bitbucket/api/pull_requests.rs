//! Pull requests and their commits.

use serde_json::Value;
use tidegate_model::Permission::Read;

use crate::{
    bitbucket::{nouns, refs},
    server::{Call, Refusal, Reply, number},
};

pub(super) async fn answer(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    match route {
        [] => {
            let state = call.query.get("state").map_or("OPEN", String::as_str);
            if !["OPEN", "MERGED", "DECLINED", "SUPERSEDED"].contains(&state) {
                return Err(Refusal::new(400, format!("state: {state} is not a valid state.")));
            }
            call.read(repo, Read, |known, repo| {
                // A query by the state takes the place of the parameter.
                let by_query = call.query.get("q").is_some_and(|query| query.contains("state"));
                let pulls = repo.pulls.iter().rev().map(|pull| nouns::pull_request(known, repo, pull));
                let mut pulls = pulls.collect::<anyhow::Result<Vec<_>>>()?;
                pulls.retain(|pull| by_query || pull["state"] == state);
                Ok(Value::Array(pulls))
            })
        }
        [id] => {
            let id = number(id)?;
            call.read(repo, Read, |state, repo| nouns::pull_request(state, repo, repo.pull(id)?))
        }
        [id, "commits"] => commits(call, repo, number(id)?).await,
        _ => call.unknown(),
    }
}

/// The newest first; none once the source branch is gone.
async fn commits(call: &Call<'_>, repo: &str, id: u64) -> Reply {
    let path = call.allow(repo, Read)?;
    let pull = call.forge.pull_request(path.as_str(), id)?;
    let mut commits = Vec::new();
    if call.forge.branch(pull.head_repository.as_str(), &pull.head).is_ok() {
        let base = format!("^{}", pull.base_sha);
        commits = call.forge.inner.git.log(&pull.head_repository, &[pull.head_sha.as_str(), &base]).await?;
    }
    call.read(repo, Read, |state, _| {
        let head = state.repository(pull.head_repository.as_str())?;
        Ok(commits.iter().map(|commit| refs::commit(state, head, commit)).collect())
    })
}
