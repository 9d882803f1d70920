//! The controller killed where it stands, at each stage of an event's way. Gates hold one of its requests, so that it is
//! known how far it is. Nothing is lost, nothing runs twice, and the statuses end true.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use tidegate_model::CommitSha;
use tidegate_resources::Phase;
use tidegate_sandbox_forge::Fault;
use tidegate_sandbox_gate::{
    Gate,
    Moment::{After, Before},
};
use tidegate_scenarios::{COMMANDS, REPOSITORY, Scene, World};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(a_pull_request_runs_once_if_the_controller_is_killed_after_it_received_a_command);
async fn a_pull_request_runs_once_if_the_controller_is_killed_after_it_received_a_command() -> Result<()> {
    killed_at(|world| Ok(world.cloud.sandbox()?.hold_next("ReceiveMessage", COMMANDS, After))).await
}

scenario!(a_pull_request_runs_once_if_the_controller_is_killed_before_it_deletes_a_command);
async fn a_pull_request_runs_once_if_the_controller_is_killed_before_it_deletes_a_command() -> Result<()> {
    killed_at(|world| Ok(world.cloud.sandbox()?.hold_next("DeleteMessage", COMMANDS, Before))).await
}

scenario!(
    a_pull_request_runs_once_if_the_controller_is_killed_around_creating_the_integration_job,
    not_on_cluster = "the API server can't be told to hold a request"
);
async fn a_pull_request_runs_once_if_the_controller_is_killed_around_creating_the_integration_job()
-> Result<()> {
    for moment in [Before, After] {
        killed_in_cluster(move |world| {
            Ok(world.sandbox_cluster()?.hold_next("create integrationjobs", moment))
        })
        .await?;
    }
    Ok(())
}

scenario!(
    a_pull_request_runs_once_if_the_controller_is_killed_around_creating_the_pipeline_run,
    not_on_cluster = "the API server can't be told to hold a request"
);
async fn a_pull_request_runs_once_if_the_controller_is_killed_around_creating_the_pipeline_run() -> Result<()>
{
    for moment in [Before, After] {
        killed_in_cluster(move |world| Ok(world.sandbox_cluster()?.hold_next("create pipelineruns", moment)))
            .await?;
    }
    Ok(())
}

scenario!(
    a_pull_request_runs_once_if_the_controller_is_killed_at_every_status_in_the_cluster,
    not_on_cluster = "the API server can't be told to hold a request"
);
async fn a_pull_request_runs_once_if_the_controller_is_killed_at_every_status_in_the_cluster() -> Result<()> {
    let kills = killed_again_and_again(|world, _| {
        Ok(world.sandbox_cluster()?.hold_next("patch integrationjobs/status", After))
    })
    .await?;
    assert!(kills >= 3, "the slot, the run and its end are written; killed {kills} times");
    Ok(())
}

scenario!(
    a_pull_request_runs_once_if_the_controller_is_killed_at_every_status_on_the_host,
    not_on_cluster = "a real host can't be told to hold a request"
);
async fn a_pull_request_runs_once_if_the_controller_is_killed_at_every_status_on_the_host() -> Result<()> {
    let kills = killed_again_and_again(|world, kills| {
        let forge = world.forge.sandbox()?;
        if kills > 0 {
            // The report that was not written down is repeated, and passes.
            forge.fail_next(1, Some("POST"), "statuses/", Fault::Slow(Duration::ZERO));
        }
        Ok(forge.hold_next(Some("POST"), "statuses/", After))
    })
    .await?;
    assert!(kills >= 1, "it was never killed");
    Ok(())
}

scenario!(
    a_pull_request_runs_once_if_the_controller_is_killed_before_a_report_reaches_the_host,
    not_on_cluster = "a real host can't be told to hold a request"
);
async fn a_pull_request_runs_once_if_the_controller_is_killed_before_a_report_reaches_the_host() -> Result<()>
{
    killed_at(|world| Ok(world.forge.sandbox()?.hold_next(Some("POST"), "statuses/", Before))).await
}

async fn killed_in_cluster(hold: impl FnOnce(&World) -> Result<Gate>) -> Result<()> {
    killed_at(hold).await
}

/// Dora opens a pull request. The controller is killed when one of its requests stands at the gate.
async fn killed_at(hold: impl FnOnce(&World) -> Result<Gate>) -> Result<()> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.settle().await?;
    let gate = hold(&scene.world)?;
    scene.open("dora", "fix").await?;
    gate.reached().await?;
    scene.replace_killed_controller().await?;
    ran_once(&scene, &head, 1).await?;
    scene.end().await
}

/// The same, killed at each such request until all is said; returns how often.
async fn killed_again_and_again(hold: impl Fn(&World, usize) -> Result<Gate>) -> Result<usize> {
    let mut scene = Scene::set(gitea(), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.settle().await?;
    let mut kills = 0;
    let mut gate = hold(&scene.world, kills)?;
    scene.open("dora", "fix").await?;
    loop {
        tokio::select! {
            reached = gate.reached() => reached?,
            done = all_is_said(&scene, &head) => {
                done?;
                break;
            }
        }
        kills += 1;
        // The held request is let go only when nobody waits for its answer any more.
        let next = hold(&scene.world, kills)?;
        scene.replace_killed_controller().await?;
        gate = next;
    }
    ran_once(&scene, &head, kills).await?;
    scene.end().await?;
    Ok(kills)
}

/// Waits until the host knows the verdict and the cluster knows that it does.
async fn all_is_said(scene: &Scene, head: &CommitSha) -> Result<()> {
    scene.status(head, "unit", "success").await?;
    scene.wait_until_recorded("success").await
}

/// One `IntegrationJob` and one `PipelineRun`; the host got the verdict, and no status after it.
async fn ran_once(scene: &Scene, head: &CommitSha, kills: usize) -> Result<()> {
    scene.status(head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    assert_eq!(scene.pipeline_runs().await?.len(), 1);
    let states = scene.states(head, "unit").await?;
    let first = states.iter().position(|state| state == "success").context("no success")?;
    assert!(states[first..].iter().all(|state| state == "success"), "{states:?}");
    let told = scene.world.forge.statuses(REPOSITORY, head).await?;
    let told: Vec<_> = told.into_iter().map(|status| (status.state, status.description)).collect();
    let different: BTreeSet<_> = told.iter().collect();
    assert!(
        told.len() - different.len() <= kills,
        "more than one write was repeated for one of {kills} kills: {told:?}"
    );
    let jobs = scene.integration_jobs().await?;
    assert!(jobs.iter().all(|job| scene.phase(job) == Phase::Succeeded));
    Ok(())
}
