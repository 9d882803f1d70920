//! What keeps a job from running is said while it lasts, and makes an error and never a failure when it lasts too long.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{LimitRange, ResourceQuota};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tidegate_resources::{Phase, PipelineRun, TaskRun};
use tidegate_sandbox_forge::Fault;
use tidegate_scenarios::{REPOSITORY, Scene, is_real};
use tidegate_test_suite::scenario;

use crate::{gitea, job, unit};

/// A scene whose config gives each run so long.
async fn scene(jobs: &Value, timeout: &str) -> Result<Scene> {
    let scene = Scene::prepare(gitea()).await?;
    let mut config = scene.config(jobs);
    config["spec"]["timeout"] = timeout.into();
    scene.apply(config).await?;
    scene.wait_until_registered().await?;
    Ok(scene)
}

/// Lets no `PipelineRun` be created in the scene's namespace.
async fn refuse_runs(scene: &Scene) -> Result<()> {
    if !is_real() {
        scene.world.sandbox_cluster()?.refuse(
            "create pipelineruns",
            &scene.world.namespace,
            Some("exceeded quota: none, used: 0"),
        );
        return Ok(());
    }
    let quota = json!({
        "metadata": {"name": "none"}, "spec": {"hard": {"count/pipelineruns.tekton.dev": "0"}},
    });
    let quotas: Api<ResourceQuota> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    quotas.create(&PostParams::default(), &serde_json::from_value(quota)?).await?;
    // Until its use is counted, it refuses everything in other words.
    let counted = |quota: Option<&ResourceQuota>| {
        quota.is_some_and(|quota| quota.status.as_ref().is_some_and(|status| status.hard.is_some()))
    };
    kube::runtime::wait::await_condition(quotas, "none", counted).await?;
    Ok(())
}

async fn allow_runs(scene: &Scene) -> Result<()> {
    if !is_real() {
        scene.world.sandbox_cluster()?.refuse("create pipelineruns", &scene.world.namespace, None);
        return Ok(());
    }
    let quotas: Api<ResourceQuota> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    quotas.delete("none", &DeleteParams::default()).await?;
    Ok(())
}

scenario!(a_start_that_the_quota_refuses_gives_its_slot_back_and_works_when_there_is_room);
async fn a_start_that_the_quota_refuses_gives_its_slot_back_and_works_when_there_is_room() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    refuse_runs(&scene).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let waits = scene.status_with(&head, "unit", "exceeded quota").await?;
    assert_eq!(waits.state, "pending");
    let name = scene.only_job().await?;
    let queued = |job: &tidegate_resources::IntegrationJob| {
        let status = job.status.as_ref();
        scene.phase(job) == Phase::Queued && status.is_some_and(|status| status.started_at.is_none())
    };
    let waiting = scene.wait_for_job(&name, "it waits without a slot", queued).await?;
    assert_eq!(scene.reason(&waiting).as_deref(), Some("StartRefused"));
    allow_runs(&scene).await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(a_start_that_is_refused_for_the_time_of_the_run_ends_as_an_error);
async fn a_start_that_is_refused_for_the_time_of_the_run_ends_as_an_error() -> Result<()> {
    let scene = scene(&unit(), "5s").await?;
    refuse_runs(&scene).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let ended = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    assert!(ended.starts_with("could not be run: ") && ended.contains("exceeded quota"), "{ended}");
    let name = scene.only_job().await?;
    let job = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    assert_eq!((scene.phase(&job), scene.reason(&job).as_deref()), (Phase::Error, Some("StartRefused")));
    allow_runs(&scene).await?;
    scene.end().await
}

scenario!(a_run_waits_for_the_secret_of_its_checkout_and_names_it);
async fn a_run_waits_for_the_secret_of_its_checkout_and_names_it() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let mut config = scene.config(&unit());
    config["spec"]["git"]["cloneSecretRef"] = json!({"name": "clone", "key": "token"});
    scene.apply(config).await?;
    scene.wait_until_registered().await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let waits = scene.status_with(&head, "unit", "Secret clone of git.cloneSecretRef").await?;
    assert_eq!(waits.state, "pending");
    scene.create_secret("clone", "token", &scene.world.forge.clone_token("acme").await?).await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(
    a_base_that_the_host_forbids_to_read_is_said_before_there_is_a_slot,
    long,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_base_that_the_host_forbids_to_read_is_said_before_there_is_a_slot() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    scene.world.forge.sandbox()?.fail_next(3, Some("GET"), "branches/main", Fault::Status(403));
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let waits = scene.status_with(&head, "unit", "the head of refs/heads/main can't be read").await?;
    assert_eq!(waits.state, "pending");
    assert!(waits.description.is_some_and(|text| text.contains("forbade")), "it names the host's refusal");
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(a_pod_that_no_node_has_room_for_is_pending_and_then_an_error, long);
async fn a_pod_that_no_node_has_room_for_is_pending_and_then_an_error() -> Result<()> {
    let scene = scene(&json!({"preSubmit": [job("unit", "true")]}), "20s").await?;
    if is_real() {
        let limits = json!({
            "metadata": {"name": "huge"},
            "spec": {"limits": [{"type": "Container", "default": {"cpu": "1000"}, "defaultRequest": {"cpu": "1000"}}]},
        });
        let ranges: Api<LimitRange> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
        ranges.create(&PostParams::default(), &serde_json::from_value(limits)?).await?;
    } else {
        // The test plays Tekton.
        scene.world.sandbox_cluster()?.pause_executor(true);
    }
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    if !is_real() {
        play_tekton_without_a_node(&scene).await?;
    }
    let waits = scene.status_with(&head, "unit", "no node ").await?;
    assert_eq!(waits.state, "pending");
    let ended = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    assert!(ended.contains("its pod did not start within 20s: no node "), "{ended}");
    let name = scene.only_job().await?;
    let job = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    assert_eq!((scene.phase(&job), scene.reason(&job).as_deref()), (Phase::Error, Some("Unschedulable")));
    let runs: Api<PipelineRun> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    assert_eq!(runs.get(&name).await?.spec.status.as_deref(), Some("CancelledRunFinally"));
    scene.end().await
}

/// Writes what Tekton writes of a run whose only pod finds no node.
async fn play_tekton_without_a_node(scene: &Scene) -> Result<()> {
    scene.wait_for_jobs(1).await?;
    let name = scene.only_job().await?;
    let is_there = |job: &tidegate_resources::IntegrationJob| {
        job.status.as_ref().is_some_and(|status| status.pipeline_run.is_some())
    };
    scene.wait_for_job(&name, "its PipelineRun is there", is_there).await?;
    let runs: Api<PipelineRun> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let run = runs.get(&name).await?;
    let task = run.spec.pipeline_spec.tasks.first().context("no task")?;
    let child = format!("{name}-unit");
    let task_run: TaskRun = serde_json::from_value(json!({
        "apiVersion": "tekton.dev/v1", "kind": "TaskRun",
        "metadata": {"name": child, "labels": run.labels()},
        "spec": {"taskSpec": task.task_spec},
    }))?;
    scene.task_run_api().create(&PostParams::default(), &task_run).await?;
    let running = json!({"type": "Succeeded", "status": "Unknown", "reason": "Running"});
    let children = json!([{"name": child, "pipelineTaskName": "unit"}]);
    let status = json!({"status": {"conditions": [running], "childReferences": children}});
    runs.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await?;
    let message =
        "pod status \"PodScheduled\":\"False\"; message: \"0/1 nodes are available: 1 Insufficient cpu.\"";
    let pending = json!({"type": "Succeeded", "status": "Unknown", "reason": "Pending", "message": message});
    let status = json!({"status": {"conditions": [pending], "startTime": "2026-01-01T00:00:00Z"}});
    scene.task_run_api().patch_status(&child, &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}

scenario!(a_job_whose_secret_is_missing_is_an_error_that_names_it_and_the_others_run);
async fn a_job_whose_secret_is_missing_is_an_error_that_names_it_and_the_others_run() -> Result<()> {
    let mut deploy = job("deploy", "true");
    deploy["env"] = json!([{"name": "KEY", "secretKeyRef": {"name": "deploy-key", "key": "token"}}]);
    let scene = Scene::set(gitea(), &json!({"preSubmit": [deploy, job("unit", "true")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let told = scene.status(&head, "deploy", "error").await?.description.unwrap_or_default();
    assert!(told.contains("secret \"deploy-key\" not found"), "{told}");
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(a_job_behind_a_failed_optional_one_ends_while_the_others_run);
async fn a_job_behind_a_failed_optional_one_ends_while_the_others_run() -> Result<()> {
    let mut lint = job("lint", "exit 1");
    lint["optional"] = json!(true);
    let mut behind = job("behind", "true");
    behind["after"] = json!(["lint"]);
    let scene = Scene::set(gitea(), &json!({"preSubmit": [lint, behind, job("slow", "sleep 600")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "lint", "failure").await?;
    let told = scene.status(&head, "behind", "error").await?.description;
    assert_eq!(told.as_deref(), Some("not run: lint failed"));
    assert_eq!(scene.states(&head, "slow").await?.last().map(String::as_str), Some("pending"));
    scene.world.forge.close_pull_request(REPOSITORY, number, "dora").await?;
    scene.status(&head, "slow", "error").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(the_time_of_a_run_ends_the_job_that_runs_as_a_failure);
async fn the_time_of_a_run_ends_the_job_that_runs_as_a_failure() -> Result<()> {
    // The time counts from the pod's start, and a real checkout takes its part of it.
    let time = if is_real() { "30s" } else { "3s" };
    let scene = scene(&json!({"preSubmit": [job("slow", "sleep 600")]}), time).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let told = scene.status(&head, "slow", "failure").await?.description;
    assert_eq!(told, Some(format!("timed out after {time}")));
    let name = scene.only_job().await?;
    let job = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    assert_eq!((scene.phase(&job), scene.reason(&job).as_deref()), (Phase::Failed, Some("TimedOut")));
    scene.end().await
}
