//! The context that all loops share.

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

/// The context that all loops share. Cloning is cheap.
#[derive(Clone)]
pub struct Context {
    pub client: Client,
    /// The Kubernetes API, for the served namespaces.
    pub cluster: Cluster,
    pub settings: Arc<Settings>,
    pub hosts: HostClients,
    pub metrics: Metrics,
    /// Publishes Kubernetes Events.
    pub recorder: Recorder,
    /// The configs, while this replica leads.
    pub configs: Configs,
    /// The `IntegrationJob`s, while this replica leads.
    pub runs: Runs,
    /// Tekton's objects of the runs that have not ended, while this replica leads.
    pub tekton: Tekton,
    /// The ledgers of the configs, while this replica leads.
    pub ledgers: Ledgers,
    budgets: Arc<Mutex<Budgets>>,
}

impl Context {
    /// The name under which Events are published and fields are written.
    pub const NAME: &'static str = "tidegate-controller";

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

    /// The context for the loops of one lease term, and the writers of its stores. Its ledgers are read again.
    pub fn for_term(&self) -> (Self, Stores, Checks, Writers) {
        let (stores, checks, writers) = stores::stores(self.cluster.namespaces());
        let Stores { configs, runs, tekton } = stores.clone();
        let ledgers = Ledgers::new(self.cluster.clone(), configs.clone());
        (Self { configs, runs, tekton, ledgers, ..self.clone() }, stores, checks, writers)
    }

    /// The budgets of all credentials. The guard must not be held across an await.
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
