//! One repository with its config, and the verbs of scenarios.

mod commented;
mod config;
mod expected;
mod situation;
mod talk;
mod vocabulary;
mod work;

use std::{fmt::Debug, time::Duration};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::{core::v1::Secret, events::v1::Event};
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
    runtime::wait::{Condition, await_condition},
};
use serde_json::{Value, json};
use tidegate_model::{CommitSha, Host, Permission};
use tidegate_resources::IntegrationJob;
use tidegate_sandbox_forge::{Delivery, Status};

use crate::{COMMANDS, EVENTS, Forge, World, WorldSpec, world::REPORT_URL};

/// The repository of every scene.
pub const REPOSITORY: &str = "acme/shop";
/// Who owns it.
pub const OWNER: &str = "acme";
/// The config's name.
pub(crate) const CONFIG: &str = "shop";

/// How long a wait may take. It is generous: a wait ends when its condition holds, and only a failure takes so long.
const PATIENCE: Duration = Duration::from_mins(3);

/// One repository with its config in a world of its own.
///
/// `dora` may write to the repository, `steve` is a stranger.
pub struct Scene {
    /// Everything outside.
    pub world: World,
    dialect: Host,
    expected: expected::Expected,
}

impl Scene {
    /// Starts a world, makes the repository and its people, applies a config with these jobs (`spec.jobs`), and waits
    /// until its webhook is registered.
    pub async fn set(spec: WorldSpec, jobs: &Value) -> Result<Self> {
        let scene = Box::pin(Self::prepare(spec)).await?;
        scene.apply(scene.config(jobs)).await?;
        scene.wait_until_registered().await?;
        Ok(scene)
    }

    /// The same without a config.
    pub async fn prepare(spec: WorldSpec) -> Result<Self> {
        let (wanted, is_organisation) = (spec.dialect, spec.owner_is_organisation);
        let world = Box::pin(World::start(spec)).await?;
        let forge = &world.forge;
        let token = if is_organisation {
            forge.create_organisation(OWNER).await?
        } else {
            forge.create_user(OWNER).await?
        };
        forge.create_user("steve").await?;
        forge.create_user("dora").await?;
        forge.create_repository(REPOSITORY).await?;
        forge.set_permission(REPOSITORY, "dora", Permission::Write).await?;

        let dialect = forge.dialect(wanted);
        let scene = Self { world, dialect, expected: expected::Expected::default() };
        scene.create_secret("git", "token", &token).await?;
        Ok(scene)
    }

    /// Makes a Secret with one key in the scene's namespace.
    pub async fn create_secret(&self, name: &str, key: &str, value: &str) -> Result<()> {
        let secret: Secret =
            serde_json::from_value(json!({"metadata": {"name": name}, "stringData": {key: value}}))?;
        Api::namespaced(self.world.client.clone(), &self.world.namespace)
            .create(&PostParams::default(), &secret)
            .await
            .with_context(|| format!("failed to make the Secret {name}"))?;
        Ok(())
    }

    /// Deletes a Secret of the scene's namespace.
    pub async fn delete_secret(&self, name: &str) -> Result<()> {
        let secrets: Api<Secret> = Api::namespaced(self.world.client.clone(), &self.world.namespace);
        secrets.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Stops the controller as Kubernetes does, and starts a new one.
    pub async fn restart_controller(&mut self) -> Result<()> {
        self.world.stop_controller().await?;
        self.world.start_controller().await
    }

    /// Kills the controller at once, and starts a new one. Its unfinished commands are redelivered at once.
    pub async fn replace_killed_controller(&mut self) -> Result<()> {
        self.world.kill_controller().await?;
        self.world.cloud.sandbox()?.expire_visibility(COMMANDS).await;
        self.world.start_controller().await
    }

    /// The page that a status links to, from the controller itself.
    pub async fn page(&self, url: &str) -> Result<reqwest::Response> {
        let path = url.strip_prefix(REPORT_URL).with_context(|| format!("a link to {url}"))?;
        let address = self.world.controller_address().await?;
        Ok(reqwest::Client::new().get(format!("http://{address}{path}")).send().await?)
    }

    /// Waits until the controller's metrics have a line that starts like this.
    pub async fn wait_for_metric(&self, line: &str) -> Result<()> {
        let address = self.world.controller_address().await?;
        let found = async {
            // Metrics send no notifications; this polls, within the limit below.
            loop {
                let text = reqwest::Client::new()
                    .get(format!("http://{address}/metrics"))
                    .send()
                    .await?
                    .text()
                    .await?;
                if text.lines().any(|present| present.starts_with(line)) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.with_context(|| format!("no metric {line}"))?
    }

    /// Waits until a function has logged this, or something has happened to its process.
    pub async fn wait_for_log(&self, function: &str, text: &str) -> Result<()> {
        let is_it =
            |line: &tidegate_sandbox_cloud::LogLine| line.function == function && line.text.contains(text);
        let found = async {
            // Logs send no notifications; this polls, within the limit below.
            while !self.world.cloud.logs().await?.iter().any(is_it) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .with_context(|| format!("{function} did not log {text:?}"))?
    }

    /// The notes of the Kubernetes Events with this reason.
    pub async fn events(&self, reason: &str) -> Result<Vec<String>> {
        let events: Api<Event> = Api::namespaced(self.world.client.clone(), &self.world.namespace);
        let events = events.list(&ListParams::default()).await?;
        let with_reason = events.items.into_iter().filter(|event| event.reason.as_deref() == Some(reason));
        Ok(with_reason.filter_map(|event| event.note).collect())
    }

    /// Pushes files to a branch in one commit.
    pub async fn push(&self, branch: &str, author: &str, files: &[(&str, &str)]) -> Result<CommitSha> {
        let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
        let message = format!("Change {}", names.join(", "));
        self.world.forge.commit(REPOSITORY, branch, author, files, &message).await
    }

    /// Opens a pull request into main.
    pub async fn open(&self, author: &str, head: &str) -> Result<u64> {
        self.world.forge.open_pull_request(REPOSITORY, author, head, "main", &format!("Merge {head}")).await
    }

    /// Waits until a job's commit status has a state (`pending`, `success`, `failure`, `error`).
    pub async fn status(&self, sha: &CommitSha, job: &str, state: &str) -> Result<Status> {
        self.status_of(sha, &format!("tidegate/{CONFIG}/{job}"), state).await
    }

    /// The same of any config's, by its context.
    pub async fn status_of(&self, sha: &CommitSha, context: &str, state: &str) -> Result<Status> {
        let found = match (self.dialect, &self.world.forge) {
            (Host::Gitlab | Host::Bitbucket, Forge::Sandbox(forge)) => {
                let look = |forge: &tidegate_sandbox_forge::Forge| {
                    let status = forge.status(REPOSITORY, sha, context).ok()?;
                    let shown = status.or_else(|| commented::status(forge, sha, context))?;
                    is_in(&shown, state).then_some(shown)
                };
                forge
                    .wait_for(
                        &format!("status {context} of {sha}, or the comment in its place"),
                        PATIENCE,
                        look,
                    )
                    .await
            }
            (_, forge) => {
                forge.wait_for_status(REPOSITORY, sha, context, PATIENCE, |s| is_in(s, state)).await
            }
        };
        match found {
            Ok(status) => Ok(status),
            Err(error) => Err(error.context(format!("{context} is not {state}\n{}", self.situation().await))),
        }
    }

    /// Waits until a job's commit status has this text in its description.
    pub async fn status_with(&self, sha: &CommitSha, job: &str, text: &str) -> Result<Status> {
        let context = format!("tidegate/{CONFIG}/{job}");
        let wanted =
            |s: &Status| s.description.as_deref().is_some_and(|description| description.contains(text));
        let found = self.world.forge.wait_for_status(REPOSITORY, sha, &context, PATIENCE, wanted).await;
        match found {
            Ok(status) => Ok(status),
            Err(error) => {
                Err(error.context(format!("{job} does not say {text:?}\n{}", self.situation().await)))
            }
        }
    }

    /// The states that a job's commit status has had, oldest first. GitLab and Bitbucket show an error as a failure.
    pub async fn states(&self, sha: &CommitSha, job: &str) -> Result<Vec<String>> {
        let context = format!("tidegate/{CONFIG}/{job}");
        let all = self.world.forge.statuses(REPOSITORY, sha).await?;
        Ok(all
            .into_iter()
            .filter(|status| status.context == context)
            .map(|status| plain(&status.state).to_owned())
            .collect())
    }

    /// Puts a message into the command queue, as a plugin with bad intentions would.
    pub async fn send_command(&self, body: &str) -> Result<()> {
        self.send_commands(&[body.to_owned()]).await
    }

    /// Puts many messages into the command queue, one after another.
    pub async fn send_commands(&self, bodies: &[String]) -> Result<()> {
        self.send_all_to(COMMANDS, bodies).await
    }

    /// Puts a message into a queue.
    pub async fn send_to(&self, queue: &str, body: &str) -> Result<()> {
        self.send_all_to(queue, &[body.to_owned()]).await
    }

    async fn send_all_to(&self, queue: &str, bodies: &[String]) -> Result<()> {
        let client = reqwest::Client::new();
        for body in bodies {
            let message = json!({"QueueUrl": self.world.cloud.queue_url(queue), "MessageBody": body});
            let request = client
                .post(self.world.cloud.endpoint())
                .header("x-amz-target", "AmazonSQS.SendMessage")
                .header("content-type", "application/x-amz-json-1.0")
                .body(message.to_string());
            request.send().await?.error_for_status().context("the queue refused the message")?;
        }
        Ok(())
    }

    /// Sends the newest delivery of an event that was not accepted again, as the owner of the hook does.
    pub async fn redeliver(&self, event: &str) -> Result<()> {
        let forge = self.world.forge.sandbox()?;
        let deliveries = forge.deliveries(REPOSITORY)?;
        let failed = |delivery: &&Delivery| delivery.event == event && delivery.response != Some(Ok(202));
        let newest = deliveries.iter().rev().find(failed);
        forge.redeliver(REPOSITORY, &newest.context("no such delivery")?.id)?;
        self.delivered().await
    }

    /// The tree that Git makes of merging `head` into `base`, computed in a clone, apart from everything that is tested.
    pub async fn merged_tree(&self, base: &CommitSha, head: &CommitSha) -> Result<CommitSha> {
        let folder = tempfile::tempdir()?;
        let clone = folder.path().display().to_string();
        git(&["clone", "--quiet", "--bare", &self.world.forge.git_url(REPOSITORY), &clone]).await?;
        git(&["-C", &clone, "fetch", "--quiet", "origin", "+refs/pull/*:refs/pull/*"]).await?;
        Ok(git(&["-C", &clone, "merge-tree", "--write-tree", base.as_str(), head.as_str()]).await?.parse()?)
    }

    /// Waits until every delivery that the forge has sent was answered; returns the answers' codes,
    /// which only the sandbox's forge knows.
    pub async fn answers(&self) -> Result<Vec<u16>> {
        let forge = self.world.forge.sandbox()?;
        let answered = |forge: &tidegate_sandbox_forge::Forge| {
            let deliveries = forge.deliveries(REPOSITORY).ok()?;
            deliveries.into_iter().map(|delivery| delivery.response?.ok()).collect()
        };
        forge.wait_for("all deliveries to be answered", PATIENCE, answered).await
    }

    /// Waits until every delivery was answered.
    pub async fn delivered(&self) -> Result<()> {
        self.world.forge.delivered(REPOSITORY, PATIENCE).await
    }

    /// Waits until all that was sent has been worked on: no message is left in a queue that isn't a dead-letter queue.
    pub async fn settle(&self) -> Result<()> {
        self.delivered().await?;
        let [integrator, chatops] = EVENTS;
        self.drained(&[COMMANDS, integrator, chatops]).await
    }

    /// Waits until no message is left in these queues.
    pub async fn drained(&self, queues: &[&str]) -> Result<()> {
        let drained = async {
            // SQS doesn't notify about an empty queue; this polls, within the limit below.
            loop {
                let mut left = 0;
                for queue in queues {
                    left += self.world.cloud.queue_depth(queue).await?;
                }
                if left == 0 {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, drained).await.context("the queues did not become empty")?
    }

    /// Ends the scene: everything has settled, every job is done and reported, and the controller stops when it is asked
    /// to. The dead letters and the log lines of level ERROR are those that the scene has named before, and no others; log lines have
    /// known fields alone.
    pub async fn end(self) -> Result<()> {
        self.settle().await?;
        self.expected.check_dead_letters(&self.world.cloud.dead_letters().await?)?;
        let lines = Box::pin(self.world.stop()).await?;
        vocabulary::check(&lines)?;
        self.expected.check_errors(&lines)
    }

    fn jobs(&self) -> Api<IntegrationJob> {
        Api::namespaced(self.world.client.clone(), &self.world.namespace)
    }

    async fn wait_for<K>(
        &self,
        api: Api<K>,
        name: &str,
        what: &str,
        condition: impl Condition<K>,
    ) -> Result<()>
    where
        K: kube::Resource + Clone + Debug + Send + serde::de::DeserializeOwned + 'static,
    {
        match tokio::time::timeout(PATIENCE, await_condition(api, name, condition)).await {
            Ok(found) => found.map(drop).with_context(|| format!("failed to watch until {what}")),
            Err(_) => anyhow::bail!("waited {PATIENCE:?} in vain until {what}\n{}", self.situation().await),
        }
    }
}

/// A state of a status in GitHub's words. GitLab and Bitbucket know no errors.
fn plain(state: &str) -> &str {
    match state {
        "INPROGRESS" | "running" => "pending",
        "SUCCESSFUL" => "success",
        "FAILED" | "failed" => "failure",
        other => other,
    }
}

fn is_in(status: &Status, state: &str) -> bool {
    let shows_errors = !matches!(&*status.state, "FAILED" | "failed");
    plain(&status.state) == state || (state == "error" && !shows_errors)
}

/// Runs git and returns what it prints.
async fn git(arguments: &[&str]) -> Result<String> {
    let output =
        tokio::process::Command::new("git").args(arguments).output().await.context("failed to start git")?;
    ensure!(output.status.success(), "git {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
