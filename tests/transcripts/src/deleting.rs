//! Deletion, and what follows from it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api, Client, Resource as _, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde_json::json;
use tidegate_resources::IntegrationConfig;

use crate::objects::{config, configs, create_config, refusal};

/// A real garbage collector takes its time.
const PATIENCE: Duration = Duration::from_mins(1);

/// An object with finalizers stays, marked, until they are gone.
pub async fn a_finalizer_keeps_an_object(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client, namespace);
    let mut held = config("held")?;
    held.metadata.finalizers = Some(vec!["tidegate.dev/webhook".to_owned()]);
    api.create(&PostParams::default(), &held).await?;
    let answer = api.delete("held", &DeleteParams::default()).await?;
    ensure!(answer.is_left(), "the answer is the object");
    let marked = api.get("held").await?;
    ensure!(marked.metadata.deletion_timestamp.is_some());
    ensure!(marked.metadata.generation == Some(2), "{:?}", marked.metadata.generation);

    // Deleting it again changes nothing.
    api.delete("held", &DeleteParams::default()).await?;
    ensure!(api.get("held").await?.resource_version() == marked.resource_version());

    let more =
        Patch::Merge(json!({"metadata": {"finalizers": ["tidegate.dev/webhook", "tidegate.dev/more"]}}));
    let (code, _, message) = refusal(api.patch("held", &PatchParams::default(), &more).await)?;
    ensure!(code == 422 && message.contains("no new finalizers can be added"), "{code}: {message}");

    let remove: Patch<()> = Patch::Json(serde_json::from_value(json!([
        {"op": "test", "path": "/metadata/finalizers/0", "value": "tidegate.dev/webhook"},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    ]))?);
    api.patch("held", &PatchParams::default(), &remove).await?;
    ensure!(refusal(api.get("held").await)?.0 == 404);
    Ok(())
}

fn owned_by(owner: &IntegrationConfig, name: &str) -> anyhow::Result<ConfigMap> {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map.metadata.owner_references =
        Some(vec![owner.controller_owner_ref(&()).context("an owner without a name")?]);
    Ok(map)
}

async fn gone(api: Api<ConfigMap>, name: &str, uid: &str) -> anyhow::Result<()> {
    // ConfigMaps are not watched in the sandbox, where collection is part of the deletion.
    if api.get_opt(name).await?.is_none() {
        return Ok(());
    }
    tokio::time::timeout(PATIENCE, await_condition(api, name, is_deleted(uid)))
        .await
        .with_context(|| format!("{name} was not collected in time"))??;
    Ok(())
}

/// The garbage collector deletes what an object owned.
pub async fn what_an_object_owns_follows_it(client: Client, namespace: &str) -> anyhow::Result<()> {
    let owner = create_config(&client, namespace, "owner").await?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let dependent = maps.create(&PostParams::default(), &owned_by(&owner, "owned")?).await?;
    let answer = configs(client, namespace).delete("owner", &DeleteParams::default()).await?;
    ensure!(answer.is_right(), "the answer is a Status");
    gone(maps, "owned", &dependent.uid().context("no uid")?).await
}

/// What names an owner that is gone already goes, too.
pub async fn an_orphan_is_collected(client: Client, namespace: &str) -> anyhow::Result<()> {
    let owner = create_config(&client, namespace, "gone").await?;
    configs(client.clone(), namespace).delete("gone", &DeleteParams::default()).await?;
    let maps: Api<ConfigMap> = Api::namespaced(client, namespace);
    let orphan = maps.create(&PostParams::default(), &owned_by(&owner, "orphan")?).await?;
    gone(maps, "orphan", &orphan.uid().context("no uid")?).await
}

/// A precondition protects an object that was created again under the same name.
pub async fn a_deletion_may_name_the_uid_it_means(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let created = create_config(&client, namespace, "meant").await?;
    let delete = |uid: Option<String>| DeleteParams {
        preconditions: Some(Preconditions { uid, resource_version: None }),
        ..DeleteParams::default()
    };
    let other = Some("00000000-0000-4000-8000-000000000000".to_owned());
    let (code, _, message) = refusal(api.delete("meant", &delete(other)).await)?;
    let start = "Operation cannot be fulfilled on IntegrationConfig.tidegate.dev \"meant\": the UID in the precondition (00";
    ensure!(code == 409 && message.starts_with(start), "{code}: {message}");
    let stale = DeleteParams {
        preconditions: Some(Preconditions { uid: None, resource_version: Some("1".to_owned()) }),
        ..DeleteParams::default()
    };
    let (code, _, message) = refusal(api.delete("meant", &stale).await)?;
    ensure!(
        code == 409 && message.contains("the ResourceVersion in the precondition (1)"),
        "{code}: {message}"
    );
    api.delete("meant", &delete(created.uid())).await?;
    Ok(())
}

/// A namespace is deleted with all its objects; nothing can be created in a missing one.
pub async fn a_namespace_takes_its_objects_along(client: Client, namespace: &str) -> anyhow::Result<()> {
    let name = format!("{namespace}-short-lived");
    let spaces: Api<Namespace> = Api::all(client.clone());
    let space: Namespace =
        serde_json::from_value(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))?;
    let created = spaces.create(&PostParams::default(), &space).await?;
    create_config(&client, &name, "inside").await?;
    spaces.delete(&name, &DeleteParams::default()).await?;
    if spaces.get_opt(&name).await?.is_some() {
        let uid = created.uid().context("no uid")?;
        tokio::time::timeout(PATIENCE, await_condition(spaces, &name, is_deleted(&uid)))
            .await
            .context("the namespace did not end in time")??;
    }
    let api = configs(client, &name);
    ensure!(refusal(api.get("inside").await)?.0 == 404);
    let (code, _, message) = refusal(api.create(&PostParams::default(), &config("inside")?).await)?;
    ensure!(code == 404 && message == format!("namespaces \"{name}\" not found"), "{code}: {message}");
    Ok(())
}

/// A collection is deleted as far as it is selected.
pub async fn a_collection_is_deleted_by_label(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client, namespace);
    for (name, group) in [("several-a", "go"), ("several-b", "go"), ("several-c", "stay")] {
        let mut labelled = config(name)?;
        labelled.labels_mut().insert("several".to_owned(), group.to_owned());
        api.create(&PostParams::default(), &labelled).await?;
    }
    api.delete_collection(&DeleteParams::default(), &ListParams::default().labels("several=go")).await?;
    let left: Vec<String> = api
        .list(&ListParams::default().labels("several"))
        .await?
        .items
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    ensure!(left == ["several-c"], "{left:?}");
    Ok(())
}
