//! The `IntegrationJob`s. A finished one is cut to what its commit statuses and its place in the ledger need.

mod ended;

use std::sync::Arc;

use futures::StreamExt as _;
use kube::{Resource as _, ResourceExt as _, core::DeserializeGuard, runtime::watcher};
use tidegate_resources::{IntegrationJob, PipelineRun, TaskRun, label};
use tidegate_rules::ledger::RunId;
use tidegate_telemetry::field;

pub use self::ended::{EndedRun, Pools};
use super::{
    held::Held,
    store::Store,
    tekton::{self, Tekton},
    watched::{WatchEnded, Watched},
};
use crate::{cluster::Cluster, key::Key, outcome::run_facts::RunFacts};

/// How many objects one answer of a list holds at most: the answer is in memory as a whole.
const PAGE: u32 = 20;

/// All served runs.
pub type Runs = Store<StoredRun>;

/// A run as it is held.
#[derive(Debug, Clone)]
pub enum StoredRun {
    /// It waits or runs.
    Active(Arc<IntegrationJob>),
    /// It has ended.
    Ended(Arc<EndedRun>),
    /// Our types can't read it: it was written past the CRD's rules. Nothing is known but that it exists.
    Unreadable(Arc<UnreadableRun>),
}

/// The name of a run that can't be read.
#[derive(Debug)]
pub struct UnreadableRun {
    key: Key,
    uid: Option<String>,
    version: Option<String>,
}

impl StoredRun {
    /// What is held of a run.
    pub fn new(object: DeserializeGuard<IntegrationJob>, pools: &mut Pools) -> Self {
        let (key, uid, version) = (Key::of(&object), object.uid(), object.resource_version());
        let mut run = match object.0 {
            Ok(run) => run,
            Err(invalid) => {
                // Only possible where the CRD's rules were not in force when it was written.
                let error = invalid.error;
                tracing::warn!({ field::JOB } = %key, { field::ERROR } = error, "IntegrationJob {key} can't be read");
                return Self::Unreadable(Arc::new(UnreadableRun { key, uid, version }));
            }
        };
        if run.status.as_ref().is_some_and(|status| status.phase.is_final()) {
            return Self::Ended(Arc::new(EndedRun::of(&run, pools)));
        }
        run.managed_fields_mut().clear();
        Self::Active(Arc::new(run))
    }

    /// The run, if it waits or runs.
    pub fn active(&self) -> Option<&Arc<IntegrationJob>> {
        match self {
            Self::Active(run) => Some(run),
            Self::Ended(_) | Self::Unreadable(_) => None,
        }
    }

    /// Its place in the order of the ledger. `None` where it shows nothing.
    pub fn id(&self) -> Option<RunId> {
        match self {
            Self::Active(run) => RunFacts::of(run)?.run.map(|run| run.id),
            Self::Ended(run) => run.id(),
            Self::Unreadable(_) => None,
        }
    }

    /// What the run shows. `None` for one that says nothing about a commit, and for one that can't be read.
    pub fn seen(&self) -> Option<RunFacts> {
        match self {
            Self::Active(run) => RunFacts::of(run),
            Self::Ended(run) => run.seen(),
            Self::Unreadable(_) => None,
        }
    }
}

impl Held for StoredRun {
    fn key(&self) -> Key {
        match self {
            Self::Active(run) => Key::of(&**run),
            Self::Ended(run) => run.key(),
            Self::Unreadable(run) => run.key.clone(),
        }
    }

    fn uid(&self) -> Option<&str> {
        match self {
            Self::Active(run) => run.meta().uid.as_deref(),
            Self::Ended(run) => run.uid(),
            Self::Unreadable(run) => run.uid.as_deref(),
        }
    }

    fn version(&self) -> Option<&str> {
        match self {
            Self::Active(run) => run.meta().resource_version.as_deref(),
            Self::Ended(run) => run.version(),
            Self::Unreadable(run) => run.version.as_deref(),
        }
    }
}

/// Follows the watches of runs and of their Tekton objects, which don't end. Tekton's begin when all runs are known: then it is
/// known which of them need not be held.
pub(super) async fn follow(
    cluster: &Cluster,
    (runs, tekton): (&Runs, &Tekton),
    mut writer: Watched<StoredRun>,
    mut tekton_writers: tekton::Writers,
) -> WatchEnded {
    let pages = watcher::Config::default().page_size(PAGE);
    let ours = pages.clone().labels(label::INTEGRATION_JOB);
    let mut run_watches = cluster.watch::<DeserializeGuard<IntegrationJob>>(&pages);
    let mut pipeline_run_watches = cluster.watch::<DeserializeGuard<PipelineRun>>(&ours);
    let mut task_run_watches = cluster.watch::<DeserializeGuard<TaskRun>>(&ours);
    // No round reads the objects of a run that has ended, or that can't be read.
    let is_idle = |run: &Key| matches!(runs.get(run), Some(StoredRun::Ended(_) | StoredRun::Unreadable(_)));
    let mut pools = Pools::default();
    loop {
        let is_listed = writer.writer.is_listed();
        let taken = tokio::select! {
            said = run_watches.next() => {
                let mut ended = None;
                let taken = writer.take(said, |object| {
                    let run = StoredRun::new(object, &mut pools);
                    ended = matches!(run, StoredRun::Ended(_)).then(|| run.key());
                    Some(run)
                });
                if let Some(ended) = ended {
                    tekton_writers.release(tekton, &ended);
                }
                taken
            }
            said = pipeline_run_watches.next(), if is_listed => tekton_writers.take_pipeline_run(said, is_idle),
            said = task_run_watches.next(), if is_listed => tekton_writers.take_task_run(said, is_idle),
        };
        if let Err(ended) = taken {
            return ended;
        }
    }
}

#[cfg(test)]
mod tests;
