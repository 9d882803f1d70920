//! `cargo demo`: Tidegate's main job on a real Git repository, line by line.
#![expect(clippy::print_stdout, reason = "this is a program for a terminal")]

use std::{future::Future, process::ExitCode, time::Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::{Value, json};
use tidegate_model::{CommitSha, Host};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene, WorldSpec};

/// Watch Tidegate do its main job on this machine.
#[derive(Parser)]
struct Arguments {
    /// Leave everything up at the end, with addresses and what to try, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut demo = Demo::default();
    let result = demo.play(Arguments::parse().keep).await;
    demo.summary();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The story so far.
struct Demo {
    start: Instant,
    rows: Vec<Row>,
}

/// One expectation: where, what, how long it took, whether it held.
struct Row {
    stage: &'static str,
    what: String,
    milliseconds: u128,
    held: bool,
}

impl Default for Demo {
    fn default() -> Self {
        Self { start: Instant::now(), rows: Vec::new() }
    }
}

impl Demo {
    async fn play(&mut self, keep: bool) -> Result<()> {
        println!(
            "Tidegate on this machine: the real functions and the real controller. Around them a sandbox: SQS, Lambda,"
        );
        println!(
            "API Gateway, a Gitea-speaking forge over a real Git repository, and a small Kubernetes API."
        );
        println!("Images are not used: the jobs' steps run as local processes.\n");

        let prepared = Scene::prepare(WorldSpec::new(Host::Gitea));
        let scene = self.expect("sandbox", "forge, cloud, cluster and controller are up", prepared).await?;
        self.say(
            "forge",
            &format!(
                "{} has one commit on main; dora may write, steve may not",
                scene.world.forge.git_url(REPOSITORY)
            ),
        );

        scene.apply(scene.config(&jobs())).await?;
        self.say(
            "config",
            "IntegrationConfig ci/shop applied: unit and style run before a merge, deploy after one",
        );
        self.expect("config", "the webhook is registered on the forge", scene.wait_until_registered())
            .await?;

        let merged = self.pull_request(&scene).await?;
        let deployed = self
            .expect("status", "deploy turns success on main", scene.status(&merged, "deploy", "success"))
            .await?;
        self.say("status", &format!("tidegate/shop/deploy: {}", deployed.description.unwrap_or_default()));

        if keep {
            self.stay(&scene).await?;
        }
        self.expect("end", "no message left, no error logged, the controller stops when asked", scene.end())
            .await
    }

    /// From a broken pull request to a merged one; returns the merge.
    async fn pull_request(&mut self, scene: &Scene) -> Result<CommitSha> {
        let broken = scene.push("fix", "dora", &[("price.sh", "echo $((2 * 21 + 1))\n")]).await?;
        let number = scene.open("dora", "fix").await?;
        self.say(
            "pull request",
            &format!("dora opened #{number}: {} computes a wrong price", broken.short()),
        );
        self.expect("status", "unit turns pending", scene.status(&broken, "unit", "pending")).await?;
        let failed =
            self.expect("status", "unit turns failure", scene.status(&broken, "unit", "failure")).await?;
        self.say("status", &format!("tidegate/shop/unit: {}", failed.description.unwrap_or_default()));
        self.expect("status", "style turns success", scene.status(&broken, "style", "success")).await?;

        // Meanwhile main moves on: what is tested from now on is the merge of both.
        scene.push("main", OWNER, &[("NEWS", "main has moved\n")]).await?;
        let fixed = scene.push("fix", "dora", &[("price.sh", "echo $((2 * 21))\n")]).await?;
        self.say("pull request", &format!("main moved on, and dora pushed a fix: {}", fixed.short()));
        self.expect("status", "unit turns success", scene.status(&fixed, "unit", "success")).await?;
        self.expect("status", "style turns success", scene.status(&fixed, "style", "success")).await?;
        self.expect(
            "merged code",
            "the tested tree is the merge of fix into main",
            tested_tree(scene, &fixed),
        )
        .await?;

        let merged = scene.world.forge.merge_pull_request(REPOSITORY, number, OWNER).await?;
        self.say("merge", &format!("acme merged #{number}: main is {}", merged.short()));
        Ok(merged)
    }

    /// Prints an event.
    fn say(&self, stage: &str, what: &str) {
        println!("{:>7.3} s  {stage:<13} {what}", self.start.elapsed().as_secs_f64());
    }

    /// Waits for what must happen, and prints how long it took.
    async fn expect<T>(
        &mut self,
        stage: &'static str,
        what: &str,
        happens: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let since = Instant::now();
        let result = happens.await;
        let milliseconds = since.elapsed().as_millis();
        let held = result.is_ok();
        self.say(stage, &format!("{} {what} ({milliseconds} ms)", if held { "✓" } else { "✗" }));
        self.rows.push(Row { stage, what: what.to_owned(), milliseconds, held });
        result.with_context(|| what.to_owned())
    }

    fn summary(&self) {
        println!("\n{:<4} {:>8}  {:<13} expectation", "held", "took", "stage");
        for Row { stage, what, milliseconds, held } in &self.rows {
            println!("{:<4} {milliseconds:>5} ms  {stage:<13} {what}", if *held { "yes" } else { "NO" });
        }
        let held = self.rows.iter().filter(|row| row.held).count();
        println!(
            "{held} of {} expectations held, {:.1} s in all",
            self.rows.len(),
            self.start.elapsed().as_secs_f64()
        );
    }

    async fn stay(&self, scene: &Scene) -> Result<()> {
        let token = scene.world.forge.create_user("dora").await?;
        let controller = scene.world.controller_address().await?;
        let forge = scene.world.forge.url();
        let api = scene.world.sandbox_cluster()?.url();
        let clone = forge.replace("://", &format!("://dora:{token}@"));
        println!("\nEverything stays up until Ctrl-C. What to try:");
        println!("  git clone {clone}/{REPOSITORY}.git && cd shop");
        println!(
            "  echo more >> NEWS && git add NEWS && git commit -m more && git push   # deploy runs on main"
        );
        println!(
            "  curl -s -H 'Authorization: token {token}' {forge}/api/v1/repos/{REPOSITORY}/commits/main/status"
        );
        println!("  curl -s {api}/apis/tidegate.dev/v1alpha1/namespaces/ci/integrationjobs");
        println!("  curl -s http://{controller}/metrics");
        println!("Webhooks arrive at {}", scene.world.cloud.gateway());
        tokio::signal::ctrl_c().await.context("failed to wait for Ctrl-C")
    }
}

fn jobs() -> Value {
    json!({
        "preSubmit": [
            {
                "name": "unit",
                "image": "docker.io/library/busybox:1",
                "script": "#!/bin/sh\nset -e\nprice=$(sh price.sh)\necho \"the price is $price\"\ntest \"$price\" = 42\n",
            },
            {
                "name": "style",
                "image": "docker.io/library/busybox:1",
                "command": ["sh", "-c", "! grep -rn 'TODO' --include='*.sh' ."],
            },
        ],
        "postSubmit": [
            {
                "name": "deploy",
                "image": "docker.io/library/busybox:1",
                "script": "echo \"deploying a price of $(sh price.sh)\"\n",
                "when": {"branches": ["main"]},
            },
        ],
    })
}

/// The run of a head has tested the merge of that head into main: the tree it recorded is the one Git computes.
async fn tested_tree(scene: &Scene, head: &CommitSha) -> Result<()> {
    let main = scene.world.forge.branch(REPOSITORY, "main").await?;
    let expected = scene.merged_tree(&main, head).await?;
    let jobs = scene.integration_jobs().await?;
    let job = jobs
        .into_iter()
        .find(|job| job.spec.pulls.iter().any(|pull| &pull.sha == head))
        .context("the head has no IntegrationJob")?;
    let status = job.status.context("the IntegrationJob has no status")?;
    anyhow::ensure!(
        status.base_sha.as_ref() == Some(&main),
        "it merged into {:?}, not {main}",
        status.base_sha
    );
    anyhow::ensure!(status.tree.as_ref() == Some(&expected), "it tested {:?}, not {expected}", status.tree);
    Ok(())
}
