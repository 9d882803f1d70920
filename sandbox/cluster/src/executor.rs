//! Carries out `PipelineRun`s as local processes, and writes what Tekton would write.
//!
//! Images are not used and mounts are not emulated: a step runs with the programs of this machine, in a directory of its
//! own. What isn't Tidegate's own use of Tekton is left out.

pub(crate) mod condition;
pub(crate) mod duration;
mod pipeline;
mod plan;
mod process;
mod status;
mod step;
pub(crate) mod task;

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use self::{pipeline::Run, task::Task};
use crate::api::{
    object,
    selector::Filter,
    served::{Key, Resource},
    store::Store,
};

/// What the executor logs once.
pub const IMAGES_NOTICE: &str = "executor: images are not used; steps run as local processes";

/// The executor of one cluster.
pub(crate) struct Executor {
    store: Arc<Store>,
    work_dir: Arc<PathBuf>,
    stop: CancellationToken,
    /// Everything up to here was looked at.
    seen: u64,
    /// The uid and the token of each `TaskRun` that goes on.
    running: HashMap<Key, (String, CancellationToken)>,
    tasks: JoinSet<(Key, String)>,
    /// When each unfinished `PipelineRun` is out of time.
    deadlines: HashMap<Key, Instant>,
}

impl Executor {
    pub(crate) fn new(store: Arc<Store>, work_dir: PathBuf, stop: CancellationToken) -> Self {
        Self {
            store,
            work_dir: Arc::new(work_dir),
            stop,
            seen: 0,
            running: HashMap::new(),
            tasks: JoinSet::new(),
            deadlines: HashMap::new(),
        }
    }

    /// Carries out what is in the store until it is stopped. No process outlives it.
    pub(crate) async fn run(mut self) {
        let mut version = self.store.subscribe();
        loop {
            version.mark_unchanged();
            for key in self.changed() {
                match key.resource {
                    Resource::TaskRun => self.look_at_task_run(&key),
                    _ => self.look_at_pipeline_run(&key),
                }
            }
            let next = self.deadlines.values().min().copied();
            let deadline = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => break,
                changed = version.changed() => if changed.is_err() { break },
                () = deadline => self.look_at_expired(),
                Some(ended) = self.tasks.join_next() => self.forget(ended),
            }
        }
        // Each task's token is a child of `stop`.
        while let Some(ended) = self.tasks.join_next().await {
            self.forget(ended);
        }
    }

    /// The runs that changed since the last look; after a compaction, all of them. A task counts before its pipeline.
    fn changed(&mut self) -> Vec<Key> {
        let state = self.store.read();
        let changed: BTreeSet<Key> = match state.changes_after(self.seen) {
            Ok(changes) => changes
                .map(|change| (&change.key, &change.object))
                .flat_map(related)
                .collect(),
            Err(_) => [Resource::TaskRun, Resource::PipelineRun]
                .into_iter()
                .flat_map(|resource| state.list(resource, "", Filter::everything()))
                .flat_map(related)
                .chain(self.running.keys().cloned())
                .collect(),
        };
        self.seen = state.version();
        changed.into_iter().rev().collect()
    }

    fn look_at_task_run(&mut self, key: &Key) {
        let task_run = self.store.read().get(key).map(Arc::clone);
        let uid = task_run
            .as_ref()
            .map_or("", |task_run| object::text(task_run, "/metadata/uid"));
        if let Some((running, stop)) = self.running.get(key) {
            let cancelled = task_run
                .as_ref()
                .is_some_and(|task_run| object::text(task_run, "/spec/status") == "TaskRunCancelled");
            if cancelled || running != uid {
                stop.cancel();
            }
            if running == uid {
                return;
            }
        }
        let Some(task_run) = task_run.as_ref().filter(|task_run| !condition::is_done(task_run)) else {
            return;
        };
        static NOTICE: std::sync::Once = std::sync::Once::new();
        NOTICE.call_once(|| tracing::info!("{IMAGES_NOTICE}"));
        let stop = self.stop.child_token();
        if object::text(task_run, "/spec/status") == "TaskRunCancelled" {
            stop.cancel();
        }
        self.running.insert(key.clone(), (uid.to_owned(), stop.clone()));
        let task = Task {
            store: Arc::clone(&self.store),
            key: key.clone(),
            uid: uid.to_owned(),
            stop,
        };
        let work_dir = Arc::clone(&self.work_dir);
        let ended = (key.clone(), uid.to_owned());
        self.tasks.spawn(async move {
            task.execute(&work_dir).await;
            ended
        });
    }

    fn look_at_pipeline_run(&mut self, key: &Key) {
        let store = Arc::clone(&self.store);
        let Some(run) = Run::unfinished(&store, key) else {
            self.deadlines.remove(key);
            return;
        };
        let deadline = *self
            .deadlines
            .entry(key.clone())
            .or_insert_with(|| Instant::now() + run.timeout().0);
        run.start();
        run.reconcile(deadline <= Instant::now());
    }

    fn look_at_expired(&mut self) {
        let now = Instant::now();
        let expired: Vec<Key> = self
            .deadlines
            .iter()
            .filter(|(_, deadline)| **deadline <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in expired {
            self.look_at_pipeline_run(&key);
        }
    }

    fn forget(&mut self, ended: Result<(Key, String), tokio::task::JoinError>) {
        match ended {
            Ok((key, uid)) => {
                if self.running.get(&key).is_some_and(|(running, _)| *running == uid) {
                    self.running.remove(&key);
                }
            }
            Err(error) => tracing::error!(%error, "a task of the executor panicked"),
        }
    }
}

/// The runs to look at when an object changes: itself, and a `TaskRun`'s `PipelineRun`.
fn related((key, object): (&Key, &Arc<serde_json::Value>)) -> Vec<Key> {
    let owner = |name: &str| Key::new(Resource::PipelineRun, key.namespace.as_str(), name);
    match key.resource {
        Resource::PipelineRun => vec![key.clone()],
        Resource::TaskRun => object::labels(object)
            .get(tidegate_resources::label::TEKTON_PIPELINE_RUN)
            .map(|name| owner(name))
            .into_iter()
            .chain([key.clone()])
            .collect(),
        _ => Vec::new(),
    }
}
