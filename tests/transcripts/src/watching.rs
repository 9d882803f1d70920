//! Watches.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use anyhow::{Context as _, bail, ensure};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use kube::{
    Client, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    runtime::watcher,
};
use serde_json::json;
use tidegate_resources::IntegrationConfig;

use crate::objects::{config, configs, create_config};

/// How long a conversation waits for an event before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

type Event = WatchEvent<IntegrationConfig>;

/// The next event as `KIND name`, with the object's version.
async fn next(
    events: &mut (impl Stream<Item = kube::Result<Event>> + Unpin),
) -> anyhow::Result<(String, String)> {
    loop {
        let event = tokio::time::timeout(PATIENCE, events.next())
            .await
            .context("no event came in time")?
            .context("the watch ended")?
            .context("failed to read the watch")?;
        let (kind, object) = match event {
            WatchEvent::Added(object) => ("ADDED", object),
            WatchEvent::Modified(object) => ("MODIFIED", object),
            WatchEvent::Deleted(object) => ("DELETED", object),
            // A server may send one at any time.
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => bail!("the watch failed: {status:?}"),
        };
        let version = object.resource_version().context("an event without a version")?;
        return Ok((format!("{kind} {}", object.name_any()), version));
    }
}

async fn label(client: &Client, namespace: &str, name: &str, value: &str) -> anyhow::Result<()> {
    let patch = json!({"metadata": {"labels": {"colour": value}}});
    configs(client.clone(), namespace)
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .with_context(|| format!("failed to label {name}"))?;
    Ok(())
}

/// A watch that starts at an event's version sees what came behind it, all of it and nothing twice.
pub async fn a_watch_resumes_where_it_ended(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let start = api
        .list(&ListParams::default())
        .await?
        .metadata
        .resource_version
        .context("a list without a version")?;
    create_config(&client, namespace, "resume-a").await?;
    label(&client, namespace, "resume-a", "red").await?;
    api.delete("resume-a", &DeleteParams::default()).await?;

    let names = WatchParams::default().fields("metadata.name=resume-a");
    let mut first = api.watch(&names, &start).await?.boxed();
    let (event, version) = next(&mut first).await?;
    ensure!(event == "ADDED resume-a", "{event}");
    drop(first);
    let mut second = api.watch(&names, &version).await?.boxed();
    ensure!(next(&mut second).await?.0 == "MODIFIED resume-a");
    let (event, last) = next(&mut second).await?;
    ensure!(event == "DELETED resume-a", "{event}");
    let (version, last): (u64, u64) = (version.parse()?, last.parse()?);
    ensure!(last > version, "a deletion has a version of its own: {last} after {version}");
    Ok(())
}

/// A watch without a version adds each object first.
pub async fn a_watch_from_nowhere_starts_with_what_is_there(
    client: Client,
    namespace: &str,
) -> anyhow::Result<()> {
    create_config(&client, namespace, "nowhere").await?;
    let api = configs(client.clone(), namespace);
    let names = WatchParams::default().fields("metadata.name=nowhere");
    let mut events = api.watch(&names, "0").await?.boxed();
    ensure!(next(&mut events).await?.0 == "ADDED nowhere");
    label(&client, namespace, "nowhere", "red").await?;
    ensure!(next(&mut events).await?.0 == "MODIFIED nowhere");
    Ok(())
}

/// With a label selector, an object comes and goes with its labels.
pub async fn an_object_that_leaves_the_selector_is_deleted_to_the_watch(
    client: Client,
    namespace: &str,
) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let created = create_config(&client, namespace, "selected").await?;
    let start = created.resource_version().context("no version")?;
    let red = WatchParams::default().labels("colour in (red)");
    let mut events = api.watch(&red, &start).await?.boxed();
    label(&client, namespace, "selected", "red").await?;
    ensure!(next(&mut events).await?.0 == "ADDED selected");
    label(&client, namespace, "selected", "blue").await?;
    let (event, version) = next(&mut events).await?;
    ensure!(event == "DELETED selected", "{event}");
    let now = api.get("selected").await?.resource_version();
    ensure!(now == Some(version), "the event has the version of the change, {now:?}");
    let found = api.list(&ListParams::default().labels("colour=blue,!shade")).await?;
    ensure!(found.items.len() == 1, "{} found", found.items.len());
    Ok(())
}

/// A streaming list: what is there, then a bookmark that marks the end, then the changes.
pub async fn a_watch_can_be_asked_to_list_first(client: Client, namespace: &str) -> anyhow::Result<()> {
    create_config(&client, namespace, "streamed").await?;
    let api = configs(client, namespace);
    let parameters = WatchParams::default().fields("metadata.name=streamed").initial_events();
    let mut events = api.watch(&parameters, "").await?.boxed();
    ensure!(next(&mut events).await?.0 == "ADDED streamed");
    let bookmark =
        tokio::time::timeout(PATIENCE, events.try_next()).await.context("no bookmark came in time")??;
    let Some(WatchEvent::Bookmark(bookmark)) = bookmark else {
        bail!("not a bookmark: {bookmark:?}");
    };
    let end = BTreeMap::from([("k8s.io/initial-events-end".to_owned(), "true".to_owned())]);
    ensure!(bookmark.metadata.annotations == end, "{:?}", bookmark.metadata.annotations);
    Ok(())
}

/// The controller's own way to watch.
pub async fn kubes_watcher_follows_changes(client: Client, namespace: &str) -> anyhow::Result<()> {
    create_config(&client, namespace, "followed").await?;
    let api = configs(client.clone(), namespace);
    let selected = watcher::Config::default().fields("metadata.name=followed");
    let mut events = pin!(watcher::watcher(api.clone(), selected));
    let mut next = async || {
        tokio::time::timeout(PATIENCE, events.try_next())
            .await
            .context("no event came in time")??
            .context("the watcher ended")
    };
    ensure!(matches!(next().await?, watcher::Event::Init));
    ensure!(matches!(next().await?, watcher::Event::InitApply(_)));
    ensure!(matches!(next().await?, watcher::Event::InitDone));
    label(&client, namespace, "followed", "red").await?;
    ensure!(matches!(next().await?, watcher::Event::Apply(_)));
    api.delete("followed", &DeleteParams::default()).await?;
    ensure!(matches!(next().await?, watcher::Event::Delete(_)));
    Ok(())
}

/// For a server whose history can be thrown away on demand: a watch from before gets 410, and kube's watcher recovers.
pub async fn an_expired_watch_is_gone(
    client: Client,
    namespace: &str,
    compact: impl Fn(),
) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let old = create_config(&client, namespace, "expired").await?;
    let old = old.resource_version().context("no version")?;
    label(&client, namespace, "expired", "red").await?;
    compact();
    let mut events = api.watch(&WatchParams::default(), &old).await?.boxed();
    let event = tokio::time::timeout(PATIENCE, events.next()).await.context("no event came in time")?;
    match event.context("the watch ended")?? {
        WatchEvent::Error(status) => {
            ensure!(status.code == 410 && status.reason == "Expired", "{status:?}");
        }
        other => bail!("not an error: {other:?}"),
    }

    // A watch that is up to date continues.
    let now = api.list(&ListParams::default()).await?;
    let now = now.metadata.resource_version.context("no version")?;
    compact();
    let mut events = api.watch(&WatchParams::default(), &now).await?.boxed();
    api.create(&PostParams::default(), &config("expired-not")?).await?;
    ensure!(next(&mut events).await?.0 == "ADDED expired-not");
    Ok(())
}
