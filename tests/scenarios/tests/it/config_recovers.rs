//! What happens while a config can't be followed is recorded, shown, and made up for as soon as it can be.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tidegate_model::CommitSha;
use tidegate_resources::{ConditionStatus, IntegrationConfig, IntegrationJob, Phase};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{OWN_CONTEXT, gitea, github, job, unit};

/// The job `unit` for pull requests, and `deploy` for main.
fn good() -> Value {
    let mut deploy = job("deploy", "true");
    deploy["when"] = json!({"branches": ["main"]});
    json!({"preSubmit": unit()["preSubmit"], "postSubmit": [deploy]})
}

/// The same, with two jobs that wait for each other.
fn bad() -> Value {
    let mut jobs = good();
    let mut lint = job("lint", "true");
    lint["after"] = json!(["unit"]);
    jobs["preSubmit"][0]["after"] = json!(["lint"]);
    jobs["preSubmit"] = json!([jobs["preSubmit"][0], lint]);
    jobs
}

pub async fn change_jobs(scene: &Scene, jobs: &Value, ready: ConditionStatus) -> Result<()> {
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    // A merge patch replaces lists, but keeps members.
    let patch = Patch::Merge(json!({"spec": {"jobs": jobs}}));
    configs.patch("shop", &PatchParams::default(), &patch).await?;
    scene.wait_for_condition("Ready", ready).await.map(drop)
}

/// The head says that the config is invalid, and nothing else.
async fn shows_invalid(scene: &Scene, head: &CommitSha) -> Result<()> {
    let said = scene.status_of(head, OWN_CONTEXT, "error").await?.description.unwrap_or_default();
    assert!(said.starts_with("config invalid: spec.jobs.preSubmit: "), "{said}");
    assert!(scene.states(head, "unit").await?.is_empty());
    Ok(())
}

scenario!(what_came_while_the_config_was_invalid_runs_when_it_is_corrected_on_gitea);
async fn what_came_while_the_config_was_invalid_runs_when_it_is_corrected_on_gitea() -> Result<()> {
    recovers(gitea()).await
}

scenario!(
    what_came_while_the_config_was_invalid_runs_when_it_is_corrected_on_github,
    not_on_cluster = "there is no GitHub"
);
async fn what_came_while_the_config_was_invalid_runs_when_it_is_corrected_on_github() -> Result<()> {
    recovers(github()).await
}

async fn recovers(spec: WorldSpec) -> Result<()> {
    let mut scene = Scene::prepare(spec).await?;
    let old = scene.push("old", "dora", &[("ok", "yes\n"), ("old", "1\n")]).await?;
    scene.open("dora", "old").await?;
    scene.apply(scene.config(&bad())).await?;
    scene.wait_for_condition("Ready", ConditionStatus::False).await?;
    scene.wait_until_registered().await?;
    let young = scene.push("young", "dora", &[("ok", "yes\n"), ("young", "1\n")]).await?;
    scene.open("dora", "young").await?;
    shows_invalid(&scene, &young).await?;
    let fork = scene.world.forge.fork(REPOSITORY, "steve").await?;
    let foreign = scene.world.forge.commit(&fork, "fix", "steve", &[("ok", "yes\n")], "Fix").await?;
    scene.open("steve", "steve:fix").await?;
    shows_invalid(&scene, &foreign).await?;
    let deployed = scene.push("main", OWNER, &[("deployed", "1\n")]).await?;
    scene.settle_jobs(0).await?;

    // What it knows by then is remembered beyond a restart. Its first look starts nothing for what is older than itself.
    scene.restart_controller().await?;
    change_jobs(&scene, &good(), ConditionStatus::True).await?;
    scene.status(&young, "unit", "success").await?;
    let said = scene.status_of(&young, OWN_CONTEXT, "success").await?.description;
    assert_eq!(said.as_deref(), Some("config valid"));
    scene.status_of(&foreign, OWN_CONTEXT, "pending").await?;
    scene.status(&deployed, "deploy", "success").await?;
    scene.wait_for_jobs(3).await?;
    assert!(scene.world.forge.statuses(REPOSITORY, &old).await?.is_empty());

    // The deliveries of a pull request and of a push are lost: they are looked for.
    change_jobs(&scene, &bad(), ConditionStatus::False).await?;
    shows_invalid_again(&scene, &young).await?;
    let hook = scene.world.forge.hooks(REPOSITORY).await?.pop().context("no webhook")?;
    scene.world.forge.delete_hook(REPOSITORY, hook.id).await?;
    let lost = scene.push("lost", "dora", &[("ok", "yes\n"), ("lost", "1\n")]).await?;
    scene.open("dora", "lost").await?;
    let lost_push = scene.push("main", OWNER, &[("lost-push", "1\n")]).await?;
    change_jobs(&scene, &good(), ConditionStatus::True).await?;
    scene.status(&lost, "unit", "success").await?;
    scene.status(&old, "unit", "success").await?;
    scene.status(&lost_push, "deploy", "success").await?;
    scene.wait_for_jobs(6).await?;
    assert_eq!(scene.integration_jobs().await?.len(), 6, "{}", scene.situation().await);
    assert_eq!(scene.states(&deployed, "deploy").await?.last().map(String::as_str), Some("success"));
    scene.end().await
}

/// What ran stays, beside the reason why nothing else will.
async fn shows_invalid_again(scene: &Scene, head: &CommitSha) -> Result<()> {
    scene.status_of(head, OWN_CONTEXT, "error").await?;
    assert_eq!(scene.states(head, "unit").await?.last().map(String::as_str), Some("success"));
    Ok(())
}

scenario!(a_config_whose_conflict_ends_runs_what_was_opened_meanwhile);
async fn a_config_whose_conflict_ends_runs_what_was_opened_meanwhile() -> Result<()> {
    let scene = Scene::set(WorldSpec { two_namespaces: true, ..gitea() }, &good()).await?;
    let second = scene.world.second_namespace.clone().context("there is one namespace")?;
    // Which config is older is known by whole seconds.
    let configs: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
    let created = configs.get("shop").await?.creation_timestamp().context("no time")?;
    scene.after_second_of(&created.0.to_string()).await?;
    // It has a second fault, and a job for a branch that the older one has nothing for.
    let mut pack = job("pack", "true");
    pack["when"] = json!({"branches": ["topic"]});
    let mut jobs = good();
    jobs["postSubmit"] = json!([good()["postSubmit"][0], pack]);
    let mut faulty = jobs.clone();
    faulty["postSubmit"][1]["script"] = "echo $(params.x)".into();
    scene.apply_in(&second, "shop", &faulty).await?;
    scene.registered_in(&second, "shop").await?;
    let deployed = scene.push("main", OWNER, &[("deployed", "1\n")]).await?;
    scene.status(&deployed, "deploy", "success").await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    let topic = scene.push("topic", "dora", &[("topic", "1\n")]).await?;
    scene.settle_jobs(2).await?;
    let runs: Api<IntegrationJob> = Api::namespaced(scene.world.client.clone(), &second);
    assert!(runs.list(&ListParams::default()).await?.items.is_empty(), "the older config has the statuses");

    let others: Api<IntegrationConfig> = Api::namespaced(scene.world.client.clone(), &second);
    let corrected = Patch::Merge(json!({"spec": {"jobs": jobs}}));
    others.patch("shop", &PatchParams::default(), &corrected).await?;
    scene.delete_config().await?;
    let succeeded = async {
        // The name of the run isn't known; this looks until it is there, within the limit below.
        loop {
            let made = runs.list(&ListParams::default()).await?.items;
            if made.len() == 2 && made.iter().all(|job| scene.phase(job).is_final()) {
                return anyhow::Ok(made);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let made = tokio::time::timeout(Duration::from_mins(3), succeeded).await.context("no run was made")??;
    assert_eq!(made.iter().map(|job| scene.phase(job)).collect::<Vec<_>>(), [Phase::Succeeded; 2]);
    scene.status(&topic, "pack", "success").await?;
    // The older config has deployed already.
    scene.settle().await?;
    let made = runs.list(&ListParams::default()).await?.items;
    let jobs: BTreeSet<_> = made.iter().flat_map(|job| &job.spec.jobs).map(|job| job.name.as_str()).collect();
    assert_eq!((made.len(), jobs), (2, BTreeSet::from(["pack", "unit"])));
    scene.end().await
}

scenario!(a_config_that_gets_its_first_job_for_pull_requests_runs_it_on_the_open_ones);
async fn a_config_that_gets_its_first_job_for_pull_requests_runs_it_on_the_open_ones() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"postSubmit": good()["postSubmit"]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.settle_jobs(0).await?;
    change_jobs(&scene, &good(), ConditionStatus::True).await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(a_branch_that_comes_back_after_a_push_that_ran_nothing_is_built_again);
async fn a_branch_that_comes_back_after_a_push_that_ran_nothing_is_built_again() -> Result<()> {
    let scene = Scene::set(gitea(), &good()).await?;
    let first = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    scene.status(&first, "deploy", "success").await?;
    let mut without = good();
    without["postSubmit"] = json!([]);
    change_jobs(&scene, &without, ConditionStatus::True).await?;
    scene.push("main", OWNER, &[("b", "1\n")]).await?;
    scene.settle_jobs(1).await?;
    change_jobs(&scene, &good(), ConditionStatus::True).await?;
    scene.world.forge.force_branch(REPOSITORY, "main", &first, OWNER).await?;
    scene.wait_for_jobs(2).await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}
