//! Trust belongs to whoever controls a pull request's head, and to the commit.

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_model::{AccountKind, CommitSha, Permission};
use tidegate_resources::ConditionStatus;
use tidegate_scenarios::{OWNER, REPOSITORY, Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{OWN_CONTEXT, gitea, github, job, unit};

/// A job that runs wherever the head may, and one that needs a Secret.
fn with_secret() -> Value {
    let mut deploy = job("unit", "true");
    deploy["env"] = json!([{"name": "TOKEN", "secretKeyRef": {"name": "git", "key": "token"}}]);
    json!({"preSubmit": [deploy]})
}

/// The head waits: it has its own status, and no job has one.
async fn waits(scene: &Scene, head: &CommitSha) -> Result<()> {
    scene.status_of(head, OWN_CONTEXT, "pending").await?;
    scene.settle().await?;
    assert!(scene.states(head, "unit").await?.is_empty(), "the code of a head that waits was run");
    Ok(())
}

async fn needs_secret(scene: &Scene, head: &CommitSha) -> Result<()> {
    let description = scene.status(head, "unit", "error").await?.description.unwrap_or_default();
    assert!(description.contains("needs secret git"), "{description}");
    Ok(())
}

scenario!(
    trust_follows_the_head_and_not_the_opener_on_gitea,
    not_on_cluster = "a real Gitea makes no bots by its API"
);
async fn trust_follows_the_head_and_not_the_opener_on_gitea() -> Result<()> {
    trust_follows_the_head(Scene::set(gitea(), &with_secret()).await?).await
}

scenario!(trust_follows_the_head_and_not_the_opener_on_github, not_on_cluster = "there is no GitHub");
async fn trust_follows_the_head_and_not_the_opener_on_github() -> Result<()> {
    trust_follows_the_head(Scene::set(github(), &with_secret()).await?).await
}

async fn trust_follows_the_head(scene: Scene) -> Result<()> {
    let forge = scene.world.forge.sandbox()?.clone();
    let of_fork = async |owner: &str, file: &str| {
        let fork = forge.fork(REPOSITORY, owner).await?.to_string();
        forge.commit(&fork, "fix", owner, &[(file, "1\n")], "Fix").await
    };
    // A writer opens a stranger's fork, and the stranger pushes again.
    forge.create_user("eve");
    let stranger = of_fork("eve", "a").await?;
    scene.open("dora", "eve:fix").await?;
    waits(&scene, &stranger).await?;
    let again = forge.commit("eve/shop", "fix", "eve", &[("b", "1\n")], "More").await?;
    waits(&scene, &again).await?;
    // An organisation's fork, even one that may write.
    forge.set_kind("guild", AccountKind::Organisation)?;
    forge.set_permission(REPOSITORY, "guild", Permission::Write)?;
    let guild = of_fork("guild", "c").await?;
    scene.open("dora", "guild:fix").await?;
    waits(&scene, &guild).await?;
    assert!(scene.pipeline_runs().await?.is_empty(), "nothing of them was run");
    // A writer's own fork runs without Secrets, whoever opens it.
    let own_fork = of_fork("dora", "d").await?;
    scene.open("steve", "dora:fix").await?;
    needs_secret(&scene, &own_fork).await?;
    // A bot's branch in the base repository runs without Secrets.
    forge.set_kind("robo[bot]", AccountKind::Bot)?;
    forge.set_permission(REPOSITORY, "robo[bot]", Permission::Write)?;
    let bot = scene.push("bump", "robo[bot]", &[("e", "1\n")]).await?;
    scene.open("robo[bot]", "bump").await?;
    needs_secret(&scene, &bot).await?;
    // A stranger who opens a branch of the base repository runs it, and gets no Secrets.
    let branch = scene.push("topic", "dora", &[("f", "1\n")]).await?;
    scene.open("steve", "topic").await?;
    needs_secret(&scene, &branch).await?;
    // The writer's own pull request of her own branch gets them.
    let own = scene.push("own", "dora", &[("g", "1\n")]).await?;
    scene.open("dora", "own").await?;
    scene.status(&own, "unit", "success").await?;
    scene.end().await
}

scenario!(an_agit_head_waits_and_gets_no_secret_after_its_approval);
async fn an_agit_head_waits_and_gets_no_secret_after_its_approval() -> Result<()> {
    let scene = Scene::set(gitea(), &with_secret()).await?;
    let forge = &scene.world.forge;
    // Gitea shows the head of a push to refs/for/main/x in the base repository. Any reader may push there.
    let (number, head) = forge.push_for_review(REPOSITORY, "steve", "main", &[("ok", "yes\n")]).await?;
    waits(&scene, &head).await?;
    let comment = scene.comment("dora", number, &format!("/ok-to-test {head}")).await?;
    scene.thumb(number, comment).await?;
    needs_secret(&scene, &head).await?;
    assert!(scene.pipeline_runs().await?.is_empty(), "a stranger's code got a Secret");
    // A writer's AGit head is no branch either.
    let (_, head) = forge.push_for_review(REPOSITORY, "dora", "main", &[("ok", "too\n")]).await?;
    waits(&scene, &head).await?;
    scene.end().await
}

/// A scene whose repository belongs to an organisation, with teams: Tina's may write to the code, Ivan's to issues alone, and
/// Olga is an owner. Gitea 1.26 says `read` of Tina, and `write` of nobody.
async fn organisation() -> Result<Scene> {
    let scene = Scene::prepare(WorldSpec { owner_is_organisation: true, ..gitea() }).await?;
    let forge = &scene.world.forge;
    for (login, team, code) in [
        ("tina", "coders", Permission::Write),
        ("ivan", "triage", Permission::Read),
        ("olga", "Owners", Permission::Admin),
    ] {
        forge.create_user(login).await?;
        forge.create_team(OWNER, team, code, &[login]).await?;
    }
    Ok(scene)
}

/// Opens somebody's pull request from their own fork.
async fn from_fork(scene: &Scene, login: &str) -> Result<(u64, CommitSha)> {
    let forge = &scene.world.forge;
    let fork = forge.fork(REPOSITORY, login).await?;
    let head = forge.commit(&fork, "fix", login, &[("ok", "yes\n")], &format!("Fix of {login}")).await?;
    Ok((scene.open(login, &format!("{login}:fix")).await?, head))
}

scenario!(those_may_approve_whose_team_may_write_to_the_code_and_owners_on_gitea);
async fn those_may_approve_whose_team_may_write_to_the_code_and_owners_on_gitea() -> Result<()> {
    let scene = organisation().await?;
    scene.apply(scene.config(&unit())).await?;
    scene.wait_until_registered().await?;
    // Their forks look the same: Tina is a writer, Ivan isn't.
    let (_, of_writer) = from_fork(&scene, "tina").await?;
    scene.status(&of_writer, "unit", "success").await?;
    let (number, head) = from_fork(&scene, "ivan").await?;
    waits(&scene, &head).await?;
    scene.comment("ivan", number, &format!("/ok-to-test {head}")).await?;
    scene.reply(number, "only people with write permission").await?;
    assert!(scene.states(&head, "unit").await?.is_empty(), "a stranger approved his own head");
    let comment = scene.comment("tina", number, &format!("/ok-to-test {head}")).await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;
    let (number, head) = from_fork(&scene, "steve").await?;
    waits(&scene, &head).await?;
    let comment = scene.comment("olga", number, &format!("/ok-to-test {head}")).await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}

scenario!(a_token_that_may_not_see_teams_makes_nobody_in_them_a_writer_and_the_config_names_the_scope);
async fn a_token_that_may_not_see_teams_makes_nobody_in_them_a_writer_and_the_config_names_the_scope()
-> Result<()> {
    let scene = organisation().await?;
    scene.create_secret("narrow", "token", &scene.world.forge.token_without_teams(OWNER).await?).await?;
    let mut config = scene.config(&unit());
    config["spec"]["git"]["tokenSecretRef"]["name"] = "narrow".into();
    scene.apply(config).await?;
    scene.wait_until_registered().await?;
    let message = scene.wait_for_condition("Ready", ConditionStatus::False).await?;
    assert!(message.contains("team coders of acme") && message.contains("read:organization"), "{message}");
    let (_, head) = from_fork(&scene, "tina").await?;
    waits(&scene, &head).await?;
    // Dora is a collaborator: that is seen.
    let own = scene.push("own", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "own").await?;
    scene.status(&own, "unit", "success").await?;
    scene.end().await
}

scenario!(
    a_waiting_head_that_becomes_a_branch_head_is_trusted_and_stays_so_when_the_branch_is_deleted,
    not_on_cluster = "a clone of the repository doesn't hold the fork's commit"
);
async fn a_waiting_head_that_becomes_a_branch_head_is_trusted_and_stays_so_when_the_branch_is_deleted()
-> Result<()> {
    let scene = Scene::set(github(), &unit()).await?;
    let forge = &scene.world.forge;
    let fork = forge.fork(REPOSITORY, "steve").await?;
    let head = forge.commit(&fork, "fix", "steve", &[("ok", "yes\n")], "Fix").await?;
    let number = scene.open("steve", "steve:fix").await?;
    waits(&scene, &head).await?;
    // No job of the config runs for pushes.
    forge.force_branch(REPOSITORY, "taken", &head, "dora").await?;
    let text = scene.status_of(&head, OWN_CONTEXT, "success").await?.description.unwrap_or_default();
    assert_eq!(text, "trusted: head of taken");
    forge.delete_branch(REPOSITORY, "taken", "dora").await?;
    scene.settle().await?;
    let comment = scene.comment("steve", number, "/test").await?;
    scene.thumb(number, comment).await?;
    scene.status(&head, "unit", "success").await?;
    scene.end().await
}
