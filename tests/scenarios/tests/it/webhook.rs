//! Deliveries: repeated, forged, too large, unreadable.

use anyhow::{Context as _, Result};
use kube::ResourceExt;
use tidegate_model::TraceParent;
use tidegate_resources::annotation;
use tidegate_scenarios::{COMMANDS, REPOSITORY, Scene};

use crate::{gitea, github, sandbox_only, unit};

#[tokio::test]
async fn a_redelivered_webhook_makes_no_second_job() -> Result<()> {
    if sandbox_only("Gitea's API neither lists deliveries nor repeats them") {
        return Ok(());
    }
    let scene = Scene::set(github(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let name = scene.only_job().await?;
    scene.settle_jobs(1).await?;

    let deliveries = scene.world.forge.sandbox()?.deliveries(REPOSITORY)?;
    let opened = deliveries.iter().find(|delivery| delivery.event == "pull_request").context("a delivery")?;
    scene.world.forge.sandbox()?.redeliver(REPOSITORY, &opened.id)?;
    let answers = scene.answers().await?;
    assert_eq!(answers.len(), deliveries.len() + 1);
    assert!(answers.iter().all(|code| (200..300).contains(code)), "{answers:?}");
    scene.settle().await?;
    assert_eq!(scene.only_job().await?, name);
    assert_eq!(scene.pipeline_runs().await?.len(), 1);
    scene.end().await
}

#[tokio::test]
async fn the_trace_of_a_delivery_reaches_its_pipeline_run() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let runs = scene.pipeline_runs().await?;
    let run = runs.first().context("a PipelineRun")?;
    let trace: TraceParent = run.annotations().get(annotation::TRACEPARENT).context("no trace")?.parse()?;
    let delivery = run.annotations().get(annotation::DELIVERY).context("no delivery")?;
    let logged = scene.world.cloud.logs().await?.into_iter().any(|line| {
        line.function == "tidegate-webhook"
            && line.text.contains(delivery)
            && line.text.contains(trace.trace_id())
    });
    assert!(logged, "the webhook function logged another trace for {delivery}");
    scene.end().await
}

#[tokio::test]
async fn bad_deliveries_are_refused_and_the_next_good_one_works() -> Result<()> {
    if sandbox_only("Gitea's API doesn't tell the secret that a delivery is signed with") {
        return Ok(());
    }
    let scene = Scene::set(gitea(), &unit()).await?;
    let hook = scene.world.forge.hooks(REPOSITORY).await?.into_iter().next().context("a hook")?;
    let secret = hook.secret.context("the hook has a secret")?;
    let body = br#"{"action":"opened"}"#.to_vec();
    let post = async |signature: Option<&str>, body: Vec<u8>| {
        let mut request = reqwest::Client::new()
            .post(&hook.url)
            .header("content-type", "application/json")
            .header("x-gitea-event", "pull_request")
            .header("x-gitea-delivery", "d-1");
        if let Some(signature) = signature {
            request = request.header("x-gitea-signature", signature);
        }
        anyhow::Ok(request.body(body).send().await?.status().as_u16())
    };
    let sign = |body: &[u8]| signature(&secret, body);
    assert_eq!(post(None, body.clone()).await?, 401, "unsigned");
    assert_eq!(post(Some(&sign(b"something else")), body.clone()).await?, 401, "signed over another body");
    assert_eq!(post(Some("zz"), body.clone()).await?, 401, "no signature at all");
    assert_eq!(post(Some(&sign(&body)), body.clone()).await?, 400, "signed, but no pull request in it");
    assert_eq!(post(Some(&sign(b"{\"a\":")), b"{\"a\":".to_vec()).await?, 400, "truncated");
    let largest = vec![b' '; 4 * 1024 * 1024];
    assert_eq!(post(Some(&sign(&largest)), largest).await?, 400, "4 MiB are read, and found to be no JSON");
    let larger = vec![b' '; 4 * 1024 * 1024 + 1];
    assert_eq!(post(Some(&sign(&larger)), larger).await?, 413, "one byte more is too large");
    assert_eq!(scene.world.cloud.queue_depth(COMMANDS).await?, 0);

    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

/// Gitea's signature: HMAC-SHA256 over the body, in hexadecimal.
fn signature(secret: &str, body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key length will do");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
