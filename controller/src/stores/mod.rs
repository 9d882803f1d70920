//! What the loops know of the cluster: `IntegrationConfig`s, `IntegrationJob`s, `PipelineRun`s and `TaskRun`s, each watched
//! once and held once (ADR 41).
//!
//! One loop follows the watches and fills the stores. Every other loop reads them, and subscribes to the changes that it acts
//! on. What is held of a finished run is what its commit statuses need.

pub mod changes;
pub mod configs;
pub mod held;
mod names;
pub mod runs;
pub mod store;
pub mod tekton;
mod watched;

use std::{collections::BTreeSet, sync::Arc};

use tokio_util::sync::CancellationToken;

pub use self::{
    changes::{Change, Subscription},
    configs::Configs,
    names::{Interest, Names, names},
    runs::{Runs, StoredRun},
    tekton::Tekton,
    watched::WatchEnded,
};
use self::{
    configs::{Checks, StoredConfig},
    watched::{Watched, watched},
};
use crate::cluster::Cluster;

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
        ended = runs::follow(&cluster, (&stores.runs, &stores.tekton), runs, tekton) => Err(ended),
    }
}
