//! A comment is a pointer: the function sends where it is, the controller reads what it says then.

use anyhow::{Context as _, Result};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_model::CommentKind;
use tidegate_resources::{ConditionStatus, IntegrationJob};
use tidegate_scenarios::{COMMANDS, DEAD_LETTERS, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job};

/// The jobs `build`, `unit` and `style`, which succeed.
fn three() -> Value {
    json!({"preSubmit": [job("build", "true"), job("unit", "true"), job("style", "true")]})
}

/// A pull request of dora whose jobs have all succeeded.
async fn tested(scene: &Scene) -> Result<u64> {
    let head = scene.push("fix", "dora", &[("a", "1\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    for job in ["build", "unit", "style"] {
        scene.status(&head, job, "success").await?;
    }
    scene.settle_jobs(1).await?;
    Ok(number)
}

/// The jobs of each run that a comment asked for, sorted, and what kind of comment it was.
async fn asked_for(scene: &Scene) -> Result<Vec<(String, CommentKind)>> {
    let jobs = scene.integration_jobs().await?;
    let asked = jobs.iter().filter(|job| job.spec.trigger.comment().is_some());
    let mut asked: Vec<_> = asked.map(shown).collect::<Option<_>>().context("a run without its comment")?;
    asked.sort();
    Ok(asked)
}

fn shown(job: &IntegrationJob) -> Option<(String, CommentKind)> {
    let names: Vec<_> = job.spec.jobs.iter().map(|job| job.name.to_string()).collect();
    Some((names.join(" "), job.spec.trigger.comment()?.kind))
}

/// Waits for the start of a second: two things that happen now happen within it.
async fn start_of_a_second(scene: &Scene) -> Result<()> {
    let this_second = Timestamp::from_second(Timestamp::now().as_second())?;
    scene.after_second_of(&this_second.to_string()).await
}

scenario!(commands_in_reviews_are_followed_and_answered_with_words_on_gitea);
async fn commands_in_reviews_are_followed_and_answered_with_words_on_gitea() -> Result<()> {
    commands_in_reviews(gitea()).await
}

scenario!(
    commands_in_reviews_are_followed_and_answered_with_words_on_github,
    not_on_cluster = "there is no GitHub"
);
async fn commands_in_reviews_are_followed_and_answered_with_words_on_github() -> Result<()> {
    commands_in_reviews(github()).await
}

async fn commands_in_reviews(spec: WorldSpec) -> Result<()> {
    let scene = Scene::set(spec, &three()).await?;
    let number = tested(&scene).await?;
    let review = |text: &'static str| scene.world.forge.review(REPOSITORY, number, "dora", text);
    review("Fine.\n\n> /cancel").await?;
    // Both within one second, or not: each is followed once.
    review("Once more:\n/test style").await?;
    review("/test BUILD").await?;
    scene.reply(number, "`/test style`: done").await?;
    scene.reply(number, "`/test BUILD`: done").await?;
    scene.settle_jobs(3).await?;
    let expected = ["build", "style"].map(|job| (job.to_owned(), CommentKind::Review));
    assert_eq!(asked_for(&scene).await?, expected);
    assert_eq!(scene.answers_on(number).await?, (2, 0));
    // A comment of the conversation works beside them, and is answered as ever.
    let comment = scene.comment("dora", number, "/test unit").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(4).await?;
    assert_eq!(scene.answers_on(number).await?, (2, 1));
    scene.end().await
}

scenario!(
    a_comment_is_followed_as_it_is_when_it_is_read_on_gitea,
    not_on_cluster = "a real host's clock can't be waited for so exactly"
);
async fn a_comment_is_followed_as_it_is_when_it_is_read_on_gitea() -> Result<()> {
    a_comment_is_followed_as_it_is(gitea()).await
}

scenario!(
    a_comment_is_followed_as_it_is_when_it_is_read_on_github,
    not_on_cluster = "a real host's clock can't be waited for so exactly"
);
async fn a_comment_is_followed_as_it_is_when_it_is_read_on_github() -> Result<()> {
    a_comment_is_followed_as_it_is(github()).await
}

async fn a_comment_is_followed_as_it_is(spec: WorldSpec) -> Result<()> {
    let host = spec.dialect;
    let mut scene = Scene::set(spec, &three()).await?;
    let number = tested(&scene).await?;
    scene.world.stop_controller().await?;
    // Edited within its second, by a person who had forgotten a letter.
    start_of_a_second(&scene).await?;
    let same = scene.comment("dora", number, "/test styl").await?;
    scene.world.forge.edit_comment(REPOSITORY, same, "dora", "/test style").await?;
    // Edited later: nobody knows whose words these are.
    let late = scene.comment("dora", number, "/test unit").await?;
    start_of_a_second(&scene).await?;
    scene.world.forge.edit_comment(REPOSITORY, late, "acme", "/test build").await?;
    // An older function, which didn't send this comment for the text that it had, sends the commands that it has read.
    let old = scene.comment("dora", number, "hello").await?;
    scene.world.forge.edit_comment(REPOSITORY, old, "dora", "/test unit").await?;
    scene.delivered().await?;
    let command = json!({
        "v": 1, "delivery": "old", "host": host, "received_at_ms": 0,
        "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
        "body": {
            "repository": scene.world.forge.repository(REPOSITORY), "intention": "follow_comment",
            "pull_request": number, "comment": old, "commands": [{"command": "run_failed"}, {"command": "unreadable"}],
        },
    });
    scene.send_command(&command.to_string()).await?;

    scene.world.start_controller().await?;
    scene.thumb(number, same).await?;
    scene.thumb(number, old).await?;
    scene.reply(number, "`/test build`: not done: the comment was edited. Write a new one").await?;
    scene.settle_jobs(3).await?;
    let expected = ["style", "unit"].map(|job| (job.to_owned(), CommentKind::Comment));
    assert_eq!(asked_for(&scene).await?, expected);
    assert_eq!(scene.world.cloud.queue_depth(DEAD_LETTERS).await?, 0);
    scene.end().await
}

scenario!(a_command_behind_any_text_is_followed_and_hidden_ones_are_not_on_gitea);
async fn a_command_behind_any_text_is_followed_and_hidden_ones_are_not_on_gitea() -> Result<()> {
    a_command_behind_any_text(gitea()).await
}

scenario!(
    a_command_behind_any_text_is_followed_and_hidden_ones_are_not_on_github,
    not_on_cluster = "there is no GitHub"
);
async fn a_command_behind_any_text_is_followed_and_hidden_ones_are_not_on_github() -> Result<()> {
    a_command_behind_any_text(github()).await
}

async fn a_command_behind_any_text(spec: WorldSpec) -> Result<()> {
    let scene = Scene::set(spec, &three()).await?;
    let number = tested(&scene).await?;
    for talk in [
        "<pre>\n/test\n</pre>",
        "<!-- a --> <!--\n/test\n-->",
        "`a\n/test\nb`",
        "> quote\n/test",
        "- item\n/test",
        "<details>\n\n/test\n\n</details>",
        "/lgtm\n/approve",
    ] {
        scene.comment("dora", number, talk).await?;
    }
    scene.settle_jobs(1).await?;
    assert_eq!(scene.answers_on(number).await?, (0, 0));
    // Longer than a function sent once; and so many control characters are sixfold as long in JSON.
    let long = format!("{}\n\n/test STYLE", "long ".repeat(14 * 1024));
    let control = format!("a{}b\n\n/TEST build", "\u{1}".repeat(60 * 1024));
    for text in [long, control] {
        let comment = scene.comment("dora", number, &text).await?;
        scene.thumb(number, comment).await?;
    }
    scene.settle_jobs(3).await?;
    let expected = ["build", "style"].map(|job| (job.to_owned(), CommentKind::Comment));
    assert_eq!(asked_for(&scene).await?, expected);
    scene.end().await
}

scenario!(
    events_of_a_renamed_repository_wait_and_its_config_says_why_on_gitea,
    not_on_cluster = "a real Gitea's repositories go by other names than a scenario's"
);
async fn events_of_a_renamed_repository_wait_and_its_config_says_why_on_gitea() -> Result<()> {
    events_of_a_renamed_repository_wait(gitea()).await
}

scenario!(
    events_of_a_renamed_repository_wait_and_its_config_says_why_on_github,
    not_on_cluster = "a real Gitea's repositories go by other names than a scenario's"
);
async fn events_of_a_renamed_repository_wait_and_its_config_says_why_on_github() -> Result<()> {
    events_of_a_renamed_repository_wait(github()).await
}

async fn events_of_a_renamed_repository_wait(spec: WorldSpec) -> Result<()> {
    let mut scene = Scene::set(spec, &three()).await?;
    scene.expect_dead_letter("the config is for acme/store, not for evil/repo");
    scene.world.forge.sandbox()?.rename(REPOSITORY, "acme/store").await?;
    let head = scene.push("fix", "dora", &[("a", "1\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.comment("dora", number, "/test style").await?;
    let message = scene.wait_for_condition("Ready", ConditionStatus::False).await?;
    assert!(message.contains("the host has acme/shop as acme/store now"), "{message}");
    scene.delivered().await?;
    assert!(scene.integration_jobs().await?.is_empty());
    // The repository of a config can't change: it is made again.
    scene.delete_config().await?;
    let mut config = scene.config(&three());
    config["spec"]["git"]["repository"] = "acme/store".into();
    scene.apply(config).await?;
    scene.wait_until_registered().await?;
    scene.world.cloud.sandbox()?.expire_visibility(COMMANDS).await;
    for job in ["build", "unit", "style"] {
        scene.status(&head, job, "success").await?;
    }
    scene.settle_jobs(2).await?;
    // Another path than the host's is still refused as a forgery.
    let forged = json!({
        "v": 1, "delivery": "forged", "host": "gitea", "received_at_ms": 0,
        "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
        "body": {"repository": "evil/repo", "intention": "cancel", "pull_request": number},
    });
    scene.send_command(&forged.to_string()).await?;
    scene.settle().await?;
    scene.end().await
}
