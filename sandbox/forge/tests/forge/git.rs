//! Clone, fetch and push with the real git program.

use anyhow::Result;
use tidegate_model::{CommitSha, Host};
use tidegate_sandbox_forge::Forge;

use crate::world::{REPO, World};

/// The error that git shows for a command that has to fail.
async fn refused(world: &World, folder: &str, args: &[&str]) -> String {
    match world.git(folder, args).await {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn anyone_clones_a_public_repository_and_only_writers_push() -> Result<()> {
    let world = World::new(Host::Github, false).await?;
    let url = world.forge.git_url(REPO);
    world.git(".", &["clone", "--quiet", &url, "work"]).await?;
    assert_eq!(tokio::fs::read_to_string(world.folder.path().join("work/README.md")).await?, "# shop\n");

    world.git("work", &["commit", "--quiet", "--allow-empty", "-m", "empty"]).await?;
    let anonymous = refused(&world, "work", &["push", "origin", "main"]).await;
    assert!(anonymous.contains("could not read Username"), "{anonymous}");
    let stranger = refused(&world, "work", &["push", &world.url_for(&world.steve), "main"]).await;
    assert!(stranger.contains("403"), "{stranger}");
    let nobody = refused(&world, "work", &["push", &world.url_for("nonsense"), "main"]).await;
    assert!(nobody.contains("Authentication failed"), "{nobody}");

    world.git("work", &["push", "--quiet", &world.url_for(&world.dora), "main"]).await?;
    let pushed: CommitSha = world.git("work", &["rev-parse", "HEAD"]).await?.parse()?;
    assert_eq!(world.forge.branch(REPO, "main")?, pushed);
    world.forge.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_large_push_comes_through() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
    // Beyond `http.postBuffer` (1 MiB) git sends chunks, and it asks first with a small request.
    let noise: Vec<u8> =
        std::iter::repeat_with(rand::random::<u64>).take(400_000).flat_map(u64::to_le_bytes).collect();
    tokio::fs::write(world.folder.path().join("work/noise"), &noise).await?;
    world.git("work", &["add", "noise"]).await?;
    world.git("work", &["commit", "--quiet", "-m", "noise"]).await?;
    world.git("work", &["push", "--quiet", "origin", "main"]).await?;
    world.git(".", &["clone", "--quiet", "--depth=1", &world.forge.git_url(REPO), "again"]).await?;
    assert_eq!(tokio::fs::read(world.folder.path().join("again/noise")).await?, noise);
    Ok(())
}

#[tokio::test]
async fn a_private_repository_needs_the_token_of_a_reader() -> Result<()> {
    let world = World::new(Host::Gitea, true).await?;
    let url = world.forge.git_url(REPO);
    let anonymous = refused(&world, ".", &["ls-remote", &url]).await;
    assert!(anonymous.contains("could not read Username"), "{anonymous}");
    let stranger = refused(&world, ".", &["ls-remote", &world.url_for(&world.steve)]).await;
    assert!(stranger.contains("not found"), "{stranger}");
    assert!(world.git(".", &["ls-remote", &world.url_for(&world.dora)]).await?.contains("refs/heads/main"));
    Ok(())
}

#[tokio::test]
async fn any_commit_can_be_fetched_by_its_id() -> Result<()> {
    let world = World::new(Host::Github, false).await?;
    let gone = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    world.forge.delete_branch(REPO, "topic", "dora").await?;
    world.git("work", &["init", "--quiet"]).await?;
    world.git("work", &["fetch", "--quiet", "--depth=1", &world.forge.git_url(REPO), gone.as_str()]).await?;
    assert_eq!(world.git("work", &["rev-parse", "FETCH_HEAD"]).await?, gone.as_str());
    Ok(())
}

#[tokio::test]
async fn the_host_keeps_refs_pull_for_itself() -> Result<()> {
    let world = World::new(Host::Github, false).await?;
    world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
    let error = refused(&world, "work", &["push", "origin", "HEAD:refs/pull/7/head"]).await;
    assert!(error.contains("hidden ref"), "{error}");
    Ok(())
}

#[tokio::test]
async fn two_equal_commits_in_one_second_are_two() -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let forge = Forge::start(Host::Github, folder.path()).await?;
    forge.create_repository(REPO, false).await?;
    let first = forge.commit(REPO, "one", "acme", &[("a", "same\n")], "same").await?;
    let second = forge.commit(REPO, "two", "acme", &[("a", "same\n")], "same").await?;
    assert_ne!(first, second);
    Ok(())
}
