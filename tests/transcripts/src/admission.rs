//! What the CRDs admit: defaults, schema, CEL rules.

use anyhow::{Context as _, ensure};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use crate::objects::{config_json, job_json, refusal};

fn dynamic(client: Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("tidegate.dev", "v1alpha1", kind));
    Api::namespaced_with(client, namespace, &resource)
}

async fn create(api: &Api<DynamicObject>, object: Value) -> anyhow::Result<kube::Result<DynamicObject>> {
    let object: DynamicObject = serde_json::from_value(object).context("not an object")?;
    Ok(api.create(&PostParams::default(), &object).await)
}

/// The refusal's message; it is 422 and names the object.
async fn invalid(api: &Api<DynamicObject>, object: Value) -> anyhow::Result<String> {
    let (code, reason, message) = refusal(create(api, object).await?)?;
    ensure!((code, reason.as_str()) == (422, "Invalid"), "{code} {reason}: {message}");
    Ok(message)
}

/// The server stores what the schema says, no more and no less.
pub async fn defaults_are_written_and_unknown_fields_dropped(
    client: Client,
    namespace: &str,
) -> anyhow::Result<()> {
    let configs = dynamic(client.clone(), namespace, "IntegrationConfig");
    let mut config = config_json("defaulted");
    config["spec"]["jobs"] = Value::Null;
    config["spec"]["colour"] = "red".into();
    config["spec"]["git"]["colour"] = "red".into();
    let created = create(&configs, config).await??;
    let spec = &created.data["spec"];
    ensure!(spec["jobs"] == json!({}), "{spec}");
    ensure!(spec.get("colour").is_none() && spec["git"].get("colour").is_none(), "{spec}");

    let jobs = dynamic(client, namespace, "IntegrationJob");
    let mut job = job_json("defaulted");
    job["spec"]["trigger"]["type"] = "Push".into();
    job["spec"]["base"]["sha"] = "b".repeat(40).into();
    job["spec"].as_object_mut().context("a spec")?.remove("pulls");
    let created = create(&jobs, job).await??;
    ensure!(created.data["spec"]["pulls"] == json!([]), "{}", created.data);
    let status = Patch::Merge(json!({"status": {"jobs": []}}));
    let patched = jobs.patch_status("defaulted", &PatchParams::default(), &status).await?;
    ensure!(patched.data["status"]["phase"] == "Queued", "{}", patched.data);
    Ok(())
}

/// An explicit null is the same as nothing: for the rules, too.
pub async fn a_null_is_no_value(client: Client, namespace: &str) -> anyhow::Result<()> {
    let configs = dynamic(client, namespace, "IntegrationConfig");
    let mut config = config_json("null");
    config["spec"]["git"]["githubApp"] = Value::Null;
    let created = create(&configs, config).await??;
    ensure!(created.data["spec"]["git"].get("githubApp").is_none(), "{}", created.data);
    let mut config = config_json("null-token");
    config["spec"]["git"]["tokenSecretRef"] = Value::Null;
    let message = invalid(&configs, config).await?;
    ensure!(message.contains("git needs exactly one of"), "{message}");
    Ok(())
}

/// Each refusal names the field and what it should be.
pub async fn bad_fields_are_named(client: Client, namespace: &str) -> anyhow::Result<()> {
    let configs = dynamic(client, namespace, "IntegrationConfig");
    let job = |name: &str| json!({"name": name, "image": "busybox", "script": "true"});
    let many: Vec<Value> = (0..51).map(|index| job(&format!("j{index}"))).collect();
    let cases = [
        ("/spec/git/repository", Value::Null, "spec.git.repository: Required value"),
        ("/spec/git/repository", json!(5), "spec.git.repository: Invalid value: \"integer\""),
        ("/spec/git/repository", json!("no-slash"), "spec.git.repository in body should match"),
        (
            "/spec/git/type",
            json!("svn"),
            "spec.git.type: Unsupported value: \"svn\": supported values: \"github\"",
        ),
        (
            "/spec/git/tokenSecretRef/key",
            json!(""),
            "spec.git.tokenSecretRef.key in body should be at least 1 chars long",
        ),
        (
            "/spec/jobs/preSubmit/0/name",
            json!("j".repeat(41)),
            "spec.jobs.preSubmit[0].name: Too long: may not be more than 40 bytes",
        ),
        (
            "/spec/jobs/preSubmit",
            json!(many),
            "spec.jobs.preSubmit: Too many: 51: must have at most 50 items",
        ),
        ("/spec/jobs/preSubmit", json!([job("a"), job("a")]), "spec.jobs.preSubmit[1]: Duplicate value"),
        (
            "/spec/jobs/postSubmit/0/command",
            json!([]),
            "spec.jobs.postSubmit[0].command in body should have at least 1 items",
        ),
    ];
    for (index, (pointer, value, expected)) in cases.into_iter().enumerate() {
        let mut config = config_json(&format!("bad-{index}"));
        *config.pointer_mut(pointer).with_context(|| format!("no {pointer}"))? = value;
        let message = invalid(&configs, config).await?;
        ensure!(message.contains(expected), "{pointer}: {message}");
    }
    let mut config = config_json("bad-number");
    config["spec"]["maxConcurrentRuns"] = 1001.into();
    let message = invalid(&configs, config).await?;
    ensure!(
        message.contains("spec.maxConcurrentRuns in body should be less than or equal to 1000"),
        "{message}"
    );
    Ok(())
}

type Edit = fn(&mut Value);

async fn each_is_refused(
    api: &Api<DynamicObject>,
    sound: fn(&str) -> Value,
    cases: &[(Edit, &str)],
) -> anyhow::Result<()> {
    for (index, (edit, expected)) in cases.iter().enumerate() {
        let mut object = sound(&format!("rule-{index}"));
        edit(&mut object);
        let message = invalid(api, object).await?;
        ensure!(message.contains(expected), "expected {expected:?}, got {message}");
    }
    Ok(())
}

async fn each_change_is_refused(
    api: &Api<DynamicObject>,
    name: &str,
    cases: &[(Value, &str)],
) -> anyhow::Result<()> {
    for (change, expected) in cases {
        let patch = Patch::Merge(json!({"spec": change}));
        let (code, _, message) = refusal(api.patch(name, &PatchParams::default(), &patch).await)?;
        ensure!(code == 422 && message.contains(expected), "expected {expected:?}, got {code}: {message}");
    }
    Ok(())
}

/// Each CEL rule of `IntegrationConfig`, and that a sound one passes.
pub async fn each_rule_of_a_config_rejects(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = dynamic(client, namespace, "IntegrationConfig");
    let cases: &[(Edit, &str)] = &[
        (
            |config| config["metadata"]["name"] = "n".repeat(41).into(),
            "a config's name has at most 40 characters",
        ),
        (|config| config["metadata"]["name"] = "merge".into(), "merge and tree are reserved"),
        (
            |config| {
                config["spec"]["git"]["githubApp"] = json!({"appId": 1, "installationId": 2, "privateKeySecretRef": {"name": "a", "key": "k"}});
            },
            "git needs exactly one of tokenSecretRef and githubApp",
        ),
        (
            |config| config["spec"]["git"] = json!({"type": "gitea", "repository": "a/b", "githubApp": {"appId": 1, "installationId": 2, "privateKeySecretRef": {"name": "a", "key": "k"}}}),
            "githubApp needs type github",
        ),
        (
            |config| config["spec"]["jobs"]["postSubmit"][0]["name"] = "test".into(),
            "a job's name is unique in its config",
        ),
        (
            |config| config["spec"]["jobs"]["preSubmit"][0]["command"] = json!(["true"]),
            "a job needs exactly one of script and command",
        ),
        (
            |config| config["spec"]["jobs"]["preSubmit"][0]["after"] = json!(["test"]),
            "a job can't run after itself",
        ),
        (
            |config| config["spec"]["jobs"]["preSubmit"][0]["env"] = json!([{"name": "A"}]),
            "a variable needs exactly one of value and secretKeyRef",
        ),
        (
            |config| {
                config["spec"]["jobs"]["preSubmit"][0]["env"] = json!([{"name": "TIDEGATE_A", "value": "1"}]);
            },
            "names that start with TIDEGATE_ are reserved",
        ),
        // What our types can't read, the API server must not store.
        (|config| config["spec"]["timeout"] = "0s".into(), "from 1s to 168h"),
        (|config| config["spec"]["timeout"] = "169h".into(), "from 1s to 168h"),
        (|config| config["spec"]["jobs"]["preSubmit"][0]["timeout"] = "168h1s".into(), "from 1s to 168h"),
        (|config| config["spec"]["git"]["repository"] = "acme/..".into(), "should match"),
        (|config| config["spec"]["git"]["apiUrl"] = "https://ada:secret@git.example".into(), "should match"),
    ];
    each_is_refused(&api, config_json, cases).await?;
    create(&api, config_json("sound")).await??;
    each_change_is_refused(
        &api,
        "sound",
        &[
            (json!({"git": {"repository": "acme/other"}}), "the repository of a config can't change"),
            (json!({"git": {"type": "gitea"}}), "the type of a config can't change"),
        ],
    )
    .await
}

/// Each CEL rule of `IntegrationJob`, and that a sound one passes.
pub async fn each_rule_of_a_job_rejects(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = dynamic(client, namespace, "IntegrationJob");
    let cases: &[(Edit, &str)] = &[
        (|job| job["metadata"]["name"] = "n".repeat(64).into(), "a name has at most 63 characters"),
        (|job| job["spec"]["pulls"] = json!([]), "a PullRequest trigger has exactly one pull"),
        (|job| job["spec"]["trigger"]["type"] = "Push".into(), "a Push trigger has base.sha and no pulls"),
        (
            |job| job["spec"]["trigger"]["type"] = "Comment".into(),
            "a Comment trigger, and no other, has a comment",
        ),
        (
            |job| job["spec"]["trigger"]["comment"] = json!({"id": 5, "author": "ada"}),
            "a Comment trigger, and no other, has a comment",
        ),
        (
            |job| job["spec"]["trigger"]["retest"] = json!({"run": "web-1", "request": "r"}),
            "only a Manual trigger has retest",
        ),
        (|job| job["spec"]["base"]["ref"] = "refs/heads/a..b".into(), "git check-ref-format"),
        (|job| job["spec"]["base"]["ref"] = "refs/heads/a\u{7f}b".into(), "should match"),
        (|job| job["spec"]["pulls"][0]["sha"] = "0".repeat(40).into(), "not all zero"),
        (|job| job["spec"]["pulls"][0]["author"] = "ad\u{2003}a".into(), "should match"),
    ];
    each_is_refused(&api, job_json, cases).await?;
    create(&api, job_json("sound")).await??;
    Ok(())
}

/// Each field of what a run does can't be set, changed or removed; `approved` and `cancel` may be set once.
pub async fn what_a_job_runs_is_fixed_field_by_field(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = dynamic(client, namespace, "IntegrationJob");
    let mut full = job_json("full");
    full["spec"]["skipped"] = json!([{"name": "lint", "reason": "filtered"}]);
    full["spec"]["awaitsApproval"] = true.into();
    create(&api, full).await??;
    create(&api, job_json("bare")).await??;
    let changed = [
        (json!({"config": {"uid": "v"}}), "config can't change"),
        (json!({"host": "gitea"}), "host can't change"),
        (json!({"repository": "acme/other"}), "repository can't change"),
        (json!({"trigger": {"type": "Manual"}}), "trigger can't change"),
        (json!({"base": {"ref": "refs/heads/dev"}}), "base can't change"),
        (json!({"base": {"sha": "b".repeat(40)}}), "base can't change"),
        (json!({"pulls": [{"number": 2, "sha": "a".repeat(40), "author": "ada"}]}), "pulls can't change"),
        (json!({"jobs": [{"name": "test", "image": "busybox", "script": "false"}]}), "jobs can't change"),
        (json!({"skipped": [{"name": "lint", "reason": "other"}]}), "skipped can't change"),
        (json!({"timeout": "2h"}), "timeout can't change"),
        (json!({"awaitsApproval": false}), "awaitsApproval can't change"),
    ];
    each_change_is_refused(&api, "full", &changed).await?;
    let removed = [
        (json!({"skipped": null}), "skipped can't be set or removed"),
        (json!({"awaitsApproval": null}), "awaitsApproval can't be set or removed"),
        // The default takes its place.
        (json!({"pulls": null}), "pulls can't change"),
    ];
    each_change_is_refused(&api, "full", &removed).await?;
    let set = [
        (json!({"skipped": [{"name": "lint", "reason": "filtered"}]}), "skipped can't be set or removed"),
        (json!({"awaitsApproval": true}), "awaitsApproval can't be set or removed"),
        (json!({"awaitsApproval": false}), "awaitsApproval can't be set or removed"),
    ];
    each_change_is_refused(&api, "bare", &set).await?;

    let approval = Patch::Merge(json!({"spec": {"approved": {"id": 5, "author": "ada"}}}));
    api.patch("full", &PatchParams::default(), &approval).await?;
    let given = [
        (json!({"approved": null}), "an approval can't be taken back"),
        (json!({"approved": {"author": "eve"}}), "an approval can't change"),
    ];
    each_change_is_refused(&api, "full", &given).await?;
    let cancel =
        Patch::Merge(json!({"spec": {"cancel": {"reason": "Superseded", "message": "a newer head"}}}));
    api.patch("full", &PatchParams::default(), &cancel).await?;
    let cancelled = [
        (json!({"cancel": null}), "a cancelled run stays cancelled"),
        (json!({"cancel": {"reason": "Requested"}}), "a cancelled run stays cancelled"),
    ];
    each_change_is_refused(&api, "full", &cancelled).await
}

/// Names are DNS names, label values are short.
pub async fn bad_names_are_refused(client: Client, namespace: &str) -> anyhow::Result<()> {
    let api = dynamic(client, namespace, "IntegrationConfig");
    let message = invalid(&api, config_json("Upper_Case")).await?;
    ensure!(message.contains("metadata.name: Invalid value: \"Upper_Case\""), "{message}");
    let mut config = config_json("labelled");
    config["metadata"]["labels"] = json!({"repository": "acme/web"});
    let message = invalid(&api, config).await?;
    ensure!(message.contains("metadata.labels: Invalid value: \"acme/web\""), "{message}");
    Ok(())
}
