//! The objects, and the latest changes to them. In memory: a cluster of the sandbox lives as long as its process.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::sync::watch;

use super::{
    failure::Failure,
    object,
    selector::Filter,
    served::{Key, Resource},
};

/// How many changes a watch can be behind before it has to list again.
const HISTORY: usize = 1000;

/// The objects of a cluster, shared by the API and the executor.
pub(crate) struct Store {
    state: Mutex<State>,
    version: watch::Sender<u64>,
}

/// The objects under the lock.
#[derive(Default)]
pub(crate) struct State {
    version: u64,
    objects: BTreeMap<Key, Arc<Value>>,
    history: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
}

/// One write.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) key: Key,
    /// The object as it was before; `None` when it was created.
    pub(crate) before: Option<Arc<Value>>,
    /// The object as it was written, or as it was removed.
    pub(crate) object: Arc<Value>,
    pub(crate) removed: bool,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), version: watch::Sender::new(0) }
    }

    /// Reads. The lock is held while the caller has the state.
    pub(crate) fn read(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves whole objects behind: each write is one insert.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads and writes in one step, and notifies the watches.
    pub(crate) fn write<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.read();
        let outcome = step(&mut state);
        self.version.send_replace(state.version);
        outcome
    }

    /// Learns of new versions.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

impl State {
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    pub(crate) fn find(&self, key: &Key) -> Result<&Arc<Value>, Failure> {
        self.get(key).ok_or_else(|| Failure::not_found(key))
    }

    /// The objects of a kind, by namespace and name. An empty namespace means all.
    pub(crate) fn list<'a>(
        &'a self,
        resource: Resource,
        namespace: &'a str,
        filter: &'a Filter,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        self.objects
            .range(Key::new(resource, namespace, "")..)
            .take_while(move |(key, _)| {
                key.resource == resource && (namespace.is_empty() || key.namespace == namespace)
            })
            .filter(|(_, object)| filter.matches(object))
    }

    /// All objects, of every kind.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.iter()
    }

    /// The changes behind a version.
    pub(crate) fn changes_after(&self, version: u64) -> Result<impl Iterator<Item = &Change>, Failure> {
        if version < self.forgotten {
            return Err(Failure::expired(version, self.forgotten));
        }
        let start = self.history.partition_point(|change| change.version <= version);
        Ok(self.history.range(start..))
    }

    /// Stores an object under the next version.
    pub(crate) fn put(&mut self, key: &Key, mut object: Value) -> Arc<Value> {
        self.stamp(&mut object);
        let object = Arc::new(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&object));
        self.remember(key, before, &object, false);
        object
    }

    /// Removes an object, in its last state.
    pub(crate) fn remove(&mut self, key: &Key, mut last: Value) -> Arc<Value> {
        self.stamp(&mut last);
        let last = Arc::new(last);
        let before = self.objects.remove(key);
        self.remember(key, before, &last, true);
        last
    }

    /// Forgets all changes: each watch that is behind has to list again.
    pub(crate) fn compact(&mut self) {
        self.history.clear();
        self.forgotten = self.version;
    }

    fn stamp(&mut self, object: &mut Value) {
        self.version += 1;
        object::metadata_mut(object).insert("resourceVersion".to_owned(), self.version.to_string().into());
    }

    fn remember(&mut self, key: &Key, before: Option<Arc<Value>>, object: &Arc<Value>, removed: bool) {
        if self.history.len() == HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.version;
        }
        self.history.push_back(Change {
            version: self.version,
            key: key.clone(),
            before,
            object: Arc::clone(object),
            removed,
        });
    }
}
