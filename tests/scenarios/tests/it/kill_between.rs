//! The controller killed between the two actions that a new head takes: its older run is cancelled, the new one is made.

use anyhow::Result;
use kube::ResourceExt;
use serde_json::{Value, json};
use tidegate_resources::{CancelReason, ConditionStatus, Phase};
use tidegate_sandbox_gate::Moment::{self, After, Before};
use tidegate_scenarios::Scene;
use tidegate_test_suite::scenario;

use crate::{config_recovers::change_jobs, gitea, job};

fn slow() -> Value {
    json!({"preSubmit": [job("unit", "test -f ok || sleep 600")]})
}

/// Two jobs that wait for each other.
fn cyclic() -> Value {
    let (mut unit, mut lint) = (job("unit", "true"), job("lint", "true"));
    unit["after"] = json!(["lint"]);
    lint["after"] = json!(["unit"]);
    json!({"preSubmit": [unit, lint]})
}

scenario!(
    a_new_head_leaves_no_older_run_if_the_controller_is_killed_while_it_follows_the_event,
    not_on_cluster = "the API server can't be told to hold a request"
);
async fn a_new_head_leaves_no_older_run_if_the_controller_is_killed_while_it_follows_the_event() -> Result<()>
{
    for (request, moment) in REQUESTS {
        let mut scene = Scene::set(gitea(), &slow()).await?;
        let old = runs(&scene).await?;
        let gate = scene.world.sandbox_cluster()?.hold_next(request, moment);
        let new = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
        gate.reached().await?;
        scene.replace_killed_controller().await?;
        scene.status(&new, "unit", "success").await?;
        only_the_new_head_ran(&scene, &old).await?;
        scene.end().await?;
    }
    Ok(())
}

scenario!(
    a_new_head_leaves_no_older_run_if_the_controller_is_killed_while_it_catches_up,
    not_on_cluster = "the API server can't be told to hold a request"
);
async fn a_new_head_leaves_no_older_run_if_the_controller_is_killed_while_it_catches_up() -> Result<()> {
    for (request, moment) in REQUESTS {
        let mut scene = Scene::set(gitea(), &slow()).await?;
        let old = runs(&scene).await?;
        change_jobs(&scene, &cyclic(), ConditionStatus::False).await?;
        let new = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
        scene.settle().await?;
        let gate = scene.world.sandbox_cluster()?.hold_next(request, moment);
        change_jobs(&scene, &slow(), ConditionStatus::True).await?;
        gate.reached().await?;
        scene.replace_killed_controller().await?;
        scene.status(&new, "unit", "success").await?;
        only_the_new_head_ran(&scene, &old).await?;
        scene.end().await?;
    }
    Ok(())
}

/// Each request that the two actions send, and each moment of it.
const REQUESTS: [(&str, Moment); 4] = [
    ("patch integrationjobs", Before),
    ("patch integrationjobs", After),
    ("create integrationjobs", Before),
    ("create integrationjobs", After),
];

/// Dora's pull request runs. Returns the name of the run.
async fn runs(scene: &Scene) -> Result<String> {
    let old = scene.push("fix", "dora", &[("slow", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&old, "unit", "pending").await?;
    let name = scene.only_job().await?;
    scene.wait_for_job(&name, "it runs", |job| scene.phase(job) == Phase::Running).await?;
    Ok(name)
}

async fn only_the_new_head_ran(scene: &Scene, old: &str) -> Result<()> {
    let job = scene.wait_for_job(old, "it was cancelled", |job| scene.phase(job) == Phase::Cancelled).await?;
    assert_eq!(job.spec.cancel.as_ref().map(|cancel| cancel.reason), Some(CancelReason::Superseded));
    let jobs = scene.integration_jobs().await?;
    let names: Vec<_> = jobs.iter().map(ResourceExt::name_any).collect();
    assert_eq!(jobs.len(), 2, "one run a head: {names:?}");
    Ok(())
}
