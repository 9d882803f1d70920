//! Commands in comments: each allowed and refused, and what is no command.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_resources::{CancelReason, IntegrationJob, Phase};
use tidegate_sandbox_forge::Fault;
use tidegate_scenarios::{OWNER, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, job, on, unit};

/// `build`, `unit` after it, and `style`; `unit` says what `ok` says.
fn three() -> Value {
    let mut unit = job("unit", "test \"$(cat ok)\" = yes");
    unit["after"] = json!(["build"]);
    json!({"preSubmit": [job("build", "true"), unit, job("style", "true")], "postSubmit": [job("deploy", "true")]})
}

/// Jobs that end when the file `done` is there.
fn slow(names: &[&str]) -> Value {
    let jobs: Vec<Value> = names.iter().map(|name| job(name, "test -f done || sleep 600")).collect();
    json!({"preSubmit": jobs})
}

/// The run that a comment asked for, and the names of its jobs.
fn asked_for(jobs: &[IntegrationJob]) -> Result<Vec<String>> {
    let mut asked = jobs.iter().filter(|job| job.spec.trigger.comment().is_some());
    let job = asked.next().context("no comment has made a run")?;
    anyhow::ensure!(asked.next().is_none(), "two runs of comments");
    Ok(job.spec.jobs.iter().map(|job| job.name.to_string()).collect())
}

/// A pull request of dora whose jobs have all succeeded.
async fn tested(scene: &Scene) -> Result<u64> {
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    for job in ["build", "unit", "style"] {
        scene.status(&head, job, "success").await?;
    }
    scene.settle().await?;
    Ok(number)
}

scenario!(test_runs_a_job_with_its_ancestors, on_hosts);
async fn test_runs_a_job_with_its_ancestors(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &json!({"preSubmit": three()["preSubmit"]})).await?;
    let number = tested(&scene).await?;
    let comment = scene.comment("dora", number, "Once more, please:\r\n/test unit\r\n").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(2).await?;
    assert_eq!(asked_for(&scene.integration_jobs().await?)?, ["build", "unit"]);
    // Bitbucket has no thumbs.
    let answer = if host == Host::Bitbucket { (1, 0) } else { (0, 1) };
    assert_eq!(scene.answers_on(number).await?, answer);
    scene.end().await
}

scenario!(retest_runs_what_failed_and_nothing_else, on_hosts);
async fn retest_runs_what_failed_and_nothing_else(host: Host) -> Result<()> {
    let scene =
        Scene::set(on(host), &json!({"preSubmit": [job("unit", "test -f ok"), job("style", "true")]}))
            .await?;
    let head = scene.push("fix", "dora", &[("a", "1\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "failure").await?;
    scene.status(&head, "style", "success").await?;
    scene.settle_jobs(1).await?;

    scene.push("main", OWNER, &[("ok", "yes\n")]).await?;
    let comment = scene.comment("dora", number, "/tidegate retest").await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;
    assert_eq!(asked_for(&scene.integration_jobs().await?)?, ["unit"]);
    scene.settle_jobs(2).await?;

    scene.comment("dora", number, "/retest").await?;
    scene.reply(number, "nothing failed").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(cancel_stops_what_runs_and_the_status_says_who_asked, on_hosts);
async fn cancel_stops_what_runs_and_the_status_says_who_asked(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &slow(&["unit"])).await?;
    let head = scene.push("fix", "dora", &[("a", "1\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    let name = scene.wait_for_one_job().await?;
    scene.wait_for_job(&name, "it runs", |job| scene.phase(job) == Phase::Running).await?;
    let comment = scene.comment(OWNER, number, "/cancel").await?;
    scene.thumb(number, comment).await?;
    let job = scene.wait_for_job(&name, "it was stopped", |job| scene.phase(job) == Phase::Cancelled).await?;
    assert_eq!(job.spec.cancel.map(|cancel| cancel.reason), Some(CancelReason::Requested));
    let description = scene.status(&head, "unit", "error").await?.description.unwrap_or_default();
    let owner = scene.world.forge.shown_login(OWNER)?;
    assert!(description.contains(&format!("stopped by {owner}")), "{description}");

    scene.push("main", OWNER, &[("done", "yes\n")]).await?;
    let comment = scene.comment("dora", number, "/retest").await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(
    a_run_that_a_comment_cancelled_stays_cancelled_when_its_delivery_is_repeated_on_gitea,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn a_run_that_a_comment_cancelled_stays_cancelled_when_its_delivery_is_repeated_on_gitea() -> Result<()>
{
    stays_cancelled(gitea()).await
}

scenario!(
    a_run_that_a_comment_cancelled_stays_cancelled_when_its_delivery_is_repeated_on_github,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn a_run_that_a_comment_cancelled_stays_cancelled_when_its_delivery_is_repeated_on_github() -> Result<()>
{
    stays_cancelled(github()).await
}

async fn stays_cancelled(spec: WorldSpec) -> Result<()> {
    let scene = Scene::set(spec, &slow(&["unit"])).await?;
    scene.push("fix", "dora", &[("a", "1\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    let name = scene.wait_for_one_job().await?;
    let comment = scene.comment("dora", number, "/cancel").await?;
    scene.thumb(number, comment).await?;
    scene.wait_for_job(&name, "it was stopped", |job| scene.phase(job) == Phase::Cancelled).await?;
    let forge = scene.world.forge.sandbox()?;
    let redeliver = |event: &str| -> Result<()> {
        let deliveries = forge.deliveries(REPOSITORY)?;
        let first = deliveries.iter().find(|delivery| delivery.event == event).context("a delivery")?;
        forge.redeliver(REPOSITORY, &first.id)
    };
    redeliver("pull_request")?;
    scene.settle_jobs(1).await?;
    // Nor does closing and reopening start it: only a new head or a comment does.
    scene.push("main", OWNER, &[("done", "yes\n")]).await?;
    forge.close_pull_request(REPOSITORY, number, "dora").await?;
    forge.reopen_pull_request(REPOSITORY, number, "dora").await?;
    scene.settle().await?;
    scene.settle_jobs(1).await?;
    let comment = scene.comment("dora", number, "/test").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(2).await?;
    // An old cancellation that is delivered again stops nothing new.
    redeliver("issue_comment")?;
    scene.settle_jobs(2).await?;
    let phases: Vec<_> = scene.integration_jobs().await?.iter().map(|job| scene.phase(job)).collect();
    assert!(phases.contains(&Phase::Succeeded), "{phases:?}");
    scene.end().await
}

scenario!(cancelling_one_of_several_jobs_is_refused_and_cancelling_all_of_them_works);
async fn cancelling_one_of_several_jobs_is_refused_and_cancelling_all_of_them_works() -> Result<()> {
    let scene = Scene::set(gitea(), &slow(&["unit", "style"])).await?;
    let head = scene.push("fix", "dora", &[("a", "1\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    let name = scene.wait_for_one_job().await?;
    scene.wait_for_job(&name, "it runs", |job| scene.phase(job) == Phase::Running).await?;
    scene.comment("dora", number, "/cancel unit").await?;
    scene.reply(number, "can't be stopped alone: its run still has `style`").await?;
    scene.settle().await?;
    assert_eq!(scene.states(&head, "unit").await?.last().map(String::as_str), Some("pending"));

    let comment = scene.comment("dora", number, "/cancel style unit").await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "error").await?;
    scene.status(&head, "style", "error").await?;
    scene.settle_jobs(1).await?;
    scene.end().await
}

scenario!(several_commands_in_a_comment_get_one_reply_with_the_result_of_each, on_hosts);
async fn several_commands_in_a_comment_get_one_reply_with_the_result_of_each(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &three()).await?;
    let number = tested(&scene).await?;
    scene.settle_jobs(2).await?;
    scene.comment("dora", number, "/test style\n/test nope deploy\n/tidegate dance\n/help").await?;
    let reply = scene.reply(number, "`/test style`: done").await?;
    for words in [
        "there is no job `nope`; `deploy` runs after pushes only; the jobs are `build`, `style`, `unit`",
        "there is no command `dance`",
        "| `/ok-to-test SHA` |",
    ] {
        assert!(reply.contains(words), "{words} is missing in:\n{reply}");
    }
    scene.settle_jobs(3).await?;
    assert_eq!(asked_for(&scene.integration_jobs().await?)?, ["style"]);
    assert_eq!(scene.answers_on(number).await?, (1, 0));
    scene.end().await
}

scenario!(a_strangers_commands_are_refused_with_the_reason_and_the_next_good_one_works, on_hosts);
async fn a_strangers_commands_are_refused_with_the_reason_and_the_next_good_one_works(
    host: Host,
) -> Result<()> {
    let scene = Scene::set(on(host), &json!({"preSubmit": three()["preSubmit"]})).await?;
    let number = tested(&scene).await?;
    for command in ["/test", "/retest", "/cancel", "/ok-to-test"] {
        scene.comment("steve", number, command).await?;
        scene.reply(number, &format!("`{command}`: only people with write permission")).await?;
    }
    scene.settle_jobs(1).await?;
    assert_eq!(scene.answers_on(number).await?, (4, 0));
    let comment = scene.comment("dora", number, "/test").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(code_quotes_edits_and_prose_are_not_commands, on_hosts);
async fn code_quotes_edits_and_prose_are_not_commands(host: Host) -> Result<()> {
    let scene = Scene::set(on(host), &json!({"preSubmit": three()["preSubmit"]})).await?;
    let number = tested(&scene).await?;
    for talk in
        ["```\n/test\n```", "> /test", "I would not /test that", "    /test", "<!--\n/test\n-->", "/lgtm"]
    {
        scene.comment("dora", number, talk).await?;
    }
    let comment = scene.comment("dora", number, "hello").await?;
    scene.world.forge.edit_comment(REPOSITORY, comment, "dora", "/test").await?;
    scene.settle_jobs(1).await?;
    assert_eq!(scene.answers_on(number).await?, (0, 0));
    let comment = scene.comment("dora", number, "```\n/retest\n```\n/test unit").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(2).await?;
    scene.end().await
}

scenario!(
    a_bots_comment_and_our_own_reply_are_not_commands,
    not_on_cluster = "Gitea doesn't tell which account is a bot's"
);
async fn a_bots_comment_and_our_own_reply_are_not_commands() -> Result<()> {
    let scene = Scene::set(github(), &json!({"preSubmit": three()["preSubmit"]})).await?;
    let number = tested(&scene).await?;
    scene.world.forge.create_user("helper[bot]").await?;
    scene.comment("helper[bot]", number, "/test").await?;
    scene.comment("dora", number, "/help").await?;
    let reply = scene.reply(number, "| `/help` |").await?;
    // Whoever repeats our words says nothing either.
    scene.comment("dora", number, &format!("/test\n{reply}")).await?;
    scene.settle_jobs(1).await?;
    let (replies, thumbs) = scene.answers_on(number).await?;
    assert_eq!((replies, thumbs), (2, 0), "ours, and the one that repeats it");
    scene.end().await
}

scenario!(two_configs_of_a_repository_give_one_answer);
async fn two_configs_of_a_repository_give_one_answer() -> Result<()> {
    let scene = Scene::set(gitea(), &json!({"preSubmit": three()["preSubmit"]})).await?;
    scene.add_config("web", &json!({"preSubmit": [job("e2e", "true")]})).await?;
    let number = tested(&scene).await?;
    scene.settle_jobs(2).await?;
    let comment = scene.comment("dora", number, "/test e2e").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(3).await?;
    assert_eq!(asked_for(&scene.integration_jobs().await?)?, ["e2e"]);
    scene.comment("dora", number, "/test nope").await?;
    scene.reply(number, "the jobs are `build`, `e2e`, `style`, `unit`").await?;
    scene.settle_jobs(3).await?;
    assert_eq!(scene.answers_on(number).await?, (1, 1));
    scene.end().await
}

scenario!(
    a_redelivered_comment_is_followed_and_answered_once,
    not_on_cluster = "Gitea's API neither lists deliveries nor repeats them"
);
async fn a_redelivered_comment_is_followed_and_answered_once() -> Result<()> {
    let mut scene = Scene::set(github(), &json!({"preSubmit": three()["preSubmit"]})).await?;
    let number = tested(&scene).await?;
    let comment = scene.comment("dora", number, "/test style").await?;
    scene.thumb(number, comment).await?;
    scene.comment("dora", number, "/test nope").await?;
    scene.reply(number, "no job `nope`").await?;
    scene.settle_jobs(2).await?;
    // Also by a controller that remembers nothing.
    scene.restart_controller().await?;
    let forge = scene.world.forge.sandbox()?;
    let deliveries = forge.deliveries(REPOSITORY)?;
    for delivery in deliveries.iter().filter(|delivery| delivery.event == "issue_comment") {
        forge.redeliver(REPOSITORY, &delivery.id)?;
    }
    scene.settle_jobs(2).await?;
    assert_eq!(scene.answers_on(number).await?, (1, 1));
    scene.end().await
}

scenario!(
    a_controller_killed_before_its_answer_answers_once,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_controller_killed_before_its_answer_answers_once() -> Result<()> {
    let mut scene = Scene::set(gitea(), &json!({"preSubmit": three()["preSubmit"]})).await?;
    let number = tested(&scene).await?;
    let forge = scene.world.forge.sandbox()?;
    forge.fail_next(1, Some("POST"), "reactions", Fault::Status(502));
    let comment = scene.comment("dora", number, "/test style").await?;
    // Logged when the message is back in the queue.
    scene.logged("failed to carry out follow_comment").await?;
    assert_eq!(scene.integration_jobs().await?.len(), 2, "it was followed, but not answered");
    if let Some(controller) = scene.world.controller.take() {
        controller.kill().await?;
    }
    scene.world.start_controller().await?;
    scene.thumb(number, comment).await.context("it should be answered after the restart")?;
    scene.settle_jobs(2).await?;
    assert_eq!(scene.answers_on(number).await?, (0, 1));
    scene.end().await
}

scenario!(forged_commands_run_nothing_and_the_next_comment_works);
async fn forged_commands_run_nothing_and_the_next_comment_works() -> Result<()> {
    let mut deploy = job("deploy", "true");
    deploy["when"] = json!({"branches": ["main"]});
    let mut scene =
        Scene::set(gitea(), &json!({"preSubmit": unit()["preSubmit"], "postSubmit": [deploy]})).await?;
    scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let number = scene.open("dora", "fix").await?;
    scene.settle_jobs(1).await?;
    scene.push("other", "dora", &[("ok", "no\n")]).await?;
    let other = scene.open("dora", "other").await?;
    scene.settle_jobs(2).await?;
    let talk = scene.comment("dora", number, "hello").await?;
    scene.settle().await?;

    let fork = scene.world.forge.fork(REPOSITORY, "steve").await?;
    let foreign = scene.world.forge.commit(&fork, "evil", "steve", &[("ok", "yes\n")], "Evil").await?;
    // A comment that nobody wrote, or that is gone by now, is no lie about one.
    scene.expect_dead_letter(&format!("comment {talk} is not on pull request {other}"));
    for body in [
        // A comment that asks for nothing; one of another pull request; one that nobody wrote; a review, too.
        json!({"intention": "follow_comment", "pull_request": number, "comment": talk}),
        json!({"intention": "follow_comment", "pull_request": other, "comment": talk}),
        json!({"intention": "follow_comment", "pull_request": number, "comment": 999_999_999}),
        json!({"intention": "follow_comment", "pull_request": number, "comment": {"review": 999_999_999}}),
        // A commit that was never pushed to main.
        json!({"intention": "run_push", "ref": "refs/heads/main", "sha": foreign}),
    ] {
        let mut body = body;
        body["repository"] = scene.world.forge.repository(REPOSITORY).into();
        let envelope = json!({
            "v": 1, "delivery": "forged", "host": "gitea", "received_at_ms": 0, "body": body,
            "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
        });
        scene.send_command(&envelope.to_string()).await?;
    }
    scene.settle_jobs(2).await?;
    assert_eq!(scene.answers_on(number).await?, (0, 0));

    let comment = scene.comment("dora", number, "/test").await?;
    scene.thumb(number, comment).await?;
    scene.settle_jobs(3).await?;
    scene.end().await
}
