//! Tekton's `PipelineRun`s and `TaskRun`s, as far as a round of the job loop needs them. Those of runs that have ended are not
//! held: thousands of them stay in the cluster.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures::{Stream, StreamExt as _, stream};
use kube::{Resource, ResourceExt, api::ListParams, core::DeserializeGuard};
use tidegate_resources::{IntegrationJob, PipelineRun, TaskRun, label};

use super::{
    changes::Change,
    held::Held,
    store::Store,
    watched::{WatchEnded, WatchItem, Watched, watched},
};
use crate::{cluster::Cluster, key::Key};

type Guarded<K> = DeserializeGuard<K>;

/// The tasks of a run, by the jobs' names.
pub type Tasks = HashMap<String, Arc<Guarded<TaskRun>>>;

/// The objects of the runs that have not ended, as they were seen last. Cloning is cheap.
#[derive(Clone)]
pub struct Tekton {
    pipeline_runs: Store<Arc<Guarded<PipelineRun>>>,
    task_runs: Store<Arc<Guarded<TaskRun>>>,
}

/// What fills [`Tekton`].
pub(super) struct Writers {
    pipeline_runs: Watched<Arc<Guarded<PipelineRun>>>,
    task_runs: Watched<Arc<Guarded<TaskRun>>>,
}

impl<K: Resource + Send + Sync + 'static> Held for Arc<Guarded<K>>
where
    Guarded<K>: Resource,
{
    fn key(&self) -> Key {
        Key::of(&**self)
    }

    fn uid(&self) -> Option<&str> {
        self.meta().uid.as_deref()
    }

    fn version(&self) -> Option<&str> {
        self.meta().resource_version.as_deref()
    }
}

pub(super) fn tekton(namespaces: &BTreeSet<String>) -> (Tekton, Writers) {
    let (pipeline_runs, pipeline_run_writer) = watched(namespaces);
    let (task_runs, task_run_writer) = watched(namespaces);
    let writers = Writers { pipeline_runs: pipeline_run_writer, task_runs: task_run_writer };
    (Tekton { pipeline_runs, task_runs }, writers)
}

impl Tekton {
    /// The names of the runs whose `PipelineRun` or `TaskRun` was made, changed or deleted.
    pub fn changed_runs(&self) -> impl Stream<Item = Key> + Send + use<> {
        let pipeline_runs = self.pipeline_runs.subscribe().stream().map(|change| run_of_change(&change));
        let task_runs = self.task_runs.subscribe().stream().map(|change| run_of_change(&change));
        stream::select(pipeline_runs, task_runs).filter_map(std::future::ready)
    }

    /// The `PipelineRun` of a run. When one was created but isn't seen, the API server has the last word.
    pub async fn pipeline_run_of(
        &self,
        run: &IntegrationJob,
        cluster: &Cluster,
    ) -> Result<Option<PipelineRun>, kube::Error> {
        let is_own = |pipeline_run: &PipelineRun| {
            pipeline_run.owner_references().iter().any(|owner| Some(&owner.uid) == run.metadata.uid.as_ref())
        };
        let key = Key::of(run);
        let seen = self.pipeline_runs.get(&key).and_then(|seen| seen.0.as_ref().ok().cloned());
        if let Some(seen) = seen.filter(is_own) {
            return Ok(Some(seen));
        }
        if run.status.as_ref().is_none_or(|status| status.pipeline_run.is_none()) {
            return Ok(None);
        }
        Ok(cluster.namespaced::<PipelineRun>(&key.namespace).get_opt(&key.name).await?.filter(is_own))
    }

    /// The tasks that a `PipelineRun` lists, as far as they were seen, by the jobs' names.
    pub fn tasks_of(&self, pipeline_run: &PipelineRun) -> Tasks {
        let namespace = pipeline_run.namespace().unwrap_or_default();
        let children = pipeline_run.status.iter().flat_map(|status| &status.child_references);
        let seen = children.filter_map(|child| {
            let key = Key::new(namespace.as_str(), child.name.as_str());
            Some((child.pipeline_task_name.clone(), self.task_runs.get(&key)?))
        });
        seen.collect()
    }

    /// The tasks of a run as the API server has them now, by the jobs' names.
    pub async fn read_tasks(run: &IntegrationJob, cluster: &Cluster) -> Result<Tasks, kube::Error> {
        let selector = format!("{}={}", label::INTEGRATION_JOB, run.name_any());
        let api = cluster.namespaced::<Guarded<TaskRun>>(&run.namespace().unwrap_or_default());
        let tasks = api.list(&ListParams::default().labels(&selector)).await?;
        let named = tasks.into_iter().filter_map(|task| {
            Some((task.labels().get(label::TEKTON_PIPELINE_TASK)?.clone(), Arc::new(task)))
        });
        Ok(named.collect())
    }
}

impl Writers {
    /// Takes what a watch of `PipelineRun`s says.
    pub(super) fn take_pipeline_run(
        &mut self,
        said: WatchItem<PipelineRun>,
        is_idle: impl Fn(&Key) -> bool,
    ) -> Result<(), WatchEnded> {
        let is_held = |run: &Guarded<_>| !run_of(run).is_some_and(|run| is_idle(&run));
        self.pipeline_runs.take(said, |run| is_held(&run).then(|| trimmed_pipeline_run(run)))
    }

    /// Takes what a watch of `TaskRun`s says.
    pub(super) fn take_task_run(
        &mut self,
        said: WatchItem<TaskRun>,
        is_idle: impl Fn(&Key) -> bool,
    ) -> Result<(), WatchEnded> {
        let is_held = |task: &Guarded<_>| !run_of(task).is_some_and(|run| is_idle(&run));
        self.task_runs.take(said, |task| is_held(&task).then(|| trimmed_task_run(task)))
    }

    /// A run has ended: what Tekton has of it is not read any more.
    pub(super) fn release(&self, tekton: &Tekton, run: &Key) {
        if tekton.pipeline_runs.get(run).is_some() {
            self.pipeline_runs.writer.put(run, None);
        }
        for task in tekton.task_runs.all().iter().filter(|task| run_of(&***task).as_ref() == Some(run)) {
            self.task_runs.writer.put(&task.key(), None);
        }
    }
}

/// What is held of a `PipelineRun`.
fn trimmed_pipeline_run(mut run: Guarded<PipelineRun>) -> Arc<Guarded<PipelineRun>> {
    run.managed_fields_mut().clear();
    run.annotations_mut().clear();
    if let Ok(run) = &mut run.0 {
        run.spec.pipeline_spec.tasks = Vec::new();
    }
    Arc::new(run)
}

/// What is held of a `TaskRun`.
fn trimmed_task_run(mut task: Guarded<TaskRun>) -> Arc<Guarded<TaskRun>> {
    task.managed_fields_mut().clear();
    task.annotations_mut().clear();
    if let Ok(task) = &mut task.0 {
        task.spec.task_spec = None;
    }
    Arc::new(task)
}

/// The run that an object of Tekton belongs to, by its label.
fn run_of(object: &impl ResourceExt) -> Option<Key> {
    let name = object.labels().get(label::INTEGRATION_JOB)?.clone();
    Some(Key::new(object.namespace().unwrap_or_default(), name))
}

fn run_of_change<K: Resource>(change: &Change<Arc<Guarded<K>>>) -> Option<Key>
where
    Guarded<K>: Resource,
{
    match change {
        Change::Applied(object) | Change::Deleted(object) => run_of(&**object),
        Change::Listed => None,
    }
}
