//! The Kubernetes API, as far as this controller serves it: all namespaces, or those that the operator lists. Nothing else knows
//! how many there are.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use futures::{
    Stream, StreamExt as _,
    stream::{BoxStream, select_all},
};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    api::ListParams,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use tidegate_model::ObjectName;
use tidegate_telemetry::field;

use crate::error_chain;

/// The Kubernetes API, and which of its namespaces are served. Cloning is cheap.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    /// One empty name means all.
    namespaces: Arc<BTreeSet<String>>,
}

impl Cluster {
    /// The API, of these namespaces; of all where none is listed. One that is named twice is served once.
    pub fn new<'a>(client: Client, listed: impl IntoIterator<Item = &'a ObjectName>) -> Self {
        let mut namespaces: BTreeSet<_> = listed.into_iter().map(|name| name.as_str().to_owned()).collect();
        if namespaces.is_empty() {
            namespaces.insert(String::new());
        }
        Self { client, namespaces: Arc::new(namespaces) }
    }

    /// The namespaces to list and watch; one empty name means all.
    pub fn namespaces(&self) -> &BTreeSet<String> {
        &self.namespaces
    }

    /// Whether the objects of a namespace are served.
    pub fn serves(&self, namespace: &str) -> bool {
        self.namespaces.contains("") || self.namespaces.contains(namespace)
    }

    /// The objects of a kind in one namespace.
    pub fn namespaced<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// All served objects of a kind. Of several namespaces those that may not be read are left out, as one that was
    /// removed may not: the others are not to suffer for it.
    pub async fn list<K>(&self, params: &ListParams) -> kube::Result<Vec<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let (mut objects, mut is_any_read, mut refused) = (Vec::new(), false, None);
        for (_, api) in self.served() {
            match api.list(params).await {
                Ok(list) => {
                    objects.extend(list.items);
                    is_any_read = true;
                }
                Err(error) if is_forbidden(&error) => {
                    tracing::warn!(
                        { field::URL } = api.resource_url(),
                        { field::ERROR } = error_chain(&error),
                        "failed to list"
                    );
                    refused = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        match refused {
            Some(error) if !is_any_read => Err(error),
            _ => Ok(objects),
        }
    }

    /// Watches all served objects of a kind, each served namespace by a watch of its own. Every event comes with the
    /// namespace of its watch; an empty name means all.
    pub fn watch<K>(
        &self,
        config: &watcher::Config,
    ) -> impl Stream<Item = (String, watcher::Result<Event<K>>)> + Send + Unpin + use<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let watch = |(namespace, api): (String, Api<K>)| -> BoxStream<'static, _> {
            let events = watcher(api, config.clone()).default_backoff();
            events.map(move |event| (namespace.clone(), event)).boxed()
        };
        select_all(self.served().map(watch))
    }

    fn served<K>(&self) -> impl Iterator<Item = (String, Api<K>)> + use<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        let (client, namespaces) = (self.client.clone(), BTreeSet::clone(&self.namespaces));
        namespaces.into_iter().map(move |namespace| {
            let api = match namespace.as_str() {
                "" => Api::all(client.clone()),
                name => Api::namespaced(client.clone(), name),
            };
            (namespace, api)
        })
    }
}

/// Whether the API server refuses the right to read.
pub fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_forbidden())
}
