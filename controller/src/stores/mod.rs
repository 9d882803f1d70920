//! What the loops know of the cluster: `IntegrationConfig`s, `IntegrationJob`s, `PipelineRun`s and `TaskRun`s, each watched
//! once and held once (ADR 41).
//!
//! One loop follows the watches and fills the stores. Every other loop reads them, and subscribes to the changes that it acts
//! on. What is held of a finished run is what its commit statuses need.

pub mod changes;
pub mod configs;
mod names;
pub mod runs;
pub mod store;
pub mod tekton;

use std::{collections::BTreeSet, sync::Arc};

use kube::{
    Resource,
    core::DeserializeGuard,
    runtime::watcher::{self, Event},
};
use tokio_util::sync::CancellationToken;

pub use self::{
    changes::{Change, Subscription},
    configs::Configs,
    names::{Interest, Names, names},
    runs::{Runs, StoredRun},
    tekton::Tekton,
};
use self::{
    configs::{Checks, StoredConfig},
    store::{Held, Store, Writer},
};
use crate::{cluster::{Cluster, is_forbidden}, error_chain};

/// How many objects one answer of a list holds at most: the answer is in memory as a whole.
const PAGE: u32 = 100;

/// What all loops read. Cloning is cheap.
#[derive(Clone)]
pub struct Stores {
    /// The configs.
    pub configs: Configs,
    /// The `IntegrationJob`s.
    pub runs: Runs,
    /// Tekton's objects of the runs that have not ended.
    pub tekton: Tekton,
}

/// The ends that [`run`] fills.
pub struct Writers {
    configs: Watched<Arc<StoredConfig>>,
    runs: Watched<StoredRun>,
    tekton: tekton::Writers,
}

/// A watch ended.
#[derive(Debug, thiserror::Error)]
#[error("the watch of {0} ended")]
pub struct WatchEnded(String);

/// Empty stores, and what fills them.
pub fn stores(namespaces: &BTreeSet<String>) -> (Stores, Checks, Writers) {
    let (configs, checks, config_writer) = configs::configs(namespaces);
    let (runs, run_writer) = watched(namespaces);
    let (tekton, tekton_writers) = tekton::tekton(namespaces);
    let writers = Writers { configs: config_writer, runs: run_writer, tekton: tekton_writers };
    (Stores { configs, runs, tekton }, checks, writers)
}

/// Follows all watches until `stop` is cancelled.
pub async fn run(
    cluster: Cluster,
    stores: Stores,
    writers: Writers,
    stop: CancellationToken,
) -> Result<(), WatchEnded> {
    let Writers { configs, runs, tekton } = writers;
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = configs::follow(&cluster, configs) => Err(ended),
        ended = runs::follow(&cluster, &stores, runs, tekton) => Err(ended),
    }
}

/// What a watch says: the namespace that it follows, and the event. `None` when it has ended.
type Said<K> = Option<(String, watcher::Result<Event<DeserializeGuard<K>>>)>;

/// A store's writer, as the watches of served namespaces fill it.
struct Watched<K> {
    writer: Writer<K>,
    is_one_of_several: bool,
}

fn watched<K: Held>(namespaces: &BTreeSet<String>) -> (Store<K>, Watched<K>) {
    let (store, writer) = store::store(namespaces.clone());
    (store, Watched { writer, is_one_of_several: namespaces.len() > 1 })
}

impl<K: Held> Watched<K> {
    /// Takes what a watch says. `hold` makes what is held of an object; `None` where nothing has to be.
    fn take<R: Resource<DynamicType = ()>>(
        &mut self,
        said: Option<(String, watcher::Result<Event<R>>)>,
        hold: impl FnOnce(R) -> Option<K>,
    ) -> Result<(), WatchEnded> {
        let (namespace, event) = said.ok_or_else(|| WatchEnded(R::plural(&()).into_owned()))?;
        match event {
            Ok(event) => self.writer.take(&namespace, event, hold),
            Err(error) => {
                let plural = R::plural(&());
                tracing::warn!(namespace, error = error_chain(&error), "failed to watch {plural}");
                if let Some(is_listed) = refusal(&error) {
                    // One of several namespaces may be gone for good.
                    self.writer.refuse(&namespace, self.is_one_of_several && !is_listed);
                }
            }
        }
        Ok(())
    }
}

/// Whether an error says that a namespace may not be read, and then whether it had been listed.
fn refusal(error: &watcher::Error) -> Option<bool> {
    match error {
        watcher::Error::InitialListFailed(error) => is_forbidden(error).then_some(false),
        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            is_forbidden(error).then_some(true)
        }
        _ => None,
    }
}
