//! Webhooks as the REST API shows them.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bitbucket::{EVENTS, ROUTE, hook, world},
    sink::{SECRET, Sink},
    world::{REPO, World},
};

async fn put(world: &World, uuid: &str, body: Value) -> Result<(u16, Value)> {
    world.call(Method::PUT, &world.acme, &format!("{ROUTE}/hooks/{uuid}"), body).await
}

#[tokio::test]
async fn a_hook_keeps_what_an_update_does_not_name_and_never_shows_its_secret() -> Result<()> {
    let world = world().await?;
    let sink = Sink::start(200).await?;
    let uuid = hook(&world, &sink).await?;
    assert!(uuid.starts_with('{') && uuid.ends_with('}'), "{uuid}");
    let shown = world.read(&format!("{ROUTE}/hooks/{uuid}")).await?;
    assert_eq!((&shown["url"], &shown["events"]), (&json!(sink.url), &json!(EVENTS)));
    assert_eq!((&shown["secret_set"], &shown["skip_cert_verification"]), (&json!(true), &json!(false)));
    assert!(!shown.to_string().contains(SECRET));
    assert_eq!(world.read(&format!("{ROUTE}/hooks")).await?["values"], json!([shown]));

    let (status, edited) =
        put(&world, &uuid, json!({ "active": false, "skip_cert_verification": true })).await?;
    assert_eq!(status, 200);
    assert_eq!((&edited["active"], &edited["skip_cert_verification"]), (&json!(false), &json!(true)));
    assert_eq!((&edited["url"], &edited["events"]), (&shown["url"], &shown["events"]));
    let secret = || anyhow::Ok(world.forge.hooks(REPO)?.pop().context("the hook is there")?.secret);
    assert_eq!(secret()?.as_deref(), Some(SECRET));
    put(&world, &uuid, json!({ "secret": "new" })).await?;
    assert_eq!(secret()?.as_deref(), Some("new"));
    assert_eq!(put(&world, &uuid, json!({ "secret": null })).await?.1["secret_set"], false);
    assert_eq!(secret()?, None);

    let path = format!("{ROUTE}/hooks/{uuid}");
    assert_eq!(world.call(Method::DELETE, &world.acme, &path, Value::Null).await?.0, 204);
    assert_eq!(world.get(&world.acme, &path).await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn a_hook_is_refused_without_an_address_or_with_an_unknown_event() -> Result<()> {
    let world = world().await?;
    let right = json!({ "url": "http://127.0.0.1:9/", "events": ["repo:push"] });
    let post = async |token: &str, body: Value| {
        Ok::<_, anyhow::Error>(world.call(Method::POST, token, &format!("{ROUTE}/hooks"), body).await?.0)
    };
    for (field, value) in [
        ("url", json!(null)),
        ("url", json!("no address")),
        ("events", json!(null)),
        ("events", json!([])),
        ("events", json!(["push"])),
        ("secret", json!("s".repeat(129))),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        assert_eq!(post(&world.acme, wrong.clone()).await?, 400, "{wrong}");
    }
    assert_eq!(post(&world.dora, right.clone()).await?, 403);
    for _ in 0..2 {
        assert_eq!(post(&world.acme, right.clone()).await?, 201, "Bitbucket doesn't mind the same one again");
    }
    Ok(())
}
