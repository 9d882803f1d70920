//! The webhook master key is replaced while deliveries come in.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tidegate_model::Host;
use tidegate_sandbox_forge::Forge as Sandbox;
use tidegate_scenarios::{REPOSITORY, Scene, WorldSpec, signature};
use tidegate_test_suite::scenario;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
};

use crate::unit;

/// How long a step of the command may take: it waits for a cache period and a margin twice.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `tidegate rotate-webhook-key` and what it says.
struct Rotation {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Rotation {
    fn start(scene: &Scene) -> Result<Self> {
        let mut command = scene.world.tidegate(&["rotate-webhook-key", "--patience", "1m"])?;
        let mut child = command.stdout(Stdio::piped()).spawn().context("failed to start tidegate")?;
        let stdout = child.stdout.take().context("no stdout")?;
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    /// Reads on until a line starts like this.
    async fn says(&mut self, start: &str) -> Result<String> {
        let found = async {
            while let Some(line) = self.lines.next_line().await? {
                if line.starts_with(start) {
                    return Ok(line);
                }
            }
            anyhow::bail!("it ended")
        };
        let found = tokio::time::timeout(PATIENCE, found).await.context("it says nothing more");
        found.and_then(|found| found).with_context(|| format!("no line starts with {start:?}"))
    }

    async fn succeeds(mut self) -> Result<()> {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it doesn't end")??;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

async fn set(dialect: Host) -> Result<Scene> {
    let spec = WorldSpec { master_key_cache: "1s", ..WorldSpec::new(dialect) };
    let scene = Box::pin(Scene::set(spec, &unit())).await?;
    if let Ok(cloud) = scene.world.cloud.deployed() {
        // A deployed function has five minutes, and every scenario after this can do with one second.
        cloud.set_variable("tidegate-webhook", "TIDEGATE_MASTER_KEY_CACHE", "1s").await?;
    }
    Ok(scene)
}

/// The address and the secret of the repository's newest hook.
async fn hook(scene: &Scene) -> Result<(String, String)> {
    let hook = scene.world.forge.hooks(REPOSITORY).await?.pop().context("a hook")?;
    Ok((hook.url, hook.secret.context("the hook has a secret")?))
}

/// A pull request from a branch of this name runs, and succeeds.
async fn runs(scene: &Scene, branch: &str) -> Result<()> {
    let head = scene.push(branch, "dora", &[("ok", "yes\n"), ("name", branch)]).await?;
    scene.open("dora", branch).await?;
    scene.status(&head, "unit", "success").await?;
    Ok(())
}

/// Posts a push for an unknown hook, signed with a secret; returns the answer's code.
async fn post(url: &str, secret: &str) -> Result<u16> {
    let body = "{}";
    let request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .header("x-gitea-event", "star")
        .header("x-gitea-delivery", "d-1")
        .header("x-gitea-signature", signature(secret, body.as_bytes()))
        .body(body);
    Ok(request.send().await?.status().as_u16())
}

scenario!(
    a_key_is_rotated_and_no_delivery_is_lost_before_during_or_after,
    long,
    not_on_cluster = "Gitea's API doesn't tell the secret that a delivery is signed with"
);
async fn a_key_is_rotated_and_no_delivery_is_lost_before_during_or_after() -> Result<()> {
    let scene = set(Host::Gitea).await?;
    runs(&scene, "before").await?;
    let (url, old) = hook(&scene).await?;

    let mut rotation = Rotation::start(&scene)?;
    rotation.says("1/4 announced").await?;
    runs(&scene, "announced").await?;
    assert_eq!(hook(&scene).await?.1, old, "nothing is registered under a key that a function may not know");
    rotation.says("3/4 made").await?;
    assert_eq!(post(&url, &old).await?, 200, "what was signed before verifies until the old key is retired");
    runs(&scene, "switched").await?;
    rotation.says("    1 of 1 hooks").await?;
    let new = hook(&scene).await?;
    assert_eq!(new.0, url, "the address stays");
    assert_ne!(new.1, old);
    // The replaced hook stays for a moment, for what it still has to deliver.
    let alone = |forge: &Sandbox| (forge.hooks(REPOSITORY).ok()?.len() == 1).then_some(());
    scene.world.forge.sandbox()?.wait_for("the replaced hook to go", PATIENCE, alone).await?;
    runs(&scene, "registered").await?;
    rotation.says("4/4 retired").await?;
    rotation.succeeds().await?;
    runs(&scene, "after").await?;

    // A function that has looked at the secret in this second may know the old key for one more.
    let refused = async {
        while post(&url, &old).await? != 401 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, refused).await.context("the old key still verifies")??;
    assert_eq!(post(&url, &new.1).await?, 200);
    let answers = scene.answers().await?;
    assert!(answers.iter().all(|code| (200..300).contains(code)), "{answers:?}");
    scene.settle_jobs(5).await?;
    scene.end().await
}

scenario!(
    a_killed_rotation_resumes_at_the_step_that_it_reached,
    long,
    not_on_cluster = "its secrets are not the hosts' to tell"
);
async fn a_killed_rotation_resumes_at_the_step_that_it_reached() -> Result<()> {
    let scene = set(Host::Github).await?;
    let old = hook(&scene).await?.1;
    for reached in ["1/4 announced", "3/4 made"] {
        let mut killed = Rotation::start(&scene)?;
        killed.says(reached).await?;
        killed.child.kill().await?;
        runs(&scene, &format!("killed-{}", &reached[..1])).await?;
    }
    let told = scene.world.tidegate(&["rotate-webhook-key", "--dry-run"])?.output().await?;
    let told = String::from_utf8(told.stdout)?;
    assert!(told.contains("still verifies\n"), "{told}");

    let mut resumed = Rotation::start(&scene)?;
    resumed.says("4/4 retired").await?;
    resumed.succeeds().await?;
    assert_ne!(hook(&scene).await?.1, old);
    runs(&scene, "resumed").await?;
    scene.end().await
}

scenario!(
    the_old_key_stays_valid_while_a_hook_cannot_be_registered_and_that_hook_is_named,
    long,
    not_on_cluster = "its secrets are not the hosts' to tell"
);
async fn the_old_key_stays_valid_while_a_hook_cannot_be_registered_and_that_hook_is_named() -> Result<()> {
    let mut scene = set(Host::Gitea).await?;
    let (url, old) = hook(&scene).await?;
    // The controller may keep using its cached token for a minute: a new one starts without it.
    scene.delete_secret("git").await?;
    scene.restart_controller().await?;
    let mut command = scene.world.tidegate(&["rotate-webhook-key", "--patience", "1s"])?;
    let stopped = command.output().await?;
    let (stdout, stderr) = (String::from_utf8(stopped.stdout)?, String::from_utf8(stopped.stderr)?);
    assert_eq!(stopped.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stdout.contains("0 of 1 hooks are registered"), "{stdout}");
    assert!(stderr.contains("1 of 1 hooks are not registered under the new key"), "{stderr}");
    assert!(stderr.contains("ci/shop (") && stderr.contains("git"), "{stderr}");
    assert_eq!(post(&url, &old).await?, 200);
    scene.end().await
}
