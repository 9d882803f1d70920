//! What those reach who may write runs and configs, and what a token that lost its rights loses.

use anyhow::{Context as _, Result};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tidegate_model::{CommitSha, Host, Permission};
use tidegate_resources::{ConditionStatus, IntegrationConfig, IntegrationJob, Phase, annotation};
use tidegate_sandbox_forge::Forge;
use tidegate_scenarios::{COMMANDS, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{OWN_CONTEXT, gitea, github, job, unit};

const PUT_BACK: &str = "tidegate_commands_total{intention=\"run_pull_request\",outcome=\"put_back\"}";

/// The spec of a run of a pull request's head, as somebody writes it by hand.
async fn by_hand(scene: &Scene, number: u64, head: &CommitSha) -> Result<Value> {
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let config = configs.get("shop").await?;
    Ok(json!({
        "config": {"name": "shop", "uid": config.uid()},
        "host": config.spec.git.type_, "repository": config.spec.git.repository,
        "trigger": {"type": "PullRequest"}, "base": {"ref": "refs/heads/main"},
        "pulls": [{"number": number, "sha": head, "author": "steve"}],
        "jobs": [{"name": "unit", "image": "i", "script": "true"}],
        "timeout": "1h", "approved": {"id": 1, "author": "dora"},
    }))
}

async fn create(scene: &Scene, name: &str, spec: &Value) -> Result<()> {
    let jobs: Api<IntegrationJob> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let job = json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationJob", "metadata": {"name": name}, "spec": spec,
    });
    jobs.create(&PostParams::default(), &serde_json::from_value(job)?).await?;
    Ok(())
}

scenario!(a_run_that_was_made_by_hand_approves_nothing_and_says_nothing_about_another_repository);
async fn a_run_that_was_made_by_hand_approves_nothing_and_says_nothing_about_another_repository() -> Result<()>
{
    let scene = Scene::set(gitea(), &unit()).await?;
    let forge = &scene.world.forge;
    let fork = forge.fork(REPOSITORY, "steve").await?;
    let head = forge.commit(&fork, "fix", "steve", &[("ok", "yes\n")], "Fix").await?;
    let number = scene.open("steve", "steve:fix").await?;
    scene.status_of(&head, OWN_CONTEXT, "pending").await?;

    // Two that say they are approved: one beside the run that waits, and that one itself.
    let spec = by_hand(&scene, number, &head).await?;
    create(&scene, "approved", &spec).await?;
    let jobs: Api<IntegrationJob> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let all = scene.integration_jobs().await?;
    let waiting = all.iter().find(|job| job.spec.awaits_approval).context("a run that waits")?.name_any();
    let approved = Patch::Merge(json!({"spec": {"approved": spec["approved"]}}));
    jobs.patch(&waiting, &PatchParams::default(), &approved).await?;
    for name in ["approved", &waiting] {
        let reason = |job: &IntegrationJob| scene.reason(job).as_deref() == Some("AwaitingApproval");
        let job = scene.wait_for_job(name, "it waits", reason).await?;
        assert_eq!(scene.phase(&job), Phase::Queued);
    }
    // The head is no more approved than before.
    scene.comment("steve", number, "/test").await?;
    scene.reply(number, &format!("`{head}` is not approved")).await?;

    let mut other = spec.clone();
    other["repository"] = "evil/shop".into();
    create(&scene, "other", &other).await?;
    let ended = |job: &IntegrationJob| scene.phase(job) == Phase::Error;
    let job = scene.wait_for_job("other", "it ended", ended).await?;
    assert_eq!(scene.reason(&job).as_deref(), Some("RepositoryMismatch"));
    let conditions = job.status.unwrap_or_default().conditions;
    let own = forge.repository(REPOSITORY);
    let message = &conditions.first().context("a condition")?.message;
    assert!(message.contains("the run is for evil/shop") && message.contains(&own), "{message}");
    // Nor does one count that names a config of another time.
    let mut stale = spec.clone();
    stale["config"]["uid"] = "00000000-0000-4000-8000-000000000000".into();
    create(&scene, "stale", &stale).await?;
    let job = scene.wait_for_job("stale", "it ended", ended).await?;
    assert_eq!(scene.reason(&job).as_deref(), Some("ConfigGone"));
    scene.settle().await?;
    assert!(scene.pipeline_runs().await?.is_empty() && scene.states(&head, "unit").await?.is_empty());

    // A comment of somebody who may write does approve it, and the run by hand may start, too.
    let comment = scene.comment("dora", number, &format!("/ok-to-test {head}")).await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;

    // The approval grants no Secrets, though a run by hand doesn't say that its head is a stranger's.
    let mut secrets = spec;
    let token = json!({"name": "TOKEN", "secretKeyRef": {"name": "git", "key": "token"}});
    secrets["jobs"] = json!([{"name": "deploy", "image": "i", "script": "true", "env": [token]}]);
    create(&scene, "secrets", &secrets).await?;
    let job = scene.wait_for_job("secrets", "it ended", ended).await?;
    assert_eq!(scene.reason(&job).as_deref(), Some("NeedsSecret"));
    scene.end().await
}

scenario!(
    a_config_that_names_another_host_does_not_get_the_token_sent_there,
    not_on_cluster = "there is one Gitea"
);
async fn a_config_that_names_another_host_does_not_get_the_token_sent_there() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let secrets: Api<k8s_openapi::api::core::v1::Secret> =
        Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let own = scene.world.forge.api_url();
    let bind = Patch::Merge(json!({"metadata": {"annotations": {annotation::HOST: own}}}));
    secrets.patch("git", &PatchParams::default(), &bind).await?;

    let folder = tempfile::tempdir()?;
    let evil = Forge::start(Host::Gitea, folder.path()).await?;
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let point_to = |url: String| Patch::Merge(json!({"spec": {"git": {"apiUrl": url}}}));
    configs.patch("shop", &PatchParams::default(), &point_to(evil.api_url())).await?;
    let message = scene.wait_for_condition("Ready", ConditionStatus::False).await?;
    let address = evil.api_url().replace("http://", "");
    assert!(message.contains(&format!("Secret git may not be sent to {address}")), "{message}");
    assert!(evil.api_calls().is_empty(), "{:?}", evil.api_calls());
    // Back at its own host it works again.
    configs.patch("shop", &PatchParams::default(), &point_to(own)).await?;
    scene.wait_for_condition("Ready", ConditionStatus::True).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    evil.stop().await;
    scene.end().await
}

scenario!(
    a_pull_request_that_the_token_lost_sight_of_waits_on_gitea,
    not_on_cluster = "a queue in the cloud can't be told to show its messages again"
);
async fn a_pull_request_that_the_token_lost_sight_of_waits_on_gitea() -> Result<()> {
    lost_sight(gitea()).await
}

scenario!(a_pull_request_that_the_token_lost_sight_of_waits_on_github, not_on_cluster = "there is no GitHub");
async fn a_pull_request_that_the_token_lost_sight_of_waits_on_github() -> Result<()> {
    lost_sight(github()).await
}

async fn lost_sight(spec: WorldSpec) -> Result<()> {
    let scene = Scene::prepare(spec).await?;
    let forge = &scene.world.forge;
    let token = forge.create_user("machine").await?;
    forge.set_permission(REPOSITORY, "machine", Permission::Admin).await?;
    scene.create_secret("machine", "token", &token).await?;
    forge.make_private(REPOSITORY).await?;
    let mut without_code = job("unit", "true");
    without_code["skipCheckout"] = true.into();
    let mut config = scene.config(&json!({"preSubmit": [without_code]}));
    config["spec"]["git"]["tokenSecretRef"]["name"] = "machine".into();
    scene.apply(config).await?;
    scene.wait_until_registered().await?;

    forge.set_permission(REPOSITORY, "machine", Permission::None).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.wait_for_metric(PUT_BACK).await?;
    let message = scene.wait_for_condition("WebhookRegistered", ConditionStatus::False).await?;
    assert!(message.contains("hides it from this credential"), "{message}");

    forge.set_permission(REPOSITORY, "machine", Permission::Admin).await?;
    scene.world.cloud.sandbox()?.expire_visibility(COMMANDS).await;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}
