//! Pull requests over real branches.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bitbucket::{ROUTE, message, world},
    world::{REPO, World},
};

/// A pull request of a fork with two commits; the hashes of these.
async fn forked(world: &World) -> Result<[String; 2]> {
    let fork = world.forge.fork(REPO, "steve").await?;
    let first = world.forge.commit(fork.as_str(), "topic", "steve", &[("a", "1\n")], "one").await?;
    let second = world.forge.commit(fork.as_str(), "topic", "steve", &[("a", "2\n")], "two").await?;
    world.forge.open_pull_request(REPO, "steve", "steve:topic", "main", "A change").await?;
    Ok([first, second].map(|sha| sha.to_string()))
}

fn hashes(page: &Value) -> Vec<&str> {
    page["values"].as_array().into_iter().flatten().filter_map(|commit| commit["hash"].as_str()).collect()
}

#[tokio::test]
async fn a_pull_request_shows_twelve_digits_and_its_commits_all() -> Result<()> {
    let world = world().await?;
    let [first, second] = forked(&world).await?;
    let base = world.forge.branch(REPO, "main")?;
    let pull = world.read(&format!("{ROUTE}/pullrequests/1")).await?;
    assert_eq!((&pull["state"], &pull["draft"]), (&json!("OPEN"), &json!(false)));
    assert_eq!(pull["source"]["commit"]["hash"], second[..12]);
    assert_eq!(pull["destination"]["commit"]["hash"], base.as_str()[..12]);
    assert_eq!(pull["source"]["repository"]["full_name"], "steve/shop");
    assert_eq!(pull["source"]["repository"].get("owner"), None, "the owner is asked for");
    let commits = world.read(&format!("{ROUTE}/pullrequests/1/commits")).await?;
    assert_eq!(hashes(&commits), [&second, &first]);
    assert_eq!(commits.get("size"), None);
    Ok(())
}

#[tokio::test]
async fn a_forks_commits_are_in_the_fork_alone_and_no_reference_leads_to_them() -> Result<()> {
    let world = world().await?;
    // Without this the fork has all of the base, and nothing has to be copied.
    world.forge.commit(REPO, "main", "acme", &[("b", "1\n")], "base").await?;
    let [_, head] = forked(&world).await?;
    world.forge.commit(REPO, "main", "acme", &[("b", "2\n")], "base").await?;
    let refs = world.git(".", &["ls-remote", &world.forge.git_url(REPO)]).await?;
    assert!(!refs.contains("refs/pull") && !refs.contains(&head), "{refs}");
    world.git("work", &["init", "--quiet"]).await?;
    assert!(world.git("work", &["fetch", "--quiet", &world.forge.git_url(REPO), &head]).await.is_err());
    world.git("work", &["fetch", "--quiet", &world.forge.git_url("steve/shop"), &head]).await?;
    assert_eq!(world.get("", &format!("{ROUTE}/commit/{head}")).await?.0, 404);
    assert_eq!(world.get("", &format!("repositories/steve/shop/commit/{head}")).await?.0, 200);
    let status = json!({ "key": "k", "state": "SUCCESSFUL", "url": "http://127.0.0.1/" });
    let path = format!("{ROUTE}/commit/{head}/statuses/build");
    assert_eq!(world.call(Method::POST, &world.acme, &path, status).await?.0, 404);

    let merge = world.forge.merge_pull_request(REPO, 1, "acme").await?;
    world.git("work", &["fetch", "--quiet", &world.forge.git_url(REPO), merge.as_str()]).await?;
    assert_eq!(world.git("work", &["ls-tree", "--name-only", "FETCH_HEAD"]).await?, "README.md\na\nb");
    let pull = world.read(&format!("{ROUTE}/pullrequests/1")).await?;
    assert_eq!(
        (&pull["state"], &pull["merge_commit"]["hash"]),
        (&json!("MERGED"), &json!(merge.as_str()[..12]))
    );
    assert_eq!(world.get("", &format!("{ROUTE}/commit/{head}")).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn a_declined_pull_request_stays_declined() -> Result<()> {
    let world = world().await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
    world.forge.close_pull_request(REPO, 1, "dora").await?;
    assert_eq!(world.read(&format!("{ROUTE}/pullrequests/1")).await?["state"], "DECLINED");
    assert!(world.forge.reopen_pull_request(REPO, 1, "dora").await.is_err());
    for (state, expected) in [("", 0), ("?state=DECLINED", 1), ("?state=MERGED", 0)] {
        assert_eq!(world.read(&format!("{ROUTE}/pullrequests{state}")).await?["size"], expected, "{state}");
    }
    assert_eq!(world.get("", &format!("{ROUTE}/pullrequests?state=closed")).await?.0, 400);
    world.forge.delete_branch(REPO, "topic", "dora").await?;
    let commits = world.read(&format!("{ROUTE}/pullrequests/1/commits")).await?;
    assert_eq!(commits["values"], json!([]), "none once the source branch is gone");
    Ok(())
}

#[tokio::test]
async fn comments_are_written_on_pull_requests_and_on_commits() -> Result<()> {
    let world = world().await?;
    let sha = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    for title in ["first", "second"] {
        world.forge.open_pull_request(REPO, "dora", "topic", "main", title).await?;
    }
    let body = json!({ "content": { "raw": "hello" } });
    for (list, other) in [
        (format!("{ROUTE}/pullrequests/1/comments"), format!("{ROUTE}/pullrequests/2/comments")),
        (format!("{ROUTE}/commit/{sha}/comments"), format!("{ROUTE}/commit/main/comments")),
    ] {
        assert_eq!(world.call(Method::POST, "", &list, body.clone()).await?.0, 401);
        let (status, refused) =
            world.call(Method::POST, &world.steve, &list, json!({ "body": "hello" })).await?;
        assert_eq!(status, 400);
        assert!(message(&refused).starts_with("content.raw"), "{refused}");
        let (status, comment) = world.call(Method::POST, &world.steve, &list, body.clone()).await?;
        assert_eq!((status, &comment["content"]["raw"]), (201, &json!("hello")));
        assert_eq!((&comment["deleted"], &comment["user"]["type"]), (&json!(false), &json!("user")));
        let id = comment["id"].as_u64().unwrap_or_default();
        assert_eq!(world.read(&list).await?["values"], json!([comment]));
        assert_eq!(world.read(&format!("{list}/{id}")).await?, comment);
        assert_eq!(world.read(&other).await?["size"], 0);
        assert_eq!(world.get("", &format!("{other}/{id}")).await?.0, 404, "it is on another");
    }
    assert_eq!(world.get("", &format!("{ROUTE}/pullrequests/9/comments")).await?.0, 404);
    Ok(())
}
