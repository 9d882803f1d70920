//! Commits, branches and tags.

use anyhow::Result;
use serde_json::json;

use crate::{
    bitbucket::{ROUTE, world},
    world::REPO,
};

#[tokio::test]
async fn branches_and_tags_lead_to_commits() -> Result<()> {
    let world = world().await?;
    let main = world.forge.branch(REPO, "main")?;
    let topic = world.forge.commit(REPO, "topic/a", "dora", &[("a", "1\n")], "one").await?;
    world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
    world.git("work", &["tag", "-a", "v1", "-m", "release", "origin/topic/a"]).await?;
    world.git("work", &["push", "--quiet", "origin", "v1"]).await?;
    let branches = world.read(&format!("{ROUTE}/refs/branches")).await?;
    let found = [0, 1].map(|n| {
        let branch = &branches["values"][n];
        (branch["type"].clone(), branch["name"].clone(), branch["target"]["hash"].clone())
    });
    let branch = |name: &str, sha: &str| (json!("branch"), json!(name), json!(sha));
    assert_eq!(found, [branch("main", main.as_str()), branch("topic/a", topic.as_str())]);
    for path in ["refs/branches/topic/a", "refs/branches/topic%2Fa"] {
        assert_eq!(world.read(&format!("{ROUTE}/{path}")).await?["target"]["hash"], topic.as_str());
    }
    let tag = world.read(&format!("{ROUTE}/refs/tags/v1")).await?;
    assert_eq!((&tag["type"], &tag["target"]["hash"]), (&json!("tag"), &json!(topic)), "not the tag object");
    assert_eq!(world.read(&format!("{ROUTE}/refs/tags")).await?["values"], json!([tag]));
    assert_eq!(world.get("", &format!("{ROUTE}/refs/branches/nothing")).await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn commits_are_included_and_excluded_and_have_a_merge_base() -> Result<()> {
    let world = world().await?;
    let root = world.forge.branch(REPO, "main")?;
    let topic = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let main = world.forge.commit(REPO, "main", "acme", &[("b", "1\n")], "two").await?;
    let hashes = async |query: &str| {
        let page = world.read(&format!("{ROUTE}/commits?{query}")).await?;
        let commits = page["values"].as_array().cloned().unwrap_or_default();
        Ok::<_, anyhow::Error>(commits.into_iter().map(|commit| commit["hash"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(hashes(&format!("include={topic}&exclude={main}")).await?, [json!(topic)]);
    assert_eq!(hashes(&format!("include={root}&exclude={main}")).await?.len(), 0);
    assert_eq!(hashes("").await?.len(), 3);
    let base = world.read(&format!("{ROUTE}/merge-base/{topic}..{main}")).await?;
    assert_eq!((&base["type"], &base["hash"]), (&json!("commit"), &json!(root)));
    let commit = world.read(&format!("{ROUTE}/commit/{topic}")).await?;
    assert_eq!((&commit["hash"], &commit["parents"][0]["hash"]), (&json!(topic), &json!(root)));
    let missing = "1".repeat(40);
    for path in [
        format!("commit/{missing}"),
        format!("merge-base/{missing}..main"),
        format!("commits?include={missing}"),
    ] {
        assert_eq!(world.get("", &format!("{ROUTE}/{path}")).await?.0, 404, "{path}");
    }
    Ok(())
}
