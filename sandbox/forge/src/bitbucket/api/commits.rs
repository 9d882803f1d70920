//! Commits and how they stand to each other.

use tidegate_model::Permission::Read;

use crate::{
    bitbucket::refs,
    git::Commit,
    server::{Call, Refusal, Reply},
};

pub(super) async fn answer(call: &Call<'_>, repo: &str, route: &[&str]) -> Reply {
    let (path, git) = (call.allow(repo, Read)?, &call.forge.inner.git);
    let one = |commit: &Commit| call.read(repo, Read, |state, repo| Ok(refs::commit(state, repo, commit)));
    match route {
        ["commit", sha] => one(&git.show(&path, sha).await?),
        ["merge-base", revspec] => {
            let missing =
                || Refusal::new(404, format!("{revspec} is no pair of commits with a common ancestor"));
            let (a, b) = revspec.split_once("..").ok_or_else(missing)?;
            let (a, b) = (git.resolve(&path, a, "commit").await?, git.resolve(&path, b, "commit").await?);
            let base = git.merge_base(&path, &a, &b).await.map_err(|_| missing())?;
            one(&git.show(&path, base.as_str()).await?)
        }
        ["commits"] => {
            let mut revisions = Vec::new();
            for (name, mark) in [("include", ""), ("exclude", "^")] {
                if let Some(revision) = call.query.get(name) {
                    revisions.push(format!("{mark}{}", git.resolve(&path, revision, "commit").await?));
                }
            }
            if !call.query.contains_key("include") {
                revisions.push("--branches".to_owned());
            }
            let revisions: Vec<_> = revisions.iter().map(String::as_str).collect();
            let commits = git.log(&path, &revisions).await?;
            call.read(repo, Read, |state, repo| {
                Ok(commits.iter().map(|commit| refs::commit(state, repo, commit)).collect())
            })
        }
        _ => call.unknown(),
    }
}
