//! What runs for a scene: its `IntegrationJob`s, and Tekton's objects behind them.

use std::time::Duration;

use anyhow::{Result, ensure};
use kube::{Api, ResourceExt, api::ListParams};
use serde_json::Value;
use tidegate_resources::{IntegrationJob, IntegrationLedger, Phase, PipelineRun, TaskRun};

use super::{PATIENCE, Scene};

impl Scene {
    /// All `IntegrationJob`s of the scene, in the order they were made.
    pub async fn integration_jobs(&self) -> Result<Vec<IntegrationJob>> {
        let mut jobs = self.jobs().list(&ListParams::default()).await?.items;
        jobs.sort_by_key(|job| (job.creation_timestamp(), job.name_any()));
        Ok(jobs)
    }

    /// The name of the one `IntegrationJob` that there is; a scene with more has gone wrong.
    pub async fn only_job(&self) -> Result<String> {
        let jobs = self.integration_jobs().await?;
        let [job] = &jobs[..] else {
            anyhow::bail!("expected one IntegrationJob\n{}", self.situation().await)
        };
        Ok(job.name_any())
    }

    /// How far a job is.
    pub fn phase(&self, job: &IntegrationJob) -> Phase {
        job.status.as_ref().map_or_else(Phase::default, |status| status.phase)
    }

    /// The reason of a job's condition `Succeeded`.
    pub fn reason(&self, job: &IntegrationJob) -> Option<String> {
        let conditions = &job.status.as_ref()?.conditions;
        Some(conditions.iter().find(|condition| condition.type_ == "Succeeded")?.reason.clone())
    }

    /// Waits until there are so many `IntegrationJob`s, all of them ended.
    pub async fn settle_jobs(&self, count: usize) -> Result<()> {
        self.wait_for_jobs(count).await?;
        let jobs = self.integration_jobs().await?;
        ensure!(jobs.len() == count, "expected {count} IntegrationJobs\n{}", self.situation().await);
        for job in jobs {
            self.wait_for_job(&job.name_any(), "it ended", |job| self.phase(job).is_final()).await?;
        }
        Ok(())
    }

    /// Waits until the ledger says of some commit status in this state that the host has it.
    pub async fn wait_until_recorded(&self, state: &str) -> Result<()> {
        let is_settled = |status: &Value| status[1]["state"] == state && status[1]["isSettled"] == true;
        let is_it = |record: &Value| {
            record["record"]["statuses"].as_array().is_some_and(|all| all.iter().any(is_settled))
        };
        self.wait_for_record(state, is_it).await
    }

    async fn wait_for_record(&self, what: &str, is_it: impl Fn(&Value) -> bool + Send + Sync) -> Result<()> {
        let ledgers: Api<IntegrationLedger> =
            Api::namespaced(self.world.client.clone(), &self.world.namespace);
        let recorded = async {
            loop {
                for ledger in ledgers.list(&ListParams::default()).await? {
                    let records: Vec<Value> = serde_json::from_str(&ledger.spec.records)?;
                    if records.iter().any(&is_it) {
                        return anyhow::Ok(());
                    }
                }
                // Nobody watches ledgers; this looks until it is there, within the limit below.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, recorded).await {
            Ok(recorded) => recorded,
            Err(_) => anyhow::bail!("no ledger records {what}\n{}", self.situation().await),
        }
    }

    /// Waits until the ledger says that a branch or tag was deleted.
    pub async fn wait_until_forgotten(&self, reference: &str) -> Result<()> {
        let is_it = |record: &Value| {
            record["kind"] == "ref" && record["ref"] == reference && record["record"]["target"].is_null()
        };
        self.wait_for_record(reference, is_it).await
    }

    /// All `TaskRun`s of the scene.
    pub async fn task_runs(&self) -> Result<Vec<TaskRun>> {
        Ok(self.task_run_api().list(&ListParams::default()).await?.items)
    }

    /// Waits until a `TaskRun` of the scene is as wanted; returns its name.
    pub async fn wait_for_task_run(
        &self,
        what: &str,
        wanted: impl Fn(&TaskRun) -> bool + Send,
    ) -> Result<TaskRun> {
        let found = async {
            loop {
                if let Some(found) = self.task_runs().await?.into_iter().find(&wanted) {
                    return anyhow::Ok(found);
                }
                // Each look is a list of its own; a watch of one name would not see the next.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => anyhow::bail!("no TaskRun of which {what}\n{}", self.situation().await),
        }
    }

    /// The `TaskRun`s of the scene's namespace.
    pub fn task_run_api(&self) -> Api<TaskRun> {
        Api::namespaced(self.world.client.clone(), &self.world.namespace)
    }

    /// All `PipelineRun`s of the scene.
    pub async fn pipeline_runs(&self) -> Result<Vec<PipelineRun>> {
        Ok(Api::namespaced(self.world.client.clone(), &self.world.namespace)
            .list(&ListParams::default())
            .await?
            .items)
    }

    /// Waits until one `IntegrationJob` is as wanted.
    pub async fn wait_for_job(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&IntegrationJob) -> bool + Send,
    ) -> Result<IntegrationJob> {
        self.wait_for(self.jobs(), name, what, |job: Option<&IntegrationJob>| job.is_some_and(&wanted))
            .await?;
        Ok(self.jobs().get(name).await?)
    }
}
