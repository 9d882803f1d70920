//! Carries out `PipelineRun`s as local processes, and writes what Tekton would write.
//!
//! Images are not used and mounts are not emulated: a step runs with the programs of this machine, in a directory of its
//! own. What isn't Tidegate's own use of Tekton is left out.

pub(crate) mod condition;
pub(crate) mod duration;
mod expansion;
mod pipeline;
mod plan;
mod process;
mod step;
pub(crate) mod task;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Once},
};

use serde_json::Value;
use tidegate_resources::label;
use tokio::{sync::watch, task::JoinSet, time::Instant};
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

static NOTICE: Once = Once::new();

/// The executor of one cluster.
pub(crate) struct Executor {
    store: Arc<Store>,
    work_dir: Arc<PathBuf>,
    paused: watch::Receiver<bool>,
    stop: CancellationToken,
    /// Everything up to here was looked at.
    seen: u64,
    /// The uids of the active `TaskRun`s, and the tasks that carry them out.
    running: HashSet<String>,
    tasks: JoinSet<String>,
    /// When each unfinished `PipelineRun` is out of time, by its uid.
    deadlines: HashMap<String, (Key, Instant)>,
}

impl Executor {
    pub(crate) fn new(
        store: Arc<Store>,
        work_dir: PathBuf,
        paused: watch::Receiver<bool>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            store,
            work_dir: Arc::new(work_dir),
            paused,
            stop,
            seen: 0,
            running: HashSet::new(),
            tasks: JoinSet::new(),
            deadlines: HashMap::new(),
        }
    }

    /// Carries out what is in the store until it is stopped. No process outlives it.
    pub(crate) async fn run(mut self) {
        let mut version = self.store.subscribe();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                resumed = self.paused.wait_for(|paused| !paused) => if resumed.is_err() { break },
            }
            version.mark_unchanged();
            for key in self.changed() {
                match key.resource {
                    Resource::TaskRun => self.look_at_task_run(&key),
                    _ => self.look_at_pipeline_run(&key),
                }
            }
            let next = self.deadlines.values().map(|(_, deadline)| *deadline).min();
            tokio::select! {
                () = self.stop.cancelled() => break,
                changed = version.changed() => if changed.is_err() { break },
                () = at(next) => self.look_at_expired(),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(uid) => _ = self.running.remove(&uid),
                    Err(error) => tracing::error!(%error, "a task of the executor panicked"),
                },
            }
        }
        // Each of them watches `stop`, too.
        while self.tasks.join_next().await.is_some() {}
    }

    /// The runs that changed since the last look; after a compaction, all of them. A task counts before its pipeline.
    fn changed(&mut self) -> Vec<Key> {
        let state = self.store.read();
        let changed: BTreeSet<Key> = match state.changes_after(self.seen) {
            Ok(changes) => changes.flat_map(|change| related(&change.key, &change.object)).collect(),
            Err(_) => [Resource::TaskRun, Resource::PipelineRun]
                .into_iter()
                .flat_map(|resource| state.list(resource, "", Filter::everything()))
                .flat_map(|(key, object)| related(key, object))
                .collect(),
        };
        self.seen = state.version();
        changed.into_iter().rev().collect()
    }

    fn look_at_task_run(&mut self, key: &Key) {
        let Some(task_run) = self.store.read().get(key).map(Arc::clone) else {
            return;
        };
        let uid = object::text(&task_run, "/metadata/uid").to_owned();
        if condition::is_done(&task_run) || !self.running.insert(uid.clone()) {
            return;
        }
        NOTICE.call_once(|| tracing::info!("{IMAGES_NOTICE}"));
        let task = Task {
            store: Arc::clone(&self.store),
            work_dir: Arc::clone(&self.work_dir),
            key: key.clone(),
            uid,
            stop: self.stop.clone(),
        };
        self.tasks.spawn(task.execute());
    }

    fn look_at_pipeline_run(&mut self, key: &Key) {
        let store = Arc::clone(&self.store);
        if let Some(run) = Run::unfinished(&store, key) {
            let (_, deadline) = self
                .deadlines
                .entry(run.uid().to_owned())
                .or_insert_with(|| (key.clone(), Instant::now() + run.timeout().0));
            run.start();
            run.reconcile(*deadline <= Instant::now());
        }
    }

    /// Looks at the runs whose time is over. Those that ended or were deleted before have nothing to do.
    fn look_at_expired(&mut self) {
        let now = Instant::now();
        let expired: Vec<Key> = self
            .deadlines
            .values()
            .filter(|(_, deadline)| *deadline <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in &expired {
            self.look_at_pipeline_run(key);
        }
        self.deadlines.retain(|_, (_, deadline)| *deadline > now);
    }
}

/// Waits until the deadline, or forever without one.
async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The runs to look at when an object changes: itself, and a `TaskRun`'s `PipelineRun`.
fn related(key: &Key, object: &Value) -> Vec<Key> {
    match key.resource {
        Resource::PipelineRun => vec![key.clone()],
        Resource::TaskRun => {
            let owner = object::labels(object).remove(label::TEKTON_PIPELINE_RUN);
            let owner = owner.map(|name| Key::new(Resource::PipelineRun, key.namespace.as_str(), name));
            owner.into_iter().chain([key.clone()]).collect()
        }
        _ => Vec::new(),
    }
}
