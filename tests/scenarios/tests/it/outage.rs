//! Something around Tidegate is away for a while. A stretch ends by a condition, not by a time, but for the one minute that is
//! promised.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::DeleteParams,
    runtime::wait::{await_condition, conditions},
};
use serde_json::json;
use tidegate_resources::{IntegrationJob, Phase, PipelineRun};
use tidegate_scenarios::{COMMANDS, EVENTS, REPOSITORY, Scene, WorldSpec, is_real};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, unit};

scenario!(
    commands_wait_while_the_api_server_is_down_for_a_minute_and_run_afterwards,
    long,
    not_on_cluster = "the API server is shared by all scenes"
);
async fn commands_wait_while_the_api_server_is_down_for_a_minute_and_run_afterwards() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    scene.wait_for_metric("tidegate_leader 1").await?;
    let away = tokio::time::Instant::now();
    scene.world.sandbox_cluster()?.set_unavailable(true);
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.delivered().await?;
    scene.wait_for_metric("tidegate_leader 0").await?;
    // By now its leader has had to give up, as it would anywhere. The rest of the minute is what is shown.
    tokio::time::sleep_until(away + Duration::from_mins(1)).await;
    assert!(scene.states(&head, "unit").await?.is_empty());

    scene.world.sandbox_cluster()?.set_unavailable(false);
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(
    runs_wait_while_tekton_is_down_and_start_afterwards,
    not_on_cluster = "Tekton is shared by all scenes"
);
async fn runs_wait_while_tekton_is_down_and_start_afterwards() -> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    scene.world.sandbox_cluster()?.pause_executor(true);
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "pending").await?;
    let name = scene.only_job().await?;
    let runs = |job: &tidegate_resources::IntegrationJob| {
        job.status.as_ref().is_some_and(|status| status.pipeline_run.is_some())
    };
    scene.wait_for_job(&name, "its PipelineRun is there", runs).await?;
    assert!(scene.task_runs().await?.is_empty());
    scene.world.sandbox_cluster()?.pause_executor(false);
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(
    a_delivery_is_answered_503_while_sqs_refuses_events_and_its_redelivery_runs,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn a_delivery_is_answered_503_while_sqs_refuses_events_and_its_redelivery_runs() -> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.settle().await?;
    scene.world.cloud.sandbox()?.refuse("SendMessageBatch", EVENTS[0], true);
    scene.open("dora", "fix").await?;
    assert_eq!(scene.answers().await?.last(), Some(&503));
    scene.world.cloud.sandbox()?.refuse("SendMessageBatch", EVENTS[0], false);
    assert!(scene.integration_jobs().await?.is_empty());

    scene.redeliver("pull_request").await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(an_event_is_retried_until_sqs_accepts_its_commands);
async fn an_event_is_retried_until_sqs_accepts_its_commands() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.settle().await?;
    let gate = scene.world.cloud.sandbox()?.hold_next(
        "SendMessageBatch",
        COMMANDS,
        tidegate_sandbox_gate::Moment::Before,
    );
    scene.world.cloud.sandbox()?.refuse("SendMessageBatch", COMMANDS, true);
    scene.open("dora", "fix").await?;
    gate.reached().await?;
    gate.open();
    scene.wait_for_log("tidegate-integrator", "\"failed\"").await?;
    scene.world.cloud.sandbox()?.refuse("SendMessageBatch", COMMANDS, false);
    scene.world.cloud.sandbox()?.expire_visibility(EVENTS[0]).await;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(commands_wait_while_sqs_refuses_to_deliver_them);
async fn commands_wait_while_sqs_refuses_to_deliver_them() -> Result<()> {
    let scene = Scene::set(gitea(), &unit()).await?;
    scene.world.cloud.sandbox()?.refuse("ReceiveMessage", COMMANDS, true);
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.wait_for_metric("tidegate_reconcile_failures_total{loop=\"drain\"").await?;
    scene.world.cloud.sandbox()?.refuse("ReceiveMessage", COMMANDS, false);
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(an_event_is_retried_after_its_plugin_timed_out);
async fn an_event_is_retried_after_its_plugin_timed_out() -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.settle().await?;
    scene.expect_error("tidegate-integrator: process ended");
    scene.world.cloud.sandbox()?.time_out_next("tidegate-integrator")?;
    scene.open("dora", "fix").await?;
    scene.wait_for_log("tidegate-integrator", "process ended").await?;
    scene.world.cloud.sandbox()?.expire_visibility(EVENTS[0]).await;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(an_event_is_retried_after_its_plugin_panicked_and_the_next_event_runs);
async fn an_event_is_retried_after_its_plugin_panicked_and_the_next_event_runs() -> Result<()> {
    let mut scene =
        Scene::set(WorldSpec { integrator: "examples/panicking-integrator", ..gitea() }, &unit()).await?;
    for line in ["panicked at", "the bug of this plugin", "note: run with", "user handler panicked"] {
        scene.expect_error(line);
    }
    let first = scene.push("first", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "first").await?;
    scene.wait_for_log("tidegate-integrator", "panicked at").await?;
    let second = scene.push("second", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "second").await?;
    scene.status(&second, "unit", "success").await?;
    assert!(scene.states(&first, "unit").await?.is_empty());

    scene.world.cloud.sandbox()?.expire_visibility(EVENTS[0]).await;
    scene.status(&first, "unit", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(
    a_delivery_is_answered_503_when_the_webhook_function_times_out_and_its_redelivery_runs,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn a_delivery_is_answered_503_when_the_webhook_function_times_out_and_its_redelivery_runs() -> Result<()>
{
    let mut scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.settle().await?;
    scene.expect_error("tidegate-webhook: process ended");
    scene.world.cloud.sandbox()?.time_out_next("tidegate-webhook")?;
    scene.open("dora", "fix").await?;
    assert_eq!(scene.answers().await?.last(), Some(&503));
    scene.redeliver("pull_request").await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(a_deleted_pipeline_run_ends_its_job_as_an_error_that_names_the_deletion);
async fn a_deleted_pipeline_run_ends_its_job_as_an_error_that_names_the_deletion() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"preSubmit": [job("unit", "sleep 600")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.wait_for_task_run("it is there", |_| true).await?;
    let name = scene.only_job().await?;
    let runs: Api<PipelineRun> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    runs.delete(&name, &DeleteParams::background()).await?;
    let told = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    assert!(told.contains("the PipelineRun was deleted"), "{told}");
    let ended = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    assert_eq!(scene.phase(&ended), Phase::Error);
    assert_eq!(scene.reason(&ended).as_deref(), Some("PipelineRunDeleted"));
    scene.end().await
}

scenario!(a_deleted_task_run_is_started_again_and_its_run_can_be_cancelled);
async fn a_deleted_task_run_is_started_again_and_its_run_can_be_cancelled() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"preSubmit": [job("unit", "sleep 600")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    let first = scene.wait_for_task_run("it is there", |_| true).await?;
    scene.task_run_api().delete(&first.name_any(), &DeleteParams::background()).await?;
    scene.wait_for_task_run("it is another one", |task| task.uid() != first.uid()).await?;
    let name = scene.only_job().await?;
    let job = scene.integration_jobs().await?.into_iter().next().context("a job")?;
    // Tekton names the new pod like the old one. Where the old one was already starting, the new TaskRun may be judged by
    // its end: that is an error, never a failure of the code.
    let judged_by_old_pod = |job: &IntegrationJob| is_real() && scene.phase(job) == Phase::Error;
    assert!(scene.phase(&job) == Phase::Running || judged_by_old_pod(&job), "{}", scene.situation().await);
    scene.world.forge.close_pull_request(REPOSITORY, number, "dora").await?;
    let ended = |job: &IntegrationJob| scene.phase(job) == Phase::Cancelled || judged_by_old_pod(job);
    scene.wait_for_job(&name, "it was stopped", ended).await?;
    scene.status(&head, "unit", "error").await?;
    scene.end().await
}

scenario!(
    a_deleted_pod_is_an_error_and_not_a_failure_of_the_code,
    only_on_cluster = "its steps run in no pods"
);
async fn a_deleted_pod_is_an_error_and_not_a_failure_of_the_code() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"preSubmit": [job("unit", "sleep 600")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "pending").await?;
    let task = scene.wait_for_task_run("its pod has a name", |task| {
        task.status.as_ref().is_some_and(|status| status.pod_name.is_some())
    });
    let name = task.await?.status.and_then(|status| status.pod_name).context("no pod")?;
    let pods: Api<Pod> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    await_condition(pods.clone(), &name, conditions::is_pod_running()).await?;
    pods.delete(&name, &DeleteParams::default()).await?;

    let told = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    assert!(told.contains("its pod was deleted"), "{told}");
    let name = scene.only_job().await?;
    let ended = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    assert_eq!(scene.reason(&ended).as_deref(), Some("PodDeleted"));
    scene.end().await
}

scenario!(an_image_that_cannot_be_pulled_is_an_error_and_not_a_failure_of_the_code);
async fn an_image_that_cannot_be_pulled_is_an_error_and_not_a_failure_of_the_code() -> Result<()> {
    let mut missing = job("unit", "true");
    missing["image"] = json!("registry.invalid/missing:1");
    let scene = Scene::set(gitea(), &json!({"preSubmit": [missing]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let told = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    assert!(told.contains("image registry.invalid/missing:1 can't be pulled"), "{told}");
    let name = scene.only_job().await?;
    let ended = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    assert_eq!(scene.phase(&ended), Phase::Error);
    assert_eq!(scene.reason(&ended).as_deref(), Some("TaskRunImagePullFailed"));
    scene.end().await
}

scenario!(
    an_evicted_pod_is_an_error_and_a_pod_out_of_memory_is_a_failure,
    not_on_cluster = "Tekton writes the status of TaskRuns there"
);
async fn an_evicted_pod_is_an_error_and_a_pod_out_of_memory_is_a_failure() -> Result<()> {
    let evicted = "The node was low on resource: memory.";
    let oom = "\"step-run\" exited with code 137: OOMKilled";
    for (message, reason, state, phase) in
        [(evicted, "Error", "error", Phase::Error), (oom, "OOMKilled", "failure", Phase::Failed)]
    {
        let scene = Scene::set(gitea(), &json!({"preSubmit": [job("unit", "sleep 600")]})).await?;
        let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
        scene.open("dora", "fix").await?;
        let task = scene.wait_for_task_run("its job runs", |task| {
            let steps = task.status.iter().flat_map(|status| &status.steps);
            steps.into_iter().any(|step| step.terminated.is_some())
        });
        let name = task.await?.name_any();
        let step = json!({"name": "run", "terminated": {"exitCode": 137, "reason": reason}});
        let condition =
            json!({"type": "Succeeded", "status": "False", "reason": "Failed", "message": message});
        let status = json!({"status": {"conditions": [condition], "steps": [step]}});
        let patch = kube::api::Patch::Merge(status);
        scene.task_run_api().patch_status(&name, &kube::api::PatchParams::default(), &patch).await?;
        scene.status(&head, "unit", state).await?;
        let job = scene.only_job().await?;
        scene.wait_for_job(&job, "it ended so", |job| scene.phase(job) == phase).await?;
        scene.end().await?;
    }
    Ok(())
}
