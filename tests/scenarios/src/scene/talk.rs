//! What people say on pull requests, and what they are answered.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tidegate_model::Host;
use tidegate_sandbox_forge::Comment;

use super::{PATIENCE, Scene};
use crate::{LogLine, REPOSITORY};

/// What stands, unseen, in every reply of Tidegate.
const MARKER: &str = "<!-- tidegate-answer:";

impl Scene {
    /// Comments on a pull request and returns the comment's id.
    pub async fn comment(&self, by: &str, number: u64, body: &str) -> Result<u64> {
        self.world.forge.comment(REPOSITORY, number, by, body).await
    }

    /// Waits until a comment has got its thumb: all that it asked for was done. A host without reactions has a reply instead.
    pub async fn thumb(&self, number: u64, comment: u64) -> Result<()> {
        let has_thumb = |comments: &[Comment]| {
            let comment = comments.iter().find(|known| known.id == comment)?;
            let thumbs = ["+1", "thumbsup"];
            let has_thumb = comment.reactions.iter().any(|(_, content)| thumbs.contains(&&**content));
            let is_reply = |later: &Comment| {
                later.id > comment.id && later.body.contains(MARKER) && later.body.contains(": done")
            };
            let has_reply = self.dialect == Host::Bitbucket && comments.iter().any(is_reply);
            (has_thumb || has_reply).then_some(())
        };
        let found = self.world.forge.wait_for_comments(REPOSITORY, number, PATIENCE, has_thumb).await;
        match found {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(format!("no thumb\n{}", self.situation().await))),
        }
    }

    /// Waits until there is a reply of Tidegate with this text, and returns it.
    pub async fn reply(&self, number: u64, text: &str) -> Result<String> {
        let says = |comments: &[Comment]| {
            let reply =
                comments.iter().find(|known| known.body.contains(MARKER) && known.body.contains(text))?;
            Some(reply.body.clone())
        };
        let found = self.world.forge.wait_for_comments(REPOSITORY, number, PATIENCE, says).await;
        match found {
            Ok(reply) => Ok(reply),
            Err(error) => Err(error.context(format!("no reply says {text:?}\n{}", self.situation().await))),
        }
    }

    /// How many replies and how many thumbs Tidegate has given on a pull request.
    pub async fn answers_on(&self, number: u64) -> Result<(usize, usize)> {
        let comments = self.world.forge.comments(REPOSITORY, number).await?;
        let replies = comments.iter().filter(|comment| comment.body.contains(MARKER)).count();
        Ok((replies, comments.iter().map(|comment| comment.reactions.len()).sum()))
    }

    /// Waits until there is an `IntegrationJob`, and returns the name of the only one.
    pub async fn wait_for_one_job(&self) -> Result<String> {
        self.wait_for_jobs(1).await?;
        self.only_job().await
    }

    /// Waits until all that was sent has been worked on, and there are so many `IntegrationJob`s at least. A real Gitea may
    /// claim that all is delivered a moment too early.
    pub async fn wait_for_jobs(&self, count: usize) -> Result<()> {
        let made = async {
            while self.integration_jobs().await?.len() < count {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(PATIENCE, made).await {
            Ok(made) => made?,
            Err(_) => bail!("expected {count} IntegrationJobs\n{}", self.situation().await),
        }
        self.settle().await
    }

    /// Creates a second config of the same repository, and waits until its own webhook is registered.
    pub async fn add_config(&self, name: &str, jobs: &Value) -> Result<()> {
        self.apply(self.config_named(name, jobs)).await?;
        self.registered_in(&self.world.namespace, name).await
    }

    /// Waits until the controller that runs now has logged a text.
    pub async fn logged(&self, text: &str) -> Result<()> {
        self.world.controller.as_ref().context("the controller is down")?.logged(text).await
    }

    /// Waits until the controller that runs now has logged a line of this step with this trace.
    pub async fn logged_in(&self, step: &str, trace: &str) -> Result<()> {
        let is_it = |line: &LogLine| {
            let line: Value = serde_json::from_str(&line.text).unwrap_or_default();
            line["name"] == step && line["trace.id"] == trace
        };
        let controller = self.world.controller.as_ref().context("the controller is down")?;
        controller.logged_line(&format!("step {step} of trace {trace}"), is_it).await
    }

    /// Waits until the clock has left the second of a host's time. Hosts count whole seconds: only then is what is written
    /// now younger, for them, than what was written then.
    pub async fn after_second_of(&self, time: &str) -> Result<()> {
        let then: Timestamp = time.parse().context("a host's time")?;
        let wait = (then + SignedDuration::from_secs(1)).duration_since(Timestamp::now());
        tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
        Ok(())
    }
}
