//! Build statuses.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_model::CommitSha;

use crate::{
    bitbucket::{ROUTE, message, world},
    world::{REPO, World},
};

async fn post(world: &World, token: &str, sha: &CommitSha, body: Value) -> Result<(u16, Value)> {
    world.call(Method::POST, token, &format!("{ROUTE}/commit/{sha}/statuses/build"), body).await
}

#[tokio::test]
async fn a_status_replaces_the_one_of_its_key() -> Result<()> {
    let world = world().await?;
    let sha = world.forge.branch(REPO, "main")?;
    let body = |key: &str, state: &str| {
        json!({
            "key": key, "name": format!("tidegate/{key}"), "state": state, "url": "http://127.0.0.1:8080/run",
            "description": "d", "refname": "main",
        })
    };
    assert_eq!(post(&world, "", &sha, body("a", "FAILED")).await?.0, 401);
    assert_eq!(post(&world, &world.steve, &sha, body("a", "FAILED")).await?.0, 403);
    for (key, state) in [("a", "INPROGRESS"), ("b", "FAILED"), ("a", "SUCCESSFUL")] {
        let (status, shown) = post(&world, &world.dora, &sha, body(key, state)).await?;
        assert_eq!((status, &shown["state"], &shown["refname"]), (201, &json!(state), &json!("main")));
    }
    let list = world.read(&format!("{ROUTE}/commit/{sha}/statuses")).await?;
    let found = [0, 1].map(|n| (list["values"][n]["key"].clone(), list["values"][n]["state"].clone()));
    assert_eq!(found, [(json!("a"), json!("SUCCESSFUL")), (json!("b"), json!("FAILED"))]);
    assert_eq!(list["size"], 2);
    let kept = world.forge.status(REPO, &sha, "tidegate/a")?;
    let kept = kept.map(|status| (status.key, status.branch, status.state));
    assert_eq!(kept, Some((Some("a".to_owned()), Some("main".to_owned()), "SUCCESSFUL".to_owned())));
    Ok(())
}

#[tokio::test]
async fn a_status_needs_a_short_key_a_known_state_and_a_url() -> Result<()> {
    let world = world().await?;
    let sha = world.forge.branch(REPO, "main")?;
    let right = json!({ "key": "k".repeat(40), "state": "STOPPED", "url": "http://ci.example.test/" });
    assert_eq!(post(&world, &world.dora, &sha, right.clone()).await?.0, 201);
    for (field, value) in [
        ("key", json!("k".repeat(41))),
        ("key", json!("")),
        ("state", json!("success")),
        ("url", json!("")),
        ("url", json!(null)),
        ("url", json!("http://jenkins:8080/")),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        let (status, body) = post(&world, &world.dora, &sha, wrong).await?;
        assert_eq!(status, 400);
        assert!(message(&body).starts_with(&format!("{field}: ")), "{body}");
    }
    let missing: CommitSha = "1".repeat(40).parse()?;
    assert_eq!(post(&world, &world.dora, &missing, right).await?.0, 404);
    Ok(())
}
