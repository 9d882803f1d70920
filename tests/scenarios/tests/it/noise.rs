//! What strangers write delays nobody else, and gets a bounded number of answers.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_sandbox_forge::Fault;
use tidegate_sandbox_gate::{Gate, Moment};
use tidegate_scenarios::{REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, unit};

scenario!(a_strangers_many_comments_get_a_few_answers_and_delay_no_other_pull_request);
async fn a_strangers_many_comments_get_a_few_answers_and_delay_no_other_pull_request() -> Result<()> {
    const COMMENTS: usize = 40;
    const ANSWERS: usize = 10;
    let scene = Scene::set(gitea(), &unit()).await?;
    scene.push("noisy", "dora", &[("ok", "yes\n")]).await?;
    let noisy = scene.open("dora", "noisy").await?;
    for _ in 0..COMMENTS {
        scene.comment("steve", noisy, "/help").await?;
    }
    let head = scene.push("quiet", "dora", &[("ok", "yes\n")]).await?;
    let quiet = scene.open("dora", "quiet").await?;
    scene.status(&head, "unit", "success").await?;
    let comment = scene.comment("dora", quiet, "/help").await?;
    scene.reply(quiet, "| comment |").await?;
    scene.settle().await?;

    let all = scene.world.forge.comments(REPOSITORY, noisy).await?;
    // On the real cluster each world has a Steve of its own.
    let help = all.iter().filter(|comment| comment.body.starts_with("@steve")).count();
    // One more comes every five minutes, where everything is slow.
    assert!((ANSWERS..=ANSWERS + 1).contains(&help), "{help} answers to {COMMENTS} comments");
    // Who may write has commands that do more than get an answer, on the noisy pull request, too.
    let test = scene.comment("dora", noisy, "/test unit").await?;
    scene.thumb(noisy, test).await?;
    assert_ne!(comment, test);
    scene.settle_jobs(3).await?;
    scene.end().await
}

/// How long a wait may take; only a failure takes so long.
const PATIENCE: Duration = Duration::from_mins(3);

scenario!(
    many_commands_of_a_silent_repository_leave_slots_for_another_one,
    not_on_cluster = "a real host can't be told to be silent"
);
async fn many_commands_of_a_silent_repository_leave_slots_for_another_one() -> Result<()> {
    const QUIET: &str = "quinn/web";
    /// A few more than may be active (22) and wait in the controller (64) of one credential.
    const REFS: usize = 90;
    /// The same of one pull request: 1 and 8.
    const COMMENTS: usize = 12;
    let scene = Scene::set(gitea(), &unit()).await?;
    let forge = &scene.world.forge;
    scene.create_secret("quinn", "token", &forge.create_user("quinn").await?).await?;
    forge.create_repository(QUIET).await?;
    let mut config = scene.config(&unit());
    config["metadata"]["name"] = "web".into();
    config["spec"]["git"]["repository"] = forge.repository(QUIET).into();
    config["spec"]["git"]["tokenSecretRef"]["name"] = "quinn".into();
    scene.apply(config).await?;
    scene.registered_in(&scene.world.namespace, "web").await?;
    scene.push("noisy", "dora", &[("ok", "yes\n")]).await?;
    let noisy = scene.open("dora", "noisy").await?;
    let comment = scene.comment("dora", noisy, "Looks good").await?;
    scene.settle_jobs(1).await?;

    let (refs, comments) = (Gate::default(), Gate::default());
    for (path, gate) in [("acme/shop/branches/gone-", &refs), ("acme/shop/issues/comments/", &comments)] {
        let held = Fault::Held(gate.clone(), Moment::Before);
        forge.sandbox()?.fail_next(usize::MAX, Some("GET"), path, held);
    }
    let follow = json!({"intention": "follow_comment", "pull_request": noisy, "comment": comment});
    scene.send_commands(&vec![command(&scene, follow); COMMENTS]).await?;
    comments.reached().await?;
    let record = |number: usize| {
        let gone = format!("refs/heads/gone-{number}");
        command(&scene, json!({"intention": "record_ref", "ref": gone, "sha": "a".repeat(40)}))
    };
    scene.send_commands(&(0..REFS).map(record).collect::<Vec<_>>()).await?;
    // Both have all the places that they may have.
    for intention in ["record_ref", "follow_comment"] {
        let crowded = format!("tidegate_commands_total{{intention=\"{intention}\",outcome=\"crowded_out\"}}");
        scene.wait_for_metric(&crowded).await?;
    }
    let head = forge.commit(QUIET, "fix", "quinn", &[("ok", "yes\n")], "Fix").await?;
    forge.open_pull_request(QUIET, "quinn", "fix", "main", "Fix").await?;
    let is_success = |status: &tidegate_sandbox_forge::Status| status.state == "success";
    forge.wait_for_status(QUIET, &head, "tidegate/web/unit", PATIENCE, is_success).await?;
    // Nothing of the silent repository was answered meanwhile.
    assert_eq!(comments.most(), 1, "comments on one pull request in hand");
    assert!((20..=22).contains(&refs.most()), "{} commands of one credential in hand", refs.most());

    refs.open();
    comments.open();
    scene.end().await
}

/// A command as the hook of the scene's config leads to it.
fn command(scene: &Scene, mut body: Value) -> String {
    body["repository"] = scene.world.forge.repository(REPOSITORY).into();
    let envelope = json!({
        "v": 1, "delivery": "noise", "host": "gitea", "received_at_ms": 0, "body": body,
        "source": {"kind": "config", "namespace": scene.world.namespace, "name": "shop"},
    });
    envelope.to_string()
}
