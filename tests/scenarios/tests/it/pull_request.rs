//! A pull request of somebody who may write.

use anyhow::{Context as _, Result};
use serde_json::json;
use tidegate_model::Host;
use tidegate_resources::{CancelReason, JobPhase, Phase};
use tidegate_scenarios::{EVENTS, OWNER, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, on, unit};

scenario!(a_pull_request_is_tested_merged_and_its_push_built, on_hosts);
async fn a_pull_request_is_tested_merged_and_its_push_built(host: Host) -> Result<()> {
    happy_path(on(host)).await
}

async fn happy_path(spec: WorldSpec) -> Result<()> {
    let mut jobs = unit();
    jobs["postSubmit"] = json!([job("deploy", "test \"$(cat ok)\" = yes")]);
    let scene = Scene::set(spec, &jobs).await?;

    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    assert_eq!(scene.states(&head, "unit").await?.last().map(String::as_str), Some("success"));

    let merged = scene.world.forge.merge_pull_request(REPOSITORY, number, OWNER).await?;
    scene.status(&merged, "deploy", "success").await?;

    scene.settle_jobs(3).await?;
    let phases: Vec<_> =
        scene.integration_jobs().await?.iter().filter_map(|job| Some(job.status.as_ref()?.phase)).collect();
    // The feature branch's own push runs deploy as well: the config filters nothing.
    assert_eq!(phases, [Phase::Succeeded; 3]);
    scene.end().await
}

scenario!(every_job_tests_the_same_merge_of_head_and_base);
async fn every_job_tests_the_same_merge_of_head_and_base() -> Result<()> {
    let look = |name: &str| job(name, "touch written && test -f ok && test -f news");
    let scene = Scene::set(gitea(), &json!({"preSubmit": [look("one"), look("two")]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let base = scene.push("main", OWNER, &[("news", "main has moved\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "one", "success").await?;
    scene.status(&head, "two", "success").await?;

    let name = scene.only_job().await?;
    let job = scene.wait_for_job(&name, "it succeeded", |job| scene.phase(job) == Phase::Succeeded).await?;
    let status = job.status.context("a status")?;
    assert_eq!(status.base_sha.as_ref(), Some(&base));
    assert_eq!(status.tree, Some(scene.merged_tree(&base, &head).await?));
    scene.end().await
}

scenario!(a_status_links_to_a_page_that_says_more);
async fn a_status_links_to_a_page_that_says_more() -> Result<()> {
    let jobs = json!({"preSubmit": [job("unit", "exit 3"), job("style", "true")]});
    let scene = Scene::set(gitea(), &jobs).await?;
    let head = scene.push("fix", "dora", &[("ok", "no\n")]).await?;
    scene.open("dora", "fix").await?;
    let failed = scene.status(&head, "unit", "failure").await?;
    scene.status(&head, "style", "success").await?;
    let name = scene.only_job().await?;
    let run = scene.wait_for_job(&name, "it failed", |job| scene.phase(job) == Phase::Failed).await?;

    let url = failed.target_url.context("a link")?;
    let answer = scene.page(&url).await?;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    let page = answer.text().await?;
    let tree = run.status.and_then(|status| status.tree).context("a tree")?;
    let description = failed.description.unwrap_or_default();
    for part in ["tidegate/shop/unit", &description, "tidegate/shop/style", head.as_str(), tree.as_str()] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }

    // The same address of another run, of none, and of what can't be one.
    for other in
        [url.replace(&name, "shop-0"), url.replace("/runs/", "/runs/x"), url.replace(&name, "..%2F..")]
    {
        assert_eq!(scene.page(&other).await?.status(), 404, "{other}");
    }
    scene.end().await
}

scenario!(a_failing_job_fails_and_the_jobs_after_it_do_not_run, on_hosts);
async fn a_failing_job_fails_and_the_jobs_after_it_do_not_run(host: Host) -> Result<()> {
    let mut after = job("package", "true");
    after["after"] = json!(["unit"]);
    let scene =
        Scene::set(on(host), &json!({"preSubmit": [job("unit", "exit 3"), after, job("style", "true")]}))
            .await?;
    let head = scene.push("fix", "dora", &[("ok", "no\n")]).await?;
    scene.open("dora", "fix").await?;

    scene.status(&head, "style", "success").await?;
    let failed = scene.status(&head, "unit", "failure").await?;
    let description = failed.description.unwrap_or_default();
    assert!(description.contains("exit code 3"), "{description}");
    let name = scene.only_job().await?;
    let job = scene.wait_for_job(&name, "it failed", |job| scene.phase(job) == Phase::Failed).await?;
    let phases: Vec<_> = job
        .status
        .context("a status")?
        .jobs
        .into_iter()
        .map(|job| (job.name.to_string(), job.phase))
        .collect();
    let expected =
        [("unit", JobPhase::Failed), ("package", JobPhase::NotRun), ("style", JobPhase::Succeeded)];
    assert_eq!(phases, expected.map(|(name, phase)| (name.to_owned(), phase)));
    let not_run = scene.status(&head, "package", "error").await?.description.unwrap_or_default();
    assert!(not_run.contains("unit"), "{not_run}");
    scene.end().await
}

scenario!(a_merge_conflict_is_its_own_result_and_names_the_file, on_hosts);
async fn a_merge_conflict_is_its_own_result_and_names_the_file(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &unit()).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.push("main", OWNER, &[("ok", "no\n")]).await?;
    scene.open("dora", "fix").await?;
    let status = scene.status(&head, "unit", "failure").await?;
    let description = status.description.unwrap_or_default();
    assert!(description.contains("conflict") && description.contains("ok"), "{description}");
    let name = scene.only_job().await?;
    let job = scene.wait_for_job(&name, "it failed", |job| scene.phase(job) == Phase::Failed).await?;
    assert_eq!(scene.reason(&job).as_deref(), Some("MergeConflict"));
    scene.end().await
}

scenario!(a_new_head_supersedes_the_run_of_the_old_one, on_hosts);
async fn a_new_head_supersedes_the_run_of_the_old_one(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &json!({"preSubmit": [job("unit", "test -f ok || sleep 600")]})).await?;
    let old = scene.push("fix", "dora", &[("slow", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&old, "unit", "pending").await?;
    let name = scene.only_job().await?;
    scene.wait_for_job(&name, "it runs", |job| scene.phase(job) == Phase::Running).await?;
    let new = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let job = scene.wait_for_job(&name, "it was stopped", |job| scene.phase(job) == Phase::Cancelled).await?;
    assert_eq!(job.spec.cancel.as_ref().map(|cancel| cancel.reason), Some(CancelReason::Superseded));
    scene.status(&new, "unit", "success").await?;
    scene.status(&old, "unit", "error").await?;
    scene.end().await
}

scenario!(
    a_closed_pull_request_stops_its_run_and_reopening_runs_it_again,
    on_hosts,
    not_on_bitbucket = "a declined pull request can't be opened again"
);
async fn a_closed_pull_request_stops_its_run_and_reopening_runs_it_again(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &json!({"preSubmit": [job("unit", "test -f ok || sleep 600")]})).await?;
    let head = scene.push("fix", "dora", &[("slow", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "pending").await?;
    scene.world.forge.close_pull_request(REPOSITORY, number, "dora").await?;
    let name = scene.only_job().await?;
    scene.wait_for_job(&name, "it was stopped", |job| scene.phase(job) == Phase::Cancelled).await?;
    scene.status(&head, "unit", "error").await?;

    scene.push("main", OWNER, &[("ok", "yes\n")]).await?;
    scene.world.forge.reopen_pull_request(REPOSITORY, number, "dora").await?;
    scene.status(&head, "unit", "success").await?;
    assert_eq!(scene.integration_jobs().await?.len(), 2);
    scene.end().await
}

scenario!(a_changed_base_is_tested_and_filtered_jobs_say_why_they_are_skipped, on_hosts);
async fn a_changed_base_is_tested_and_filtered_jobs_say_why_they_are_skipped(host: Host) -> Result<()> {
    let mut only_main = job("unit", "true");
    only_main["when"] = json!({"branches": ["main"]});
    let scene = Scene::set(on(host), &json!({"preSubmit": [only_main, job("style", "true")]})).await?;
    scene.push("next", OWNER, &[("next", "yes\n")]).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.status(&head, "style", "success").await?;
    scene.world.forge.change_base(REPOSITORY, number, "next", "dora").await?;
    let skipped = scene.status_with(&head, "unit", "skipped").await?;
    assert_eq!(skipped.description.as_deref(), Some("skipped: branch next is not among its branch patterns"));
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(a_private_repository_without_a_clone_secret_is_an_error_that_names_the_cause, on_hosts);
async fn a_private_repository_without_a_clone_secret_is_an_error_that_names_the_cause(
    host: Host,
) -> Result<()> {
    let scene = Scene::prepare(on(host)).await?;
    scene.world.forge.make_private(REPOSITORY).await?;
    scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    let description = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    assert!(description.contains("needs git.cloneSecretRef"), "{description}");
    scene.end().await
}

scenario!(a_head_that_is_pushed_again_runs_again);
async fn a_head_that_is_pushed_again_runs_again() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"preSubmit": [job("unit", "test -f ok || sleep 600")]})).await?;
    let first = scene.push("fix", "dora", &[("slow", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    let name = scene.wait_for_one_job().await?;
    scene.wait_for_job(&name, "it runs", |job| scene.phase(job) == Phase::Running).await?;
    let second = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.status(&second, "unit", "success").await?;
    scene.status(&first, "unit", "error").await?;

    scene.push("main", OWNER, &[("ok", "yes\n")]).await?;
    scene.world.forge.force_branch(REPOSITORY, "fix", &first, "dora").await?;
    scene.status(&first, "unit", "success").await?;
    scene.settle_jobs(3).await?;
    assert_eq!(scene.answers_on(number).await?, (0, 0));
    scene.end().await
}

scenario!(
    an_older_head_that_is_delivered_late_does_not_run_and_cancels_nothing,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them",
    not_on_deployed = "it can't be told to refuse a message"
);
async fn an_older_head_that_is_delivered_late_does_not_run_and_cancels_nothing() -> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    let first = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&first, "unit", "success").await?;
    scene.world.cloud.sandbox()?.refuse("SendMessageBatch", EVENTS[0], true);
    let late = scene.push("fix", "dora", &[("late", "1\n")]).await?;
    scene.delivered().await?;
    scene.world.cloud.sandbox()?.refuse("SendMessageBatch", EVENTS[0], false);
    let newest = scene.push("fix", "dora", &[("newest", "1\n")]).await?;
    scene.status(&newest, "unit", "success").await?;

    scene.redeliver("pull_request").await?;
    scene.settle_jobs(2).await?;
    assert!(scene.states(&late, "unit").await?.is_empty());
    let jobs = scene.integration_jobs().await?;
    assert!(jobs.iter().all(|job| scene.phase(job) == Phase::Succeeded), "{}", scene.situation().await);
    scene.end().await
}
