//! Bitbucket's JSON of commits, branches and tags. Hashes are full here.

use serde_json::{Value, json};

use crate::{
    bitbucket::nouns::{api, commit_ref, rendered, repository_ref, user, web},
    event::merged,
    git::{Commit, Signature},
    state::{Repository, State},
};

fn author(state: &State, who: &Signature) -> Value {
    let mut author = json!({ "type": "author", "raw": format!("{} <{}>", who.name, who.email) });
    if let Some(account) = state.accounts.iter().find(|account| account.user.email() == who.email) {
        author["user"] = user(state, &account.user);
    }
    author
}

/// In a push, where a branch or tag points to.
pub(crate) fn pushed_commit(state: &State, repo: &Repository, commit: &Commit) -> Value {
    let parents: Vec<_> = commit.parents.iter().map(|sha| commit_ref(state, repo, sha)).collect();
    let more = json!({
        "date": commit.author.date, "author": author(state, &commit.author), "message": commit.message,
        "summary": rendered(&commit.message), "parents": parents, "rendered": {}, "properties": {},
    });
    merged(commit_ref(state, repo, commit.sha.as_str()), more)
}

/// In the REST API: with its repository.
pub(crate) fn commit(state: &State, repo: &Repository, commit: &Commit) -> Value {
    merged(pushed_commit(state, repo, commit), json!({ "repository": repository_ref(state, repo) }))
}

/// A branch or a tag. What Bitbucket takes from a tag object is `null`, as for a tag without one.
pub(crate) fn reference(state: &State, repo: &Repository, kind: &str, name: &str, commit: &Commit) -> Value {
    let (path, is_tag) = (&repo.path, kind == "tag");
    let page = if is_tag { "commits/tag" } else { "branch" };
    let plural = if is_tag { "tags" } else { "branches" };
    let more = if is_tag {
        json!({ "date": null, "message": null, "tagger": null })
    } else {
        let strategies = ["merge_commit", "squash", "fast_forward"];
        json!({ "merge_strategies": strategies, "default_merge_strategy": strategies[0] })
    };
    let shown = json!({
        "type": kind, "name": name, "target": pushed_commit(state, repo, commit),
        "links": {
            "self": api(state, &format!("repositories/{path}/refs/{plural}/{name}")),
            "commits": api(state, &format!("repositories/{path}/commits/{name}")),
            "html": web(state, &format!("{path}/{page}/{name}")),
        },
    });
    merged(shown, more)
}
