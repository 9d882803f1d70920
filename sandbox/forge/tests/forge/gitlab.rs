//! GitLab's dialect, beside what its documentation and recorded deliveries say.

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tidegate_model::{CommitSha, Host, Permission};
use tidegate_sandbox_forge::Forge;

use crate::{
    sink::Sink,
    world::{PATIENCE, REPO, World},
};

const ROUTE: &str = "projects/acme%2Fshop";
const KEY: [u8; 32] = [7; 32];

async fn world() -> Result<World> {
    World::new(Host::Gitlab, false).await
}

fn signing_token() -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(KEY))
}

/// Creates a hook for all events, proven as `proof` says, and returns it.
async fn hook(world: &World, sink: &Sink, proof: (&str, &str)) -> Result<Value> {
    let mut body = json!({
        "url": sink.url, "push_events": true, "tag_push_events": true, "merge_requests_events": true,
        "note_events": true,
    });
    body[proof.0] = proof.1.into();
    let (status, hook) = world.call(Method::POST, &world.acme, &format!("{ROUTE}/hooks"), body).await?;
    ensure!(status == 201, "{status} {hook}");
    Ok(hook)
}

#[tokio::test]
async fn a_signing_token_signs_id_time_and_body_and_is_never_sent() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(200).await?;
    let shown = hook(&world, &sink, ("signing_token", &signing_token())).await?;
    assert_eq!(shown["signing_token_present"], true);
    assert!(!shown.to_string().contains("whsec_"), "{shown}");
    world.forge.commit(REPO, "fix", "dora", &[("a", "1\n")], "one").await?;
    let (headers, body) = sink.receive().await?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(&KEY)?;
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&body);
    let signature = header("webhook-signature").strip_prefix("v1,").context("version 1")?;
    ensure!(mac.verify_slice(&BASE64_STANDARD.decode(signature)?).is_ok(), "the signature is wrong");
    assert_eq!((header("x-gitlab-event"), header("x-gitlab-token")), ("Push Hook", ""));
    assert_eq!(header("idempotency-key"), header("webhook-id"));
    Ok(())
}

#[tokio::test]
async fn an_older_gitlab_ignores_a_signing_token_and_sends_a_secret_token_in_clear() -> Result<()> {
    let world = world().await?;
    world.forge.set_signing_tokens(false);
    let mut sink = Sink::start(200).await?;
    let shown = hook(&world, &sink, ("signing_token", &signing_token())).await?;
    assert_eq!(shown.get("signing_token_present"), None);
    let id = shown["id"].as_u64().context("an id")?;
    world.forge.delete_hook(REPO, id)?;
    hook(&world, &sink, ("token", "t0ken")).await?;
    world.forge.commit(REPO, "fix", "dora", &[("a", "1\n")], "one").await?;
    let delivery = sink.next_unsigned().await?;
    assert_eq!((delivery.header("x-gitlab-token"), delivery.header("webhook-id")), ("t0ken", ""));
    Ok(())
}

#[tokio::test]
async fn a_hook_is_disabled_after_four_failures_in_a_row() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(500).await?;
    hook(&world, &sink, ("token", "t0ken")).await?;
    for n in 1..=5 {
        world.forge.commit(REPO, "fix", "dora", &[("a", &format!("{n}\n"))], "more").await?;
        let answered = |forge: &Forge| {
            let deliveries = forge.deliveries(REPO).ok()?;
            deliveries.iter().all(|delivery| delivery.response.is_some()).then_some(())
        };
        world.forge.wait_for("every delivery to be answered", PATIENCE, answered).await?;
    }
    for _ in 0..4 {
        sink.next_unsigned().await?;
    }
    assert!(sink.is_empty(), "the fifth push was sent");
    let hooks = world.read(&format!("{ROUTE}/hooks")).await?;
    assert_eq!(hooks[0]["alert_status"], "temporarily_disabled");
    Ok(())
}

#[tokio::test]
async fn a_push_of_more_than_three_references_sends_nothing() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(200).await?;
    hook(&world, &sink, ("token", "t0ken")).await?;
    world.git(".", &["clone", "--quiet", &world.url_for(&world.dora), "work"]).await?;
    let push = ["push", "--quiet", "--atomic", "origin"];
    world.git("work", &[&push[..], &["main:a", "main:b", "main:c", "main:d"]].concat()).await?;
    world.git("work", &["tag", "v1"]).await?;
    world.git("work", &[&push[..], &["main:e", "v1"]].concat()).await?;
    let mut refs = Vec::new();
    for _ in 0..2 {
        let delivery = sink.next_unsigned().await?;
        refs.push((delivery.header("x-gitlab-event").to_owned(), delivery.body["ref"].clone()));
    }
    refs.sort_by_key(|(event, _)| event.clone());
    assert_eq!(
        refs,
        [
            ("Push Hook".to_owned(), json!("refs/heads/e")),
            ("Tag Push Hook".to_owned(), json!("refs/tags/v1")),
        ]
    );
    assert!(sink.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_merge_request_is_shown_alike_in_events_and_answers() -> Result<()> {
    let world = world().await?;
    let mut sink = Sink::start(200).await?;
    let fork = world.forge.fork(REPO, "steve").await?;
    let head = world.forge.commit(fork.as_str(), "fix", "steve", &[("a", "1\n")], "one").await?;
    hook(&world, &sink, ("token", "t0ken")).await?;
    let iid = world.forge.open_pull_request(REPO, "steve", "steve:fix", "main", "Fix").await?;
    let opened = sink.next_unsigned().await?;
    let attributes = &opened.body["object_attributes"];
    assert_eq!(opened.header("x-gitlab-event"), "Merge Request Hook");
    assert_eq!((&attributes["action"], &attributes["last_commit"]["id"]), (&json!("open"), &json!(head)));
    assert_eq!(attributes["source"]["path_with_namespace"], fork.as_str());
    let shown = world.read(&format!("{ROUTE}/merge_requests/{iid}")).await?;
    for field in ["iid", "source_project_id", "target_project_id", "source_branch", "target_branch"] {
        assert_eq!(shown[field], attributes[field], "{field}");
    }
    assert_eq!((&shown["sha"], &shown["diff_refs"]["head_sha"]), (&json!(head), &json!(head)));
    let source = world.read(&format!("projects/{}", shown["source_project_id"])).await?;
    assert_eq!(
        (&source["path_with_namespace"], &source["namespace"]["kind"]),
        (&json!(fork), &json!("user"))
    );
    // https://gitlab.com/gitlab-org/gitlab/-/issues/224610
    world.forge.commit(REPO, "next", "dora", &[("n", "1\n")], "next").await?;
    sink.next_unsigned().await?;
    world.forge.change_base(REPO, iid, "next", "steve").await?;
    let changed = sink.next_unsigned().await?;
    assert_eq!(changed.body["object_attributes"]["target_branch"], "next");
    assert_eq!(changed.body["changes"].get("target_branch"), None);
    Ok(())
}

#[tokio::test]
async fn a_status_does_not_change_to_the_state_that_it_has() -> Result<()> {
    let world = world().await?;
    let sha = world.forge.branch(REPO, "main")?;
    let post = async |token: &str, sha: &CommitSha, state: &str| {
        let body = json!({"name": "tidegate/unit", "state": state, "description": "d", "ref": "main"});
        world.call(Method::POST, token, &format!("{ROUTE}/statuses/{sha}"), body).await
    };
    assert_eq!(post(&world.steve, &sha, "pending").await?.0, 403);
    assert_eq!(post(&world.dora, &sha, "green").await?.0, 400);
    assert_eq!(post(&world.dora, &sha, "pending").await?.0, 201);
    let (status, refused) = post(&world.dora, &sha, "pending").await?;
    assert_eq!(
        (status, &refused["message"]),
        (400, &json!("Cannot transition status via :enqueue from :pending"))
    );
    for state in ["running", "success", "success"] {
        assert_eq!(post(&world.dora, &sha, state).await?.0, 201, "{state}");
    }
    let missing = "0123456789012345678901234567890123456789".parse()?;
    assert_eq!(post(&world.dora, &missing, "success").await?.0, 404);
    let listed = world.read(&format!("{ROUTE}/repository/commits/{sha}/statuses")).await?;
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["status"]), (Some(1), &json!("success")));
    Ok(())
}

#[tokio::test]
async fn members_have_levels_and_readers_of_a_public_project_are_none() -> Result<()> {
    let world = world().await?;
    world.forge.set_permission(REPO, "dora", Permission::Admin)?;
    let id = async |login: &str| {
        let found = world.read(&format!("users?username={login}")).await?;
        found[0]["id"].as_u64().context("an id")
    };
    for (login, expected) in [("acme", Some(40)), ("dora", Some(40)), ("steve", None)] {
        let path = format!("{ROUTE}/members/all/{}", id(login).await?);
        let (status, member) = world.get(&world.acme, &path).await?;
        assert_eq!(member["access_level"].as_u64(), expected, "{login}: {status} {member}");
        assert_eq!(status == 200, expected.is_some());
    }
    let profile = world.read(&format!("users/{}", id("dora").await?)).await?;
    assert_eq!((&profile["bot"], &profile["username"]), (&json!(false), &json!("dora")));
    Ok(())
}
