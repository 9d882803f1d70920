//! Pull requests over real branches.

use anyhow::{Context, Result};
use tidegate_model::Host;
use tidegate_sandbox_forge::PullRequestState;

use crate::world::{REPO, World};

#[tokio::test]
async fn a_forks_head_is_reachable_in_the_base_repository() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let fork = world.forge.fork(REPO, "steve").await?;
    let first = world.forge.commit(fork.as_str(), "topic", "steve", &[("a", "1\n")], "one").await?;
    let number = world.forge.open_pull_request(REPO, "steve", "steve:topic", "main", "A change").await?;
    let pull = world.forge.pull_request(REPO, number)?;
    assert_eq!((pull.head_sha, pull.head_repository, pull.mergeable), (first, fork.clone(), true));

    let second = world.forge.commit(fork.as_str(), "topic", "steve", &[("a", "2\n")], "two").await?;
    let heads = world.git(".", &["ls-remote", &world.forge.git_url(REPO), "refs/pull/1/head"]).await?;
    assert_eq!(heads, format!("{second}\trefs/pull/1/head"));
    world.git("work", &["init", "--quiet"]).await?;
    world.git("work", &["fetch", "--quiet", &world.forge.git_url(REPO), second.as_str()]).await?;
    let shown = world.read(&format!("repos/{REPO}/pulls/1")).await?;
    assert_eq!(shown["head"]["repo"]["full_name"], "steve/shop");
    assert_eq!(shown["head"]["sha"], second.as_str());
    Ok(())
}

#[tokio::test]
async fn a_merge_is_a_real_one() -> Result<()> {
    for dialect in Host::ALL {
        let world = World::new(dialect, false).await?;
        let head = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
        let base = world.forge.commit(REPO, "main", "acme", &[("b", "2\n")], "two").await?;
        let number = world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
        let merge = world.forge.merge_pull_request(REPO, number, "acme").await?;
        assert_eq!(world.forge.branch(REPO, "main")?, merge);
        let state = world.forge.pull_request(REPO, number)?.state;
        assert!(
            matches!(&state, PullRequestState::Merged { sha, by, .. } if *sha == merge && by.login == "acme")
        );

        world.git(".", &["clone", "--quiet", &world.forge.git_url(REPO), "work"]).await?;
        let parents = world.git("work", &["log", "-1", "--format=%P"]).await?;
        assert_eq!(parents, format!("{base} {head}"));
        assert_eq!(world.git("work", &["ls-files"]).await?, "README.md\na\nb");
        assert!(world.forge.merge_pull_request(REPO, number, "acme").await.is_err(), "it was merged twice");
    }
    Ok(())
}

#[tokio::test]
async fn a_conflict_is_seen_and_not_merged() -> Result<()> {
    for dialect in Host::ALL {
        let world = World::new(dialect, false).await?;
        world.forge.commit(REPO, "topic", "dora", &[("README.md", "ours\n")], "one").await?;
        let number = world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
        assert!(world.forge.pull_request(REPO, number)?.mergeable);
        let main = world.forge.commit(REPO, "main", "acme", &[("README.md", "theirs\n")], "two").await?;
        let pull = world.forge.pull_request(REPO, number)?;
        assert!(!pull.mergeable);
        assert_ne!(pull.base_sha, main, "the shown base stays until the head moves");
        let error = world.forge.merge_pull_request(REPO, number, "acme").await.err().context("it merged")?;
        assert!(error.to_string().contains("conflicts"), "{error}");
        assert_eq!(world.forge.branch(REPO, "main")?, main);
    }
    Ok(())
}

#[tokio::test]
async fn a_deleted_head_branch_closes_and_reopening_finds_the_present_head() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let number = world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
    world.forge.delete_branch(REPO, "topic", "dora").await?;
    let state = world.forge.pull_request(REPO, number)?.state;
    assert!(matches!(state, PullRequestState::Closed { .. }), "{state:?}");
    assert!(world.forge.reopen_pull_request(REPO, number, "dora").await.is_err(), "its head is gone");

    let again = world.forge.commit(REPO, "topic", "dora", &[("a", "2\n")], "two").await?;
    world.forge.reopen_pull_request(REPO, number, "dora").await?;
    let pull = world.forge.pull_request(REPO, number)?;
    assert_eq!((pull.state, pull.head_sha), (PullRequestState::Open, again));
    Ok(())
}
