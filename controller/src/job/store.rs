//! What the job loop remembers of the cluster. Each object is cut to what a round needs, so that thousands of finished
//! runs cost little memory.

use std::{collections::HashMap, sync::Arc};

use futures::Stream;
use kube::{
    Resource, ResourceExt,
    api::ListParams,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use tidegate_resources::{IntegrationJob, PipelineRun, TaskRun, label};

use crate::context::Context;

type Guarded<K> = DeserializeGuard<K>;

/// The tasks of a run, by the jobs' names.
pub type Tasks = HashMap<String, Arc<Guarded<TaskRun>>>;

/// The `IntegrationJob`s, and their changes.
pub fn integration_jobs(
    context: &Context,
) -> (
    Store<Guarded<IntegrationJob>>,
    impl Stream<Item = watcher::Result<Guarded<IntegrationJob>>> + Send + use<>,
) {
    let (store, writer) = reflector::store();
    let changes = context
        .watch_served(&watcher::Config::default(), |job: &mut Guarded<IntegrationJob>| {
            job.managed_fields_mut().clear();
            if let Ok(job) = &mut job.0
                && job.status.as_ref().is_some_and(|status| status.phase.is_final())
            {
                job.spec.jobs = Vec::new();
                job.spec.skipped = Vec::new();
                job.annotations_mut().clear();
                if let Some(status) = &mut job.status {
                    status.conditions = Vec::new();
                    status.jobs = Vec::new();
                }
            }
        })
        .reflect(writer)
        .applied_objects();
    (store, changes)
}

/// The runs, and the changes of `PipelineRun`s and of `TaskRun`s, deletions included.
pub fn runs(
    context: &Context,
) -> (
    Runs,
    impl Stream<Item = watcher::Result<Guarded<PipelineRun>>> + Send + use<>,
    impl Stream<Item = watcher::Result<Guarded<TaskRun>>> + Send + use<>,
) {
    let ours = watcher::Config::default().labels(label::INTEGRATION_JOB);
    let (pipeline_runs, pipeline_run_writer) = reflector::store();
    let (task_runs, task_run_writer) = reflector::store();
    let pipeline_run_changes = context
        .watch_served(&ours, |run: &mut Guarded<PipelineRun>| {
            run.managed_fields_mut().clear();
            run.annotations_mut().clear();
            if let Ok(run) = &mut run.0 {
                run.spec.pipeline_spec.tasks = Vec::new();
            }
        })
        .reflect(pipeline_run_writer)
        .touched_objects();
    let task_run_changes = context
        .watch_served(&ours, |task: &mut Guarded<TaskRun>| {
            task.managed_fields_mut().clear();
            task.annotations_mut().clear();
            if let Ok(task) = &mut task.0 {
                task.spec.task_spec = None;
            }
        })
        .reflect(task_run_writer)
        .touched_objects();
    (Runs { pipeline_runs, task_runs }, pipeline_run_changes, task_run_changes)
}

/// The `IntegrationJob` that an object of a run belongs to, by its label.
pub fn integration_job_of<K: Resource>(object: &K) -> Option<ObjectRef<Guarded<IntegrationJob>>> {
    let name = object.labels().get(label::INTEGRATION_JOB)?;
    Some(ObjectRef::new(name).within(&object.namespace().unwrap_or_default()))
}

/// The runs as they were seen last.
pub struct Runs {
    pipeline_runs: Store<Guarded<PipelineRun>>,
    task_runs: Store<Guarded<TaskRun>>,
}

impl Runs {
    /// The run of an `IntegrationJob`. When one was created but isn't seen, the API server has the last word.
    pub async fn of(
        &self,
        job: &IntegrationJob,
        context: &Context,
    ) -> Result<Option<PipelineRun>, kube::Error> {
        let namespace = job.namespace().unwrap_or_default();
        let name = job.name_any();
        let is_own = |run: &PipelineRun| {
            run.owner_references().iter().any(|owner| Some(&owner.uid) == job.metadata.uid.as_ref())
        };
        let seen = self.pipeline_runs.get(&ObjectRef::new(&name).within(&namespace));
        if let Some(run) = seen.and_then(|run| run.0.as_ref().ok().cloned()).filter(is_own) {
            return Ok(Some(run));
        }
        if job.status.as_ref().is_none_or(|status| status.pipeline_run.is_none()) {
            return Ok(None);
        }
        Ok(context.namespaced::<PipelineRun>(&namespace).get_opt(&name).await?.filter(is_own))
    }

    /// The tasks that a run lists, as far as they were seen, by the jobs' names.
    pub fn tasks_of(&self, run: &PipelineRun) -> Tasks {
        let namespace = run.namespace().unwrap_or_default();
        let children = run.status.iter().flat_map(|status| &status.child_references);
        children
            .filter_map(|child| {
                let task = self.task_runs.get(&ObjectRef::new(&child.name).within(&namespace))?;
                Some((child.pipeline_task_name.clone(), task))
            })
            .collect()
    }
}

/// The tasks of an `IntegrationJob` as the API server has them now, by the jobs' names.
pub async fn read_tasks(job: &IntegrationJob, context: &Context) -> Result<Tasks, kube::Error> {
    let selector = format!("{}={}", label::INTEGRATION_JOB, job.name_any());
    let api = context.namespaced::<Guarded<TaskRun>>(&job.namespace().unwrap_or_default());
    let tasks = api.list(&ListParams::default().labels(&selector)).await?;
    Ok(tasks
        .into_iter()
        .filter_map(|task| Some((task.labels().get(label::TEKTON_PIPELINE_TASK)?.clone(), Arc::new(task))))
        .collect())
}
