//! The comment that replaces statuses, where a host keeps those of a fork's head in the fork.

use tidegate_model::CommitSha;
use tidegate_sandbox_forge::{Forge, Status};

use crate::REPOSITORY;

/// What the comment says of a context. It has to be the only one of its pull request.
pub(super) fn status(forge: &Forge, sha: &CommitSha, context: &str) -> Option<Status> {
    let pulls = forge.pull_requests(REPOSITORY).ok()?;
    let number = pulls.iter().find(|pull| pull.head_sha == *sha)?.number;
    let comments = forge.comments(REPOSITORY, number).ok()?;
    let mut marked = comments.iter().filter(|comment| comment.body.contains("<!-- tidegate-statuses:"));
    let comment = marked.next()?;
    assert!(marked.next().is_none(), "there are two comments: {comments:?}");
    if !comment.body.contains(sha.as_str()) {
        return None;
    }
    let row = comment.body.lines().find(|line| line.contains(&format!("`{context}`")))?;
    let cells: Vec<_> = row.split(" | ").collect();
    let [name, state, text] = cells[..] else { return None };
    let page = name.split_once("](").map(|(_, page)| page.trim_end_matches(')').to_owned());
    Some(Status {
        id: comment.id,
        sha: sha.clone(),
        context: context.to_owned(),
        key: None,
        branch: None,
        state: state.split(' ').next_back()?.to_owned(),
        description: Some(text.trim_end_matches(" |").replace('\\', "")),
        target_url: page,
        creator: comment.author.clone(),
        created_at: comment.updated_at.clone(),
    })
}
