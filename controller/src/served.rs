//! The objects that this controller serves: of every namespace, or of those that the operator lists. Nothing else of it
//! knows how many there are.

mod merge;

use std::{collections::BTreeSet, fmt::Debug};

use futures::{StreamExt as _, stream::BoxStream};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource,
    api::ListParams,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

use crate::{context::Context, error_chain};

impl Context {
    /// Whether the objects of a namespace are served.
    pub fn serves(&self, namespace: &str) -> bool {
        let listed = &self.settings.namespaces;
        listed.is_empty() || listed.iter().any(|served| served.as_str() == namespace)
    }

    /// All served objects of a kind. Of several namespaces those that may not be read are left out, as one that was
    /// removed may not: the others are not to suffer for it.
    pub async fn list_served<K>(&self, params: &ListParams) -> kube::Result<Vec<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let (mut objects, mut is_any_read, mut refused) = (Vec::new(), false, None);
        for api in self.served() {
            match api.list(params).await {
                Ok(list) => {
                    objects.extend(list.items);
                    is_any_read = true;
                }
                Err(error) if is_forbidden(&error) => {
                    tracing::warn!(url = api.resource_url(), error = error_chain(&error), "failed to list");
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

    /// Watches all served objects of a kind. `trim` takes off what the watcher need not remember.
    pub fn watch_served<K>(
        &self,
        config: &watcher::Config,
        trim: impl FnMut(&mut K) + Clone + Send + 'static,
    ) -> BoxStream<'static, watcher::Result<Event<K>>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        self.watch_served_noting(config, trim, |_, _| ())
    }

    /// The same, and `note` learns for each served namespace whether its objects may be read; an empty name means all.
    pub fn watch_served_noting<K>(
        &self,
        config: &watcher::Config,
        trim: impl FnMut(&mut K) + Clone + Send + 'static,
        note: impl Fn(&str, bool) + Clone + Send + 'static,
    ) -> BoxStream<'static, watcher::Result<Event<K>>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
    {
        let watch = |api: Api<K>| {
            let (note, namespace) = (note.clone(), api.namespace().unwrap_or_default().to_owned());
            let changes = watcher(api, config.clone()).default_backoff().modify(trim.clone());
            changes.inspect(move |event| {
                if let Some(is_readable) = readability(event) {
                    note(&namespace, is_readable);
                }
            })
        };
        merge::all(self.served().into_iter().map(|api| watch(api).boxed()).collect())
    }

    fn served<K>(&self) -> Vec<Api<K>>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        // One that is named twice is served once.
        let listed: BTreeSet<_> = self.settings.namespaces.iter().collect();
        if listed.is_empty() {
            return vec![Api::all(self.client.clone())];
        }
        listed.into_iter().map(|namespace| self.namespaced(namespace.as_str())).collect()
    }
}

/// What an event says about the right to read a namespace, if it says anything.
fn readability<K>(event: &watcher::Result<Event<K>>) -> Option<bool> {
    match event {
        Ok(Event::InitDone) => Some(true),
        Err(
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error),
        ) if is_forbidden(error) => Some(false),
        _ => None,
    }
}

fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_forbidden())
}
