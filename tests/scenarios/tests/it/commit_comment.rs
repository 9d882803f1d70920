//! Commands in comments on a commit.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use tidegate_model::CommitSha;
use tidegate_resources::IntegrationJob;
use tidegate_sandbox_forge::{CommitComment, Fault, Forge};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{github, job};

/// Waits until the comments on a commit show what is wanted.
async fn until(scene: &Scene, sha: &CommitSha, wanted: impl Fn(&CommitComment) -> bool) -> Result<()> {
    let forge = scene.world.forge.sandbox()?;
    let look = |forge: &Forge| forge.commit_comments(REPOSITORY, sha).ok()?.iter().any(&wanted).then_some(());
    let found = forge.wait_for("comments on a commit", Duration::from_secs(30), look).await;
    found.with_context(|| format!("{:#?}", forge.commit_comments(REPOSITORY, sha)))
}

/// Comments, and waits for a reply to the person with these words.
async fn answered(scene: &Scene, sha: &CommitSha, by: &str, text: &str, words: &str) -> Result<()> {
    scene.world.forge.sandbox()?.comment_on_commit(REPOSITORY, sha, by, text)?;
    let start = format!("@{by}:");
    until(scene, sha, |comment| comment.body.starts_with(&start) && comment.body.contains(words)).await
}

/// The names of the jobs of each run, the oldest run first.
async fn runs(scene: &Scene) -> Result<Vec<String>> {
    let mut runs = scene.integration_jobs().await?;
    runs.sort_by_key(IntegrationJob::created_at_ms);
    let names = |run: &IntegrationJob| {
        run.spec.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    Ok(runs.iter().map(names).collect())
}

scenario!(
    a_writers_comment_on_a_commit_runs_the_jobs_of_its_push_again,
    not_on_cluster = "Gitea has no comments on commits"
);
async fn a_writers_comment_on_a_commit_runs_the_jobs_of_its_push_again() -> Result<()> {
    let deploy = job("deploy", "test \"$TIDEGATE_TRIGGER\" = Manual");
    let scene = Scene::set(github(), &json!({"postSubmit": [job("build", "true"), deploy]})).await?;
    let sha = scene.push("main", OWNER, &[("a", "1\n")]).await?;
    scene.status(&sha, "deploy", "failure").await?;
    scene.settle_jobs(1).await?;

    let forge = scene.world.forge.sandbox()?;
    // A stranger starts nothing.
    answered(&scene, &sha, "steve", "/retest", "only people with write permission").await?;
    answered(&scene, &sha, "dora", "/cancel", "on a commit there are").await?;
    answered(&scene, &sha, "dora", "/test nope", "no job `nope` runs for refs/heads/main").await?;
    scene.settle_jobs(1).await?;

    // The answer is refused once, so the comment is followed twice.
    forge.fail_next(1, Some("POST"), &format!("/commits/{sha}/comments"), Fault::Status(503));
    answered(&scene, &sha, "dora", "Once more:\n/retest", "`/retest`: done").await?;
    scene.status(&sha, "deploy", "success").await?;
    scene.settle_jobs(2).await?;
    assert_eq!(runs(&scene).await?, ["build deploy", "deploy"]);

    // The same delivery again starts nothing, and is not answered again.
    let deliveries = forge.deliveries(REPOSITORY)?;
    for delivery in deliveries.iter().filter(|delivery| delivery.event == "commit_comment") {
        forge.redeliver(REPOSITORY, &delivery.id)?;
    }
    scene.settle_jobs(2).await?;
    let answers = forge.commit_comments(REPOSITORY, &sha)?;
    assert_eq!(answers.iter().filter(|comment| comment.body.starts_with('@')).count(), 4, "{answers:#?}");

    answered(&scene, &sha, "dora", "/retest", "no job failed for refs/heads/main").await?;
    answered(&scene, &sha, "dora", "/test BUILD", "`/test BUILD`: done").await?;
    scene.settle_jobs(3).await?;
    assert_eq!(runs(&scene).await?, ["build deploy", "deploy", "build"]);
    scene.end().await
}
