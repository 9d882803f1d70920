//! Bad input: each piece is refused with a clear word at the earliest place that can know, and the next good event works.

use anyhow::{Context as _, Result};
use serde_json::json;
use tidegate_sandbox_forge::Delivery;
use tidegate_scenarios::{COMMANDS, GITHUB_APP_SECRET, OWNER, REPOSITORY, Scene, signature};
use tidegate_test_suite::scenario;

use crate::{config::a_good_config_works, gitea, github, job, unit};

const LIMIT: usize = 4 * 1024 * 1024;

scenario!(
    bad_deliveries_are_refused_and_the_next_good_one_works,
    not_on_cluster = "Gitea's API doesn't tell the secret that a delivery is signed with"
);
async fn bad_deliveries_are_refused_and_the_next_good_one_works() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let hook = scene.world.forge.hooks(REPOSITORY).await?.into_iter().next().context("a hook")?;
    let secret = hook.secret.context("the hook has a secret")?;
    let send = async |event: &str, signature: Option<&str>, body: Vec<u8>| {
        let signature = signature.map(|signature| ("x-gitea-signature", signature.to_owned()));
        let headers = [("x-gitea-event", event.to_owned()), ("x-gitea-delivery", "d-1".to_owned())];
        post(&hook.url, headers.into_iter().chain(signature), body).await
    };
    let signed =
        async |event: &str, body: &[u8]| send(event, Some(&signature(&secret, body)), body.to_vec()).await;
    let body = br#"{"action":"opened"}"#;
    assert_eq!(send("pull_request", None, body.to_vec()).await?, 401, "unsigned");
    let other = signature(&secret, b"something else");
    assert_eq!(send("pull_request", Some(&other), body.to_vec()).await?, 401, "signed over another body");
    assert_eq!(send("pull_request", Some("zz"), body.to_vec()).await?, 401, "no signature at all");
    assert_eq!(signed("pull_request", body).await?, 400, "signed, but no pull request in it");
    assert_eq!(signed("pull_request", b"{\"a\":").await?, 400, "truncated");
    assert_eq!(signed("pull_request", b"hello").await?, 400, "no JSON");
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    assert_eq!(signed("pull_request", deep.as_bytes()).await?, 400, "deep nesting");
    assert_eq!(signed("wiki", b"{\"wiki\":1}").await?, 200, "an event that nobody asked for");
    assert_eq!(signed("pull_request", &vec![b' '; LIMIT + 1]).await?, 413, "one byte more than 4 MiB");
    assert_eq!(scene.world.cloud.queue_depth(COMMANDS).await?, 0);

    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let mut largest = opened(&scene)?.body.to_vec();
    largest.resize(LIMIT, b' ');
    assert_eq!(signed("pull_request", &largest).await?, 202, "4 MiB are accepted");
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(
    a_pull_request_of_another_repository_than_the_configs_is_dead_lettered,
    not_on_cluster = "Gitea's API doesn't tell the secret that a delivery is signed with"
);
async fn a_pull_request_of_another_repository_than_the_configs_is_dead_lettered() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    scene.expect_dead_letter("the config is for acme/shop, not for evil/shop");
    let hook = scene.world.forge.hooks(REPOSITORY).await?.into_iter().next().context("a hook")?;
    let first = scene.push("first", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "first").await?;
    scene.status(&first, "unit", "success").await?;
    let body = String::from_utf8(opened(&scene)?.body.to_vec())?.replace(REPOSITORY, "evil/shop");
    let signature = signature(&hook.secret.context("the hook has a secret")?, body.as_bytes());
    let headers = [
        ("x-gitea-event", "pull_request".to_owned()),
        ("x-gitea-delivery", "d-1".to_owned()),
        ("x-gitea-signature", signature),
    ];
    assert_eq!(post(&hook.url, headers, body.into_bytes()).await?, 202);
    scene.settle().await?;

    let next = scene.push("next", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "next").await?;
    scene.status(&next, "unit", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(an_event_of_a_repository_without_a_config_runs_nothing, not_on_cluster = "there is no GitHub");
async fn an_event_of_a_repository_without_a_config_runs_nothing() -> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    let first = scene.push("first", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "first").await?;
    scene.status(&first, "unit", "success").await?;
    let body = String::from_utf8(opened(&scene)?.body.to_vec())?.replace(REPOSITORY, "nobody/nothing");
    let signature = format!("sha256={}", signature(GITHUB_APP_SECRET, body.as_bytes()));
    let headers = [
        ("x-github-event", "pull_request".to_owned()),
        ("x-github-delivery", "d-1".to_owned()),
        ("x-hub-signature-256", signature),
    ];
    let app = format!("{}/hooks/github-app", scene.world.cloud.gateway());
    assert_eq!(post(&app, headers, body.into_bytes()).await?, 202);
    scene.settle_jobs(1).await?;
    scene.logged("no matching IntegrationConfig").await?;

    let next = scene.push("next", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "next").await?;
    scene.status(&next, "unit", "success").await?;
    scene.end().await
}

scenario!(a_forged_push_of_a_commit_that_is_not_on_main_runs_nothing);
async fn a_forged_push_of_a_commit_that_is_not_on_main_runs_nothing() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"postSubmit": [job("deploy", "true")]})).await?;
    let fork = scene.world.forge.fork(REPOSITORY, "steve").await?;
    let foreign = scene.world.forge.commit(&fork, "main", "steve", &[("evil", "yes\n")], "Evil").await?;
    let forged = json!({
        "v": 1, "delivery": "forged", "host": "gitea", "received_at_ms": 0,
        "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
        "body": {
            "repository": scene.world.forge.repository(REPOSITORY),
            "intention": "run_push", "ref": "refs/heads/main", "sha": foreign,
        },
    });
    scene.send_command(&forged.to_string()).await?;
    scene.settle_jobs(0).await?;
    scene.logged("is not on refs/heads/main").await?;

    let good = scene.push("main", OWNER, &[("ok", "yes\n")]).await?;
    scene.status(&good, "deploy", "success").await?;
    scene.end().await
}

scenario!(duplicate_job_names_are_refused_by_the_api_server_and_the_corrected_config_works);
async fn duplicate_job_names_are_refused_by_the_api_server_and_the_corrected_config_works() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let twice = scene.config(&json!({"preSubmit": [job("unit", "true"), job("unit", "false")]}));
    let refused = scene.apply(twice).await.err().context("it was accepted")?;
    let text = format!("{refused:#}");
    assert!(text.contains("Duplicate value") && text.contains("preSubmit"), "{text}");

    a_good_config_works(scene).await
}

/// The delivery of the opened pull request.
fn opened(scene: &Scene) -> Result<Delivery> {
    let deliveries = scene.world.forge.sandbox()?.deliveries(REPOSITORY)?;
    deliveries
        .into_iter()
        .find(|delivery| delivery.event == "pull_request")
        .context("no pull request was told")
}

/// Posts a delivery; returns the answer's code.
async fn post(
    url: &str,
    headers: impl IntoIterator<Item = (&'static str, String)>,
    body: Vec<u8>,
) -> Result<u16> {
    let mut request = reqwest::Client::new().post(url).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    Ok(request.body(body).send().await?.status().as_u16())
}
