//! The watches that fill a store.

use std::collections::BTreeSet;

use kube::{
    Resource,
    core::DeserializeGuard,
    runtime::watcher::{self, Event},
};

use super::{
    held::Held,
    store::{Store, Writer, store},
};
use tidegate_telemetry::field;

use crate::{cluster::is_forbidden, error_chain};

/// A watch ended.
#[derive(Debug, thiserror::Error)]
#[error("the watch of {0} ended")]
pub struct WatchEnded(String);

/// What a watch says: the namespace that it follows, and the event. `None` when it has ended.
pub(super) type WatchItem<K> = Option<(String, watcher::Result<Event<DeserializeGuard<K>>>)>;

/// A store's writer, as the watches of served namespaces fill it.
pub(super) struct Watched<K> {
    pub(super) writer: Writer<K>,
    is_one_of_several: bool,
}

pub(super) fn watched<K: Held>(namespaces: &BTreeSet<String>) -> (Store<K>, Watched<K>) {
    let (store, writer) = store(namespaces.clone());
    (store, Watched { writer, is_one_of_several: namespaces.len() > 1 })
}

impl<K: Held> Watched<K> {
    /// Takes what a watch says. `hold` makes what is held of an object; `None` where nothing has to be.
    pub(super) fn take<R: Resource<DynamicType = ()>>(
        &mut self,
        said: Option<(String, watcher::Result<Event<R>>)>,
        hold: impl FnOnce(R) -> Option<K>,
    ) -> Result<(), WatchEnded> {
        let (namespace, event) = said.ok_or_else(|| WatchEnded(R::plural(&()).into_owned()))?;
        match event {
            Ok(event) => self.writer.take(&namespace, event, hold),
            Err(error) => {
                let plural = R::plural(&());
                tracing::warn!(
                    { field::NAMESPACE } = namespace,
                    { field::ERROR } = error_chain(&error),
                    "failed to watch {plural}"
                );
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
