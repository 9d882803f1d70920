//! Deliveries: which, in which order, how they are signed and what becomes of them.

use anyhow::{Context, Result};
use serde_json::json;
use tidegate_model::{CommitSha, Host};
use tokio::net::TcpListener;

use crate::{
    sink::Sink,
    world::{PATIENCE, REPO, V3, World},
};

#[tokio::test]
async fn a_push_tells_of_itself_and_of_the_pull_request_that_it_moves() -> Result<()> {
    for (dialect, synchronized) in [(Host::Github, "synchronize"), (Host::Gitea, "synchronized")] {
        let world = World::new(dialect, false).await?;
        let first = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
        world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
        let mut sink = Sink::start(200).await?;
        world.hook(&mut sink).await?;

        world.git(".", &["clone", "--quiet", "-b", "topic", &world.url_for(&world.dora), "work"]).await?;
        world.git("work", &["commit", "--quiet", "--allow-empty", "-m", "two"]).await?;
        world.git("work", &["push", "--quiet", "origin", "topic"]).await?;
        let second: CommitSha = world.git("work", &["rev-parse", "HEAD"]).await?.parse()?;

        let push = sink.next().await?;
        assert_eq!(push.header("x-github-event"), "push");
        assert_eq!(push.body["ref"], "refs/heads/topic");
        assert_eq!(push.body["before"], first.as_str());
        assert_eq!(push.body["after"], second.as_str());
        assert_eq!(push.body["commits"].as_array().map(Vec::len), Some(1));
        assert_eq!(push.body["sender"]["login"], "dora");
        let moved = sink.next().await?;
        assert_eq!(moved.header("x-github-event"), "pull_request");
        assert_eq!(moved.body["action"], synchronized);
        assert_eq!(moved.body["pull_request"]["head"]["sha"], second.as_str());
        if dialect == Host::Gitea {
            assert_eq!(moved.header("x-gitea-event-type"), "pull_request_sync");
            assert_eq!(moved.body.get("before"), None);
        } else {
            assert_eq!(moved.body["before"], first.as_str());
            assert_eq!(moved.body["after"], second.as_str());
        }
        assert!(sink.is_empty());
        world.forge.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_merge_closes_then_pushes() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
        let mut sink = Sink::start(200).await?;
        world.hook(&mut sink).await?;
        let number = world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
        assert_eq!(sink.next().await?.body["action"], "opened");
        let merge = world.forge.merge_pull_request(REPO, number, "acme").await?;
        let closed = sink.next().await?;
        assert_eq!(
            (&closed.body["action"], &closed.body["pull_request"]["merged"]),
            (&json!("closed"), &json!(true))
        );
        assert_eq!(closed.body["pull_request"]["merge_commit_sha"], merge.as_str());
        let push = sink.next().await?;
        assert_eq!((&push.body["ref"], &push.body["after"]), (&json!("refs/heads/main"), &json!(merge)));
        assert!(sink.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn tags_and_deleted_branches_are_delivered_as_the_host_does() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        let sha = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
        let mut sink = Sink::start(200).await?;
        world.hook(&mut sink).await?;
        world.forge.delete_branch(REPO, "topic", "dora").await?;
        world.forge.push_tag(REPO, "v1", &sha, "acme").await?;
        let mut next = sink.next().await?;
        if dialect == Host::Github {
            assert_eq!((&next.body["deleted"], &next.body["after"]), (&json!(true), &json!("0".repeat(40))));
            next = sink.next().await?;
        }
        assert_eq!((&next.body["ref"], &next.body["after"]), (&json!("refs/tags/v1"), &json!(sha)));
        assert_eq!(next.body["before"], "0".repeat(40));
        assert_eq!(next.body["commits"], json!([]));
        assert_eq!(next.body["head_commit"]["id"], sha.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn each_reference_of_a_push_is_delivered_alone() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        let mut sink = Sink::start(200).await?;
        world.hook(&mut sink).await?;
        world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
        world.git("work", &["push", "--quiet", "origin", "main:one", "main:two"]).await?;
        for name in ["refs/heads/one", "refs/heads/two"] {
            let push = sink.next().await?;
            assert_eq!(push.body["ref"], name);
            let is_number = push.body["repository"]["created_at"].is_number();
            assert_eq!(is_number, dialect == Host::Github, "{name}");
        }
        assert!(sink.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn an_annotated_tag_is_delivered_with_its_own_object() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let mut sink = Sink::start(200).await?;
    world.hook(&mut sink).await?;
    world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
    world.git("work", &["tag", "-a", "v2", "-m", "release"]).await?;
    world.git("work", &["push", "--quiet", "origin", "v2"]).await?;
    let push = sink.next().await?;
    assert_eq!(push.body["after"], world.git("work", &["rev-parse", "v2"]).await?);
    assert_eq!(push.body["head_commit"]["id"], world.git("work", &["rev-parse", "HEAD"]).await?);
    Ok(())
}

#[tokio::test]
async fn comments_and_their_edits_are_delivered() -> Result<()> {
    for dialect in V3 {
        let world = World::new(dialect, false).await?;
        world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
        let number = world.forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
        let mut sink = Sink::start(200).await?;
        world.hook(&mut sink).await?;
        let id = world.forge.comment(REPO, number, "steve", "/test")?;
        let created = sink.next().await?;
        assert_eq!(created.header("x-github-event"), "issue_comment");
        assert_eq!(
            (&created.body["action"], &created.body["comment"]["id"]),
            (&json!("created"), &json!(id))
        );
        assert_eq!(created.body["comment"]["user"]["login"], "steve");
        assert!(created.body["issue"]["pull_request"].is_object());
        world.forge.edit_comment(REPO, id, "steve", "/retest")?;
        let edited = sink.next().await?;
        assert_eq!(
            (&edited.body["action"], &edited.body["changes"]["body"]["from"]),
            (&json!("edited"), &json!("/test"))
        );
        world.forge.delete_comment(REPO, id, "steve")?;
        let deleted = sink.next().await?;
        assert_eq!(
            (&deleted.body["action"], &deleted.body["comment"]["id"]),
            (&json!("deleted"), &json!(id))
        );
        assert!(world.forge.comments(REPO, number)?.is_empty());
        world.forge.set_title(REPO, number, "Another title", "dora").await?;
        assert_eq!(sink.next().await?.body["changes"]["title"]["from"], "A change");
        world.forge.commit(REPO, "release", "acme", &[("r", "1\n")], "release").await?;
        sink.next().await?;
        world.forge.change_base(REPO, number, "release", "dora").await?;
        let based = sink.next().await?;
        let from = match dialect {
            Host::Github => &based.body["changes"]["base"]["ref"]["from"],
            _ => &based.body["changes"]["ref"]["from"],
        };
        assert_eq!((from, &based.body["pull_request"]["base"]["ref"]), (&json!("main"), &json!("release")));
        assert!(sink.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_replay_of_gitea_has_the_body_of_its_original_and_an_id_of_its_own() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let mut sink = Sink::start(200).await?;
    world.hook(&mut sink).await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let first = sink.next().await?;
    let id = first.header("x-gitea-delivery").to_owned();
    world.forge.redeliver(REPO, &id)?;
    let again = sink.next().await?;
    assert_ne!(again.header("x-gitea-delivery"), id);
    assert_eq!(again.body, first.body);
    Ok(())
}

#[tokio::test]
async fn a_redelivery_of_github_has_the_id_and_the_body_of_its_original() -> Result<()> {
    let world = World::new(Host::Github, false).await?;
    let mut sink = Sink::start(500).await?;
    world.hook(&mut sink).await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let first = sink.next().await?;
    let id = first.header("x-github-delivery").to_owned();
    world.forge.redeliver(REPO, &id)?;
    let again = sink.next().await?;
    assert_eq!((again.header("x-github-delivery"), &again.body), (id.as_str(), &first.body));
    let look = |forge: &tidegate_sandbox_forge::Forge| {
        let deliveries = forge.deliveries(REPO).ok()?;
        let log: Vec<_> = deliveries.into_iter().filter(|delivery| delivery.id == id).collect();
        log.iter().all(|delivery| delivery.response == Some(Ok(500))).then_some(log)
    };
    let log = world.forge.wait_for("both answers", PATIENCE, look).await?;
    assert_eq!(log.iter().map(|delivery| delivery.redelivery).collect::<Vec<_>>(), [false, true]);
    Ok(())
}

#[tokio::test]
async fn a_hook_hears_only_what_it_asked_for_and_nothing_once_it_is_deleted() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let mut sink = Sink::start(200).await?;
    let id = world.hook(&mut sink).await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    // Gitea also has `create` for this, which nobody subscribed to.
    assert_eq!(sink.next().await?.header("x-gitea-event"), "push");
    world.forge.delete_hook(REPO, id)?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "2\n")], "two").await?;
    assert_eq!(world.forge.deliveries(REPO)?.len(), 1);
    assert!(sink.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_neither_the_forge_nor_its_end() -> Result<()> {
    let world = World::new(Host::Github, false).await?;
    let deaf = TcpListener::bind(("127.0.0.1", 0)).await?;
    let config = json!({ "url": format!("http://{}/", deaf.local_addr()?), "content_type": "json" });
    let body = json!({ "config": config });
    let (status, _) =
        world.call(reqwest::Method::POST, &world.acme, &format!("repos/{REPO}/hooks"), body).await?;
    assert_eq!(status, 201);
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let (_open, _) = deaf.accept().await.context("no delivery came")?;
    tokio::time::timeout(PATIENCE, world.forge.stop()).await.context("the forge does not stop")?;
    assert!(world.forge.deliveries(REPO)?.iter().all(|delivery| delivery.response.is_none()));
    Ok(())
}

#[tokio::test]
async fn an_unreachable_receiver_is_recorded() -> Result<()> {
    let world = World::new(Host::Gitea, false).await?;
    let mut sink = Sink::start(200).await?;
    world.hook(&mut sink).await?;
    sink.stop().await;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let response = world
        .forge
        .wait_for("a failed delivery", PATIENCE, |forge| forge.deliveries(REPO).ok()?.pop()?.response)
        .await?;
    assert!(response.is_err(), "{response:?}");
    Ok(())
}
