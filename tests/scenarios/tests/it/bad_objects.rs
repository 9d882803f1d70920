//! Objects that can't be read, can't be listed, or block others: each affects only itself. The API server
//! refuses what our types can't read, so such objects are planted, as if they were written before the CRD had its present rules.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::PartialObjectMeta,
    runtime::wait::{await_condition, conditions},
};
use serde_json::{Value, json};
use tidegate_model::CommitSha;
use tidegate_resources::{ConditionStatus, IntegrationConfig};
use tidegate_scenarios::{COMMANDS, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, unit};
use tidegate_sandbox_forge::Fault;

/// How the API server words a missing right to list.
const NO_RIGHT: &str = "User \"system:serviceaccount:tidegate:tidegate\" cannot list resource \"integrationconfigs\" in API group \"tidegate.dev\" in the namespace \"ci-2\"";

/// A command was put back, however often by now.
const PUT_BACK: &str = "tidegate_commands_total{intention=\"run_pull_request\",outcome=\"put_back\"}";

type AnyConfig = PartialObjectMeta<IntegrationConfig>;

scenario!(
    objects_that_cannot_be_read_stop_neither_the_start_nor_any_other_config,
    not_on_cluster = "its API server accepts no object that can't be read"
);
async fn objects_that_cannot_be_read_stop_neither_the_start_nor_any_other_config() -> Result<()> {
    let mut scene = Scene::prepare(gitea()).await?;
    scene.world.stop_controller().await?;
    plant(&scene, "a-timeout", |config| config["spec"]["timeout"] = "169h".into())?;
    plant(&scene, "a-repository", |config| config["spec"]["git"]["repository"] = "acme/..".into())?;
    let job = json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationJob",
        "metadata": {"name": "a-run", "namespace": scene.world.namespace, "labels": {
            "tidegate.dev/config": "shop", "tidegate.dev/pull-request": "1",
        }},
        "spec": {"timeout": "0s"},
    });
    scene.world.sandbox_cluster()?.plant(job)?;
    scene.world.start_controller().await?;

    scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let comment = scene.comment("dora", number, "/test unit").await?;
    scene.thumb(number, comment).await?;

    let message = ready_message(&scene, "a-timeout").await?;
    assert!(message.contains("spec.timeout") && message.contains("169h"), "{message}");
    scene
        .wait_for_metric("tidegate_reconcile_failures_total{loop=\"config\",category=\"unreadable\"")
        .await?;
    for name in ["a-timeout", "a-repository"] {
        delete(&scene, name).await?;
    }
    let notes = scene.events("WebhookLeftBehind").await?;
    assert!(matches!(&notes[..], [note] if note.starts_with("hook 4711 (")), "{notes:?}");
    scene.settle().await?;
    scene.end().await
}

scenario!(
    a_command_of_a_config_that_cannot_be_read_waits_until_it_can,
    not_on_cluster = "its API server accepts no object that can't be read"
);
async fn a_command_of_a_config_that_cannot_be_read_waits_until_it_can() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let mut stored = serde_json::to_value(configs.get("shop").await?)?;
    stored["spec"]["timeout"] = "0s".into();
    scene.world.sandbox_cluster()?.plant(stored)?;
    ready_message(&scene, "shop").await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.wait_for_metric(PUT_BACK).await?;
    assert!(scene.states(&head, "unit").await?.is_empty());

    let patch = Patch::Merge(json!({"spec": {"timeout": "1h"}}));
    configs.patch("shop", &PatchParams::default(), &patch).await?;
    scene.wait_for_condition("Ready", ConditionStatus::True).await?;
    again(&scene).await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(
    a_command_of_a_namespace_that_cannot_be_read_waits_and_the_others_go_on,
    not_on_cluster = "there RBAC is applied with the installation"
);
async fn a_command_of_a_namespace_that_cannot_be_read_waits_and_the_others_go_on() -> Result<()> {
    let mut scene = Scene::set(WorldSpec { two_namespaces: true, ..gitea() }, &unit()).await?;
    let second = scene.world.second_namespace.clone().context("there is one namespace")?;
    scene.apply_in(&second, "web", &unit()).await?;
    scene.registered_in(&second, "web").await?;
    scene.world.stop_controller().await?;
    let refuse = |scene: &Scene, why| -> Result<()> {
        for verb in ["list", "watch", "get"] {
            scene.world.sandbox_cluster()?.refuse(&format!("{verb} integrationconfigs"), &second, why);
        }
        Ok(())
    };
    refuse(&scene, Some(NO_RIGHT))?;
    scene.world.start_controller().await?;

    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.wait_for_metric(PUT_BACK).await?;
    refuse(&scene, None)?;
    again(&scene).await?;
    scene.status_of(&head, "tidegate/web/unit", "success").await?;
    scene.end().await
}

scenario!(what_one_config_of_an_app_cannot_do_delays_no_other, not_on_cluster = "there is no GitHub");
async fn what_one_config_of_an_app_cannot_do_delays_no_other() -> Result<()> {
    let scene = Scene::prepare(github()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.create_secret("app", "pem", &private_key()).await?;
    // Both come first by their names: one for another host, one whose Secret is missing.
    for (namespace, api_url) in [("aaa", "https://x.example".to_owned()), ("bbb", spelled(&scene))] {
        let made: Namespace = serde_json::from_value(json!({"metadata": {"name": namespace}}))?;
        Api::all(scene.world.client.clone()).create(&PostParams::default(), &made).await?;
        scene.apply(app_config(&scene, namespace, namespace, &api_url)).await?;
    }
    scene.apply(app_config(&scene, &scene.world.namespace, "shop", &spelled(&scene))).await?;
    scene.wait_until_registered().await?;

    let command = json!({
        "v": 1, "delivery": "app-1", "host": "github", "received_at_ms": 0, "source": {"kind": "app"},
        "body": {
            "repository": "ACME/Shop", "intention": "run_pull_request", "pull_request": number, "head": head,
        },
    });
    scene.send_command(&command.to_string()).await?;
    scene.status(&head, "unit", "success").await?;
    scene.wait_for_metric(PUT_BACK).await?;
    let asked = scene.world.controller.as_ref().context("the controller is down")?.log();
    assert!(
        !asked.iter().any(|line| line.text.contains("aaa/aaa\"") && line.text.contains("app-1")),
        "{asked:#?}"
    );

    let secret: Secret =
        serde_json::from_value(json!({"metadata": {"name": "app"}, "stringData": {"pem": private_key()}}))?;
    Api::namespaced(scene.world.client.clone(), "bbb").create(&PostParams::default(), &secret).await?;
    again(&scene).await?;
    scene.status_of(&head, "tidegate/bbb/unit", "success").await?;
    let runs = scene.integration_jobs().await?.len();
    assert_eq!(runs, 1, "the second try changed nothing for the first config");
    scene.end().await
}

scenario!(
    an_app_that_may_set_statuses_is_proof_enough_and_a_denied_one_gets_no_event,
    not_on_cluster = "there is no GitHub"
);
async fn an_app_that_may_set_statuses_is_proof_enough_and_a_denied_one_gets_no_event() -> Result<()> {
    let scene = Scene::prepare(github()).await?;
    // No App may manage hooks, and one isn't installed there at all.
    let forge = scene.world.forge.sandbox()?;
    forge.fail_next(1000, None, "/hooks", Fault::Status(403));
    forge.fail_next(1000, None, "app/installations/404/", Fault::Status(404));
    scene.create_secret("app", "pem", &private_key()).await?;
    let mut claim = app_config(&scene, &scene.world.namespace, "claim", &spelled(&scene));
    claim["spec"]["git"]["githubApp"]["installationId"] = 404.into();
    for config in [claim, app_config(&scene, &scene.world.namespace, "shop", &spelled(&scene))] {
        scene.apply(config).await?;
    }
    judged(&scene, "claim", "Denied").await?;
    judged(&scene, "shop", "Shown").await?;
    let first = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    send_by_app(&scene, "fix", &first).await?;
    scene.status(&first, "unit", "success").await?;
    scene.settle_jobs(1).await?;

    // What passes a config by while its right is denied is found when it has the right again.
    forge.fail_next(1000, None, "app/installations/9/", Fault::Status(404));
    look_again(&scene, "suspended").await?;
    judged(&scene, "shop", "Denied").await?;
    let second = scene.push("other", "dora", &[("ok", "yes\n"), ("other", "1\n")]).await?;
    send_by_app(&scene, "other", &second).await?;
    scene.settle_jobs(1).await?;
    forge.end_faults("app/installations/9/");
    look_again(&scene, "back").await?;
    judged(&scene, "shop", "Shown").await?;
    scene.status(&second, "unit", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

/// Waits until the condition of a config says this of its credential.
async fn judged(scene: &Scene, name: &str, reason: &str) -> Result<()> {
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let is_judged = |config: Option<&IntegrationConfig>| {
        let conditions = config.and_then(|config| config.status.as_ref()).map(|status| &status.conditions);
        conditions.is_some_and(|all| all.iter().any(|c| c.type_ == "CredentialProven" && c.reason == reason))
    };
    let judged = await_condition(configs, name, is_judged);
    let judged = tokio::time::timeout(Duration::from_mins(1), judged).await;
    judged.with_context(|| format!("{name} was not judged {reason}"))??;
    Ok(())
}

/// Has the controller look at the host of the scene's config.
async fn look_again(scene: &Scene, why: &str) -> Result<()> {
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let touch = Patch::Merge(json!({"metadata": {"annotations": {"example.com/look": why}}}));
    configs.patch("shop", &PatchParams::default(), &touch).await?;
    Ok(())
}

/// Opens a pull request, and sends the App's event about it.
async fn send_by_app(scene: &Scene, branch: &str, head: &CommitSha) -> Result<()> {
    let number = scene.open("dora", branch).await?;
    let command = json!({
        "v": 1, "delivery": format!("app-{branch}"), "host": "github", "received_at_ms": 0,
        "source": {"kind": "app"},
        "body": {
            "repository": "acme/shop", "intention": "run_pull_request", "pull_request": number, "head": head,
        },
    });
    scene.send_command(&command.to_string()).await
}

scenario!(a_conflict_ends_at_once_when_the_older_config_is_deleted);
async fn a_conflict_ends_at_once_when_the_older_config_is_deleted() -> Result<()> {
    let scene = Scene::set(WorldSpec { two_namespaces: true, ..gitea() }, &unit()).await?;
    let second = scene.world.second_namespace.clone().context("there is one namespace")?;
    scene.after_second_of(&created(&scene).await?).await?;
    scene.apply_in(&second, "shop", &unit()).await?;
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &second);
    await_condition(configs.clone(), "shop", ready(ConditionStatus::False)).await?;
    scene.delete_config().await?;
    let freed = await_condition(configs, "shop", ready(ConditionStatus::True));
    tokio::time::timeout(Duration::from_secs(30), freed).await.context("the conflict stayed")??;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

/// Whether the condition `Ready` of a config has a status.
fn ready(status: ConditionStatus) -> impl Fn(Option<&IntegrationConfig>) -> bool {
    move |config| {
        let conditions = config.and_then(|config| config.status.as_ref()).map(|status| &status.conditions);
        conditions.is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == status))
    }
}

/// When the scene's config was made.
async fn created(scene: &Scene) -> Result<String> {
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let made = configs.get("shop").await?.metadata.creation_timestamp;
    Ok(made.context("a config without a time")?.0.to_string())
}

/// Stores a config that the API server would refuse, with a finalizer and a webhook on the host.
fn plant(scene: &Scene, name: &str, edit: impl FnOnce(&mut Value)) -> Result<()> {
    let mut config = scene.config(&unit());
    config["metadata"]["name"] = name.into();
    config["metadata"]["finalizers"] = json!(["tidegate.dev/webhook"]);
    config["status"] =
        json!({"webhook": {"salt": "0123456789abcdef", "id": "4711", "url": "https://ci.example/hooks/x"}});
    edit(&mut config);
    scene.world.sandbox_cluster()?.plant(config)
}

/// The message of the condition `Ready` of a config that can't be read.
async fn ready_message(scene: &Scene, name: &str) -> Result<String> {
    let configs: Api<kube::core::DynamicObject> = Api::namespaced_with(
        scene.world.client.clone(),
        &scene.world.namespace,
        &kube::core::ApiResource::erase::<IntegrationConfig>(&()),
    );
    let message = |config: &kube::core::DynamicObject| {
        let conditions = config.data["status"]["conditions"].as_array()?;
        let unreadable = conditions.iter().find(|c| c["type"] == "Ready" && c["reason"] == "Unreadable")?;
        unreadable["message"].as_str().map(str::to_owned)
    };
    let found = await_condition(configs, name, |config: Option<&kube::core::DynamicObject>| {
        config.and_then(message).is_some()
    });
    let found = tokio::time::timeout(std::time::Duration::from_secs(30), found).await;
    let found = found.with_context(|| format!("{name} does not say that it can't be read"))??;
    found.as_ref().and_then(message).context("the condition is gone")
}

async fn delete(scene: &Scene, name: &str) -> Result<()> {
    let configs: Api<AnyConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let uid = configs.get(name).await?.metadata.uid.context("no uid")?;
    configs.delete(name, &DeleteParams::default()).await?;
    let gone = await_condition(configs, name, conditions::is_deleted(&uid));
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.context("it was not deleted")??;
    Ok(())
}

/// Waits until a command was put back so many times.
pub(crate) async fn put_back(scene: &Scene, intention: &str, times: u32) -> Result<()> {
    let metric = format!("tidegate_commands_total{{intention=\"{intention}\",outcome=\"put_back\"}} {times}");
    scene.wait_for_metric(&metric).await
}

/// Has the commands that were put back come again at once.
pub(crate) async fn again(scene: &Scene) -> Result<()> {
    scene.world.cloud.sandbox()?.expire_visibility(COMMANDS).await;
    Ok(())
}

/// The address of the forge's API, spelled otherwise.
fn spelled(scene: &Scene) -> String {
    format!("{}//", scene.world.forge.api_url())
}

/// A config of the repository with a GitHub App.
fn app_config(scene: &Scene, namespace: &str, name: &str, api_url: &str) -> Value {
    let mut config = scene.config(&unit());
    config["metadata"] = json!({"name": name, "namespace": namespace});
    config["spec"]["git"] = json!({
        "type": "github", "repository": scene.world.forge.repository(REPOSITORY), "apiUrl": api_url,
        "githubApp": {
            "appId": 5, "installationId": 9, "privateKeySecretRef": {"name": "app", "key": "pem"},
        },
    });
    config
}

/// An RSA key in PEM format, generated here so that the repository contains no key.
fn private_key() -> String {
    use aws_lc_rs::{
        encoding::{AsDer as _, Pkcs8V1Der},
        rsa::{KeyPair, KeySize},
    };
    use base64::Engine as _;
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("PKCS #8");
    let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}
