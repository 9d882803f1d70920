//! What every loop is given.

use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    runtime::events::{Recorder, Reporter},
};

use crate::{host_clients::HostClients, metrics::Metrics, settings::Settings};

/// What every loop is given. Cloning is cheap.
#[derive(Clone)]
pub struct Context {
    /// The Kubernetes API.
    pub client: Client,
    /// What the operator decided.
    pub settings: Arc<Settings>,
    /// Clients of the git hosts.
    pub hosts: HostClients,
    /// What is counted.
    pub metrics: Metrics,
    /// Publishes Kubernetes Events.
    pub recorder: Recorder,
}

impl Context {
    /// The name under which Events are published and fields are written.
    pub const NAME: &'static str = "tidegate-controller";

    /// Puts together what every loop is given.
    pub fn new(client: Client, settings: Arc<Settings>, metrics: Metrics) -> Self {
        let reporter = Reporter { controller: Self::NAME.to_owned(), instance: None };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            hosts: HostClients::new(client.clone(), Arc::clone(&settings)),
            client,
            settings,
            metrics,
        }
    }

    /// All objects of a kind that this controller serves: of its namespace, or of all.
    pub fn served<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match &self.settings.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace.as_str()),
            None => Api::all(self.client.clone()),
        }
    }

    /// The objects of a kind in one namespace.
    pub fn namespaced<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }
}
