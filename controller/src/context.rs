//! What every loop is given.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    runtime::events::{Recorder, Reporter},
};

use crate::{
    budget::Budgets,
    cluster::Cluster,
    host::HostClients,
    ledger::Ledgers,
    metrics::Metrics,
    settings::Settings,
    stores::{self, Configs, Runs, Stores, Tekton, Writers, configs::Checks},
};

/// What every loop is given. Cloning is cheap.
#[derive(Clone)]
pub struct Context {
    /// The Kubernetes API.
    pub client: Client,
    /// The same, of the served namespaces.
    pub cluster: Cluster,
    /// What the operator decided.
    pub settings: Arc<Settings>,
    /// Clients of the git hosts.
    pub hosts: HostClients,
    /// What is counted.
    pub metrics: Metrics,
    /// Publishes Kubernetes Events.
    pub recorder: Recorder,
    /// The configs, while this replica leads.
    pub configs: Configs,
    /// The `IntegrationJob`s, while this replica leads.
    pub runs: Runs,
    /// Tekton's objects of the runs that have not ended, while this replica leads.
    pub tekton: Tekton,
    /// What is remembered of each config's repository, while this replica leads.
    pub ledgers: Ledgers,
    budgets: Arc<Mutex<Budgets>>,
}

impl Context {
    /// The name under which Events are published and fields are written.
    pub const NAME: &'static str = "tidegate-controller";

    /// Puts together what every loop is given.
    pub fn new(client: Client, settings: Arc<Settings>, metrics: Metrics) -> Self {
        let cluster = Cluster::new(client.clone(), &settings.namespaces);
        let (Stores { configs, runs, tekton }, ..) = stores::stores(cluster.namespaces());
        let reporter = Reporter { controller: Self::NAME.to_owned(), instance: None };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            hosts: HostClients::new(client.clone(), Arc::clone(&settings), metrics.clone()),
            ledgers: Ledgers::new(cluster.clone(), configs.clone()),
            configs,
            runs,
            tekton,
            budgets: Arc::new(Mutex::new(Budgets::per_minute(settings.statuses_per_minute))),
            cluster,
            client,
            settings,
            metrics,
        }
    }

    /// The same for the loops of one turn at leading, and what fills its stores. Its ledgers are read again.
    pub fn for_turn(&self) -> (Self, Stores, Checks, Writers) {
        let (stores, checks, writers) = stores::stores(self.cluster.namespaces());
        let Stores { configs, runs, tekton } = stores.clone();
        let ledgers = Ledgers::new(self.cluster.clone(), configs.clone());
        (Self { configs, runs, tekton, ledgers, ..self.clone() }, stores, checks, writers)
    }

    /// How fast the credentials may write. Never held across an await.
    pub fn budgets(&self) -> MutexGuard<'_, Budgets> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the objects of a namespace are served.
    pub fn serves(&self, namespace: &str) -> bool {
        self.cluster.serves(namespace)
    }

    /// The objects of a kind in one namespace.
    pub fn namespaced<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        self.cluster.namespaced(namespace)
    }
}
