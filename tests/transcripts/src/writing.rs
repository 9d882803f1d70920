//! Creating, replacing, patching.

use anyhow::{Context as _, ensure};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, ResourceExt as _,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tidegate_resources::{IntegrationConfigStatus, WebhookStatus};

use crate::objects::{config, configs, create_config, refusal};

/// A replacement of an older version than the present is refused.
pub async fn a_stale_write_conflicts(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let mut first = create_config(&client, namespace, "stale").await?;
    let mut second = first.clone();
    first.spec.max_concurrent_runs = Some(1);
    second.spec.max_concurrent_runs = Some(2);
    api.replace("stale", &PostParams::default(), &first).await?;
    let (code, reason, message) = refusal(api.replace("stale", &PostParams::default(), &second).await)?;
    ensure!(
        (code, reason.as_str()) == (409, "Conflict")
            && message
                .contains("the object has been modified; please apply your changes to the latest version"),
        "{code} {reason}: {message}"
    );
    let (code, ..) = refusal(api.replace_status("stale", &PostParams::default(), &second).await)?;
    ensure!(code == 409, "status: {code}");
    second.metadata.resource_version = None;
    let (code, _, message) = refusal(api.replace("stale", &PostParams::default(), &second).await)?;
    ensure!(code == 422 && message.contains("must be specified for an update"), "{code}: {message}");
    Ok(())
}

/// A second object of the same name is refused, as is one that isn't there.
pub async fn a_name_is_taken_once(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    create_config(&client, namespace, "taken").await?;
    let (code, reason, message) = refusal(api.create(&PostParams::default(), &config("taken")?).await)?;
    ensure!(
        (code, reason.as_str(), message.as_str())
            == (409, "AlreadyExists", "integrationconfigs.tidegate.dev \"taken\" already exists"),
        "{code} {reason}: {message}"
    );
    let (code, reason, message) = refusal(api.get("missing").await)?;
    ensure!(
        (code, reason.as_str(), message.as_str())
            == (404, "NotFound", "integrationconfigs.tidegate.dev \"missing\" not found"),
        "{code} {reason}: {message}"
    );
    Ok(())
}

fn webhook(id: &str) -> IntegrationConfigStatus {
    IntegrationConfigStatus {
        webhook: Some(WebhookStatus {
            salt: "0123456789abcdef".to_owned(),
            id: Some(id.to_owned()),
            ..WebhookStatus::default()
        }),
        ..IntegrationConfigStatus::default()
    }
}

/// The main endpoint leaves the status alone, the status' endpoint everything else.
pub async fn status_and_spec_are_apart(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let mut new = config("apart")?;
    new.status = Some(webhook("from create"));
    let mut object = api.create(&PostParams::default(), &new).await?;
    ensure!(object.status.is_none(), "create wrote the status: {:?}", object.status);

    object.status = Some(webhook("from status"));
    object.spec.max_concurrent_runs = Some(7);
    object.labels_mut().insert("colour".to_owned(), "red".to_owned());
    let mut object = api.replace_status("apart", &PostParams::default(), &object).await?;
    ensure!(object.spec.max_concurrent_runs.is_none(), "the status' endpoint wrote the spec");
    ensure!(object.labels().is_empty(), "the status' endpoint wrote a label");

    object.status = Some(webhook("from replace"));
    object.spec.max_concurrent_runs = Some(7);
    api.replace("apart", &PostParams::default(), &object).await?;
    let patch = json!({"status": {"webhook": {"id": "from patch"}}});
    let object = api.patch("apart", &PatchParams::default(), &Patch::Merge(patch)).await?;
    ensure!(object.spec.max_concurrent_runs == Some(7));
    ensure!(object.status == Some(webhook("from status")), "{:?}", object.status);

    let patch =
        json!({"status": {"webhook": {"id": "from status' patch"}}, "spec": {"maxConcurrentRuns": 8}});
    let object = api.patch_status("apart", &PatchParams::default(), &Patch::Merge(patch)).await?;
    ensure!(object.spec.max_concurrent_runs == Some(7));
    ensure!(object.status == Some(webhook("from status' patch")), "{:?}", object.status);
    Ok(())
}

/// Metadata and status don't count.
pub async fn the_generation_counts_changes_of_the_spec(
    client: Client,
    namespace: &str,
) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let created = create_config(&client, namespace, "counted").await?;
    ensure!(created.metadata.generation == Some(1), "{:?}", created.metadata.generation);
    let parameters = PatchParams::default();
    let label = Patch::Merge(json!({"metadata": {"labels": {"colour": "red"}}}));
    ensure!(api.patch("counted", &parameters, &label).await?.metadata.generation == Some(1));
    let status = Patch::Merge(json!({"status": {"observedGeneration": 1}}));
    ensure!(api.patch_status("counted", &parameters, &status).await?.metadata.generation == Some(1));
    let spec = Patch::Merge(json!({"spec": {"maxConcurrentRuns": 3}}));
    ensure!(api.patch("counted", &parameters, &spec).await?.metadata.generation == Some(2));
    Ok(())
}

/// A merge patch that carries a resource version applies to that version only.
pub async fn a_merge_patch_is_guarded_by_its_resource_version(
    client: Client,
    namespace: &str,
) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let created = create_config(&client, namespace, "guarded").await?;
    let patch = |runs: u32| {
        Patch::Merge(json!({
            "metadata": {"resourceVersion": created.resource_version()},
            "spec": {"maxConcurrentRuns": runs},
        }))
    };
    let patched = api.patch("guarded", &PatchParams::default(), &patch(2)).await?;
    ensure!(patched.spec.max_concurrent_runs == Some(2));
    let (code, reason, _) = refusal(api.patch("guarded", &PatchParams::default(), &patch(3)).await)?;
    ensure!((code, reason.as_str()) == (409, "Conflict"), "{code} {reason}");
    let (code, ..) = refusal(api.patch_status("guarded", &PatchParams::default(), &patch(3)).await)?;
    ensure!(code == 409, "status: {code}");

    let remove = Patch::Merge(json!({"spec": {"maxConcurrentRuns": null}}));
    let patched = api.patch("guarded", &PatchParams::default(), &remove).await?;
    ensure!(patched.spec.max_concurrent_runs.is_none(), "null removes a field");
    Ok(())
}

/// A JSON patch is all or nothing.
pub async fn a_json_patch_applies_only_if_its_test_holds(
    client: Client,
    namespace: &str,
) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    create_config(&client, namespace, "tested").await?;
    let patch = |expected: &str| -> anyhow::Result<Patch<()>> {
        let operations = json!([
            {"op": "add", "path": "/spec/maxConcurrentRuns", "value": 5},
            {"op": "test", "path": "/spec/git/repository", "value": expected},
        ]);
        Ok(Patch::Json(serde_json::from_value(operations)?))
    };
    let (code, reason, message) =
        refusal(api.patch("tested", &PatchParams::default(), &patch("acme/other")?).await)?;
    ensure!(
        (code, reason.as_str(), message.as_str())
            == (422, "Invalid", "the server rejected our request due to an error in our request"),
        "{code} {reason}: {message}"
    );
    ensure!(api.get("tested").await?.spec.max_concurrent_runs.is_none());
    let patched = api.patch("tested", &PatchParams::default(), &patch("acme/web")?).await?;
    ensure!(patched.spec.max_concurrent_runs == Some(5));
    Ok(())
}

/// A write that changes nothing leaves the version as it was.
pub async fn a_write_without_a_change_is_no_version(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client.clone(), namespace);
    let created = create_config(&client, namespace, "unchanged").await?;
    let replaced = api.replace("unchanged", &PostParams::default(), &created).await?;
    ensure!(replaced.resource_version() == created.resource_version());
    let patch = Patch::Merge(json!({"spec": {"git": {"repository": "acme/web"}}}));
    let patched = api.patch("unchanged", &PatchParams::default(), &patch).await?;
    ensure!(patched.resource_version() == created.resource_version());
    Ok(())
}

/// A Secret's `stringData` is write-only.
pub async fn string_data_becomes_data(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api: Api<Secret> = Api::namespaced(client, namespace);
    let secret: Secret = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain"}, "stringData": {"token": "t"},
    }))?;
    api.create(&PostParams::default(), &secret).await?;
    let found = api.get("plain").await?;
    ensure!(found.string_data.is_none(), "{:?}", found.string_data);
    let token = found.data.as_ref().and_then(|data| data.get("token"));
    ensure!(token == Some(&ByteString(b"t".to_vec())), "{:?}", found.data);
    Ok(())
}

/// `generateName` is a prefix.
pub async fn a_server_makes_up_names(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = configs(client, namespace);
    let mut nameless = config("x")?;
    nameless.metadata.name = None;
    let (code, _, message) = refusal(api.create(&PostParams::default(), &nameless).await)?;
    ensure!(code == 422 && message.contains("name or generateName is required"), "{code}: {message}");
    nameless.metadata.generate_name = Some("made-up-".to_owned());
    let created = api.create(&PostParams::default(), &nameless).await?;
    let name = created.metadata.name.context("no name")?;
    ensure!(name.starts_with("made-up-") && name.len() == 13, "{name}");
    ensure!(created.metadata.uid.is_some() && created.metadata.creation_timestamp.is_some());
    Ok(())
}
