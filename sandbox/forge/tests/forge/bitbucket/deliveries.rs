//! Webhooks as they are delivered.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bitbucket::{ROUTE, hook, world},
    sink::Sink,
    world::{PATIENCE, REPO},
};

#[tokio::test]
async fn one_push_of_several_references_is_one_delivery() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(200).await?;
    world.forge.commit(REPO, "old", "dora", &[("o", "1\n")], "old").await?;
    hook(&world, &sink).await?;
    world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
    for n in 0..7 {
        world.git("work", &["commit", "--quiet", "--allow-empty", "-m", &format!("{n}")]).await?;
    }
    world.git("work", &["tag", "v1"]).await?;
    world.git("work", &["push", "--quiet", "--atomic", "origin", "main", "main:topic", "v1", ":old"]).await?;
    let head = world.git("work", &["rev-parse", "HEAD"]).await?;
    let push = sink.next().await?;
    assert!(sink.is_empty());
    assert_eq!(push.header("x-event-key"), "repo:push");
    assert_eq!(push.body["repository"]["full_name"], REPO);
    let changes = push.body["push"]["changes"].as_array().context("changes")?;
    let find = |name: &str| {
        let is_it = |side: &Value| side["name"] == name;
        changes.iter().find(|change| is_it(&change["new"]) || is_it(&change["old"])).context(name.to_owned())
    };
    assert_eq!(changes.len(), 4);
    let moved = find("main")?;
    assert_eq!(
        (&moved["created"], &moved["closed"], &moved["forced"]),
        (&json!(false), &json!(false), &json!(false))
    );
    assert_eq!((&moved["new"]["type"], &moved["new"]["target"]["hash"]), (&json!("branch"), &json!(head)));
    assert_eq!((moved["commits"].as_array().map(Vec::len), &moved["truncated"]), (Some(5), &json!(true)));
    assert_eq!(moved["commits"][0]["hash"], head.as_str(), "the newest comes first");
    let created = find("topic")?;
    assert_eq!((&created["old"], &created["created"]), (&Value::Null, &json!(true)));
    let tag = find("v1")?;
    assert_eq!((&tag["new"]["type"], &tag["new"]["target"]["hash"]), (&json!("tag"), &json!(head)));
    assert_eq!((tag.get("commits"), &tag["new"]["tagger"]), (None, &Value::Null));
    let deleted = find("old")?;
    assert_eq!((&deleted["new"], &deleted["closed"]), (&Value::Null, &json!(true)));
    assert_eq!((deleted.get("commits"), deleted.get("links")), (None, None));
    Ok(())
}

#[tokio::test]
async fn a_forced_push_is_marked() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(200).await?;
    let root = world.forge.branch(REPO, "main")?;
    let old = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    hook(&world, &sink).await?;
    world.forge.force_branch(REPO, "topic", &root, "dora").await?;
    let change = sink.next().await?.body["push"]["changes"][0].clone();
    assert_eq!((&change["forced"], &change["old"]["target"]["hash"]), (&json!(true), &json!(old)));
    Ok(())
}

#[tokio::test]
async fn a_pull_request_is_created_updated_commented_and_fulfilled() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(200).await?;
    let sha = world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    hook(&world, &sink).await?;
    let (forge, mut keys) = (&world.forge, Vec::new());
    forge.open_pull_request(REPO, "dora", "topic", "main", "A change").await?;
    forge.set_title(REPO, 1, "Another title", "dora").await?;
    let comment = forge.comment(REPO, 1, "steve", "/test")?;
    forge.edit_comment(REPO, comment, "steve", "/retest")?;
    forge.delete_comment(REPO, comment, "steve")?;
    forge.comment_on_commit(REPO, &sha, "steve", "/test")?;
    let second = forge.commit(REPO, "topic", "dora", &[("a", "2\n")], "two").await?;
    forge.merge_pull_request(REPO, 1, "acme").await?;
    for _ in 0..10 {
        let next = sink.next().await?;
        let key = next.header("x-event-key").to_owned();
        assert_eq!(next.body["actor"]["type"], "user");
        assert_eq!(next.body["repository"]["workspace"]["slug"], "acme");
        if key.starts_with("pullrequest:") {
            assert_eq!(next.body["pullrequest"]["id"], 1);
        }
        match key.as_str() {
            "pullrequest:comment_updated" => {
                assert_eq!(
                    (&next.body["comment"]["id"], &next.body["comment"]["content"]["raw"]),
                    (&json!(comment), &json!("/retest"))
                );
                assert_eq!(next.body["pullrequest"]["title"], "Another title");
            }
            "pullrequest:comment_deleted" => {
                assert_eq!(
                    (&next.body["comment"]["deleted"], &next.body["comment"]["content"]["raw"]),
                    (&json!(true), &json!(""))
                );
            }
            "repo:commit_comment_created" => assert_eq!(next.body["commit"]["hash"], sha.as_str()),
            "pullrequest:fulfilled" => {
                assert_eq!(next.body["pullrequest"]["state"], "MERGED");
                assert_eq!(next.body["pullrequest"]["source"]["commit"]["hash"], second.as_str()[..12]);
            }
            _ => {}
        }
        keys.push(key);
    }
    let expected = [
        "pullrequest:created",
        "pullrequest:updated",
        "pullrequest:comment_created",
        "pullrequest:comment_updated",
        "pullrequest:comment_deleted",
        "repo:commit_comment_created",
        "repo:push",
        "pullrequest:updated",
        "repo:push",
        "pullrequest:fulfilled",
    ];
    assert_eq!(keys, expected);
    assert!(sink.is_empty());
    forge.open_pull_request(REPO, "dora", "main", "topic", "Back").await?;
    forge.close_pull_request(REPO, 2, "dora").await?;
    sink.next().await?;
    assert_eq!(sink.next().await?.header("x-event-key"), "pullrequest:rejected");
    Ok(())
}

#[tokio::test]
async fn headers_name_the_hook_the_request_and_the_attempt() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(503).await?;
    let uuid = hook(&world, &sink).await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], "one").await?;
    let mut requests = Vec::new();
    for attempt in ["1", "2", "3"] {
        let next = sink.next().await?;
        assert_eq!(next.header("x-attempt-number"), attempt);
        assert_eq!(format!("{{{}}}", next.header("x-hook-uuid")), uuid, "without braces");
        assert_eq!(next.header("user-agent"), "Bitbucket-Webhooks/2.0");
        requests.push(next.header("x-request-uuid").to_owned());
    }
    assert!(
        requests[0].len() == 36 && requests.iter().all(|request| *request == requests[0]),
        "{requests:?}"
    );
    let answered = |forge: &tidegate_sandbox_forge::Forge| forge.deliveries(REPO).ok()?.pop()?.response;
    assert_eq!(world.forge.wait_for("the last answer", PATIENCE, answered).await?, Ok(503));
    assert!(sink.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_no_secret_means_no_signature() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(401).await?;
    let body = json!({ "url": sink.url, "events": ["repo:push"] });
    assert_eq!(world.call(Method::POST, &world.acme, &format!("{ROUTE}/hooks"), body).await?.0, 201);
    for message in ["one", "two"] {
        world.forge.commit(REPO, "topic", "dora", &[("a", message)], message).await?;
        let push = sink.next_unsigned().await?;
        assert_eq!(push.body["push"]["changes"][0]["new"]["target"]["message"], message);
    }
    Ok(())
}

#[tokio::test]
async fn a_delivery_of_more_than_256_kilobytes_is_never_sent() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(200).await?;
    hook(&world, &sink).await?;
    world.forge.commit(REPO, "topic", "dora", &[("a", "1\n")], &"x".repeat(64 << 10)).await?;
    world.forge.commit(REPO, "other", "dora", &[("a", "2\n")], "small").await?;
    assert_eq!(sink.next().await?.body["push"]["changes"][0]["new"]["name"], "other");
    assert_eq!(world.forge.deliveries(REPO)?.len(), 1);
    Ok(())
}
