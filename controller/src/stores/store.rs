//! The objects of one kind, held once and read by every loop.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::{Resource, runtime::watcher::Event};
use tokio::sync::watch;

use super::{
    changes::{Change, Subscribers, Subscription},
    held::Held,
};
use crate::key::Key;

/// The objects of one kind, as the API server showed them last. Cloning is cheap.
pub struct Store<K> {
    objects: Arc<Mutex<Objects<K>>>,
    changes: watch::Receiver<()>,
    listed: watch::Receiver<bool>,
}

/// The end that the watch fills. A watch follows one namespace, or, under the empty name, all.
pub struct Writer<K> {
    objects: Arc<Mutex<Objects<K>>>,
    changes: watch::Sender<()>,
    listed: watch::Sender<bool>,
    /// The watches whose first list the store waits for.
    unlisted: BTreeSet<String>,
    /// What was held when a list began, and has not been in it so far.
    unshown: HashMap<String, HashSet<Key>>,
}

struct Objects<K> {
    held: HashMap<Key, K>,
    is_listed: bool,
    subscribers: Subscribers<K>,
    /// The namespaces that may not be read now. What is in them is unknown, which is not the same as absent.
    unreadable: BTreeSet<String>,
}

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        let Self { objects, changes, listed } = self;
        Self { objects: Arc::clone(objects), changes: changes.clone(), listed: listed.clone() }
    }
}

/// An empty store, and what fills it from the watches of these namespaces.
pub fn store<K: Held>(namespaces: impl IntoIterator<Item = String>) -> (Store<K>, Writer<K>) {
    let objects = Arc::new(Mutex::new(Objects {
        held: HashMap::new(),
        is_listed: false,
        subscribers: Subscribers::default(),
        unreadable: BTreeSet::new(),
    }));
    let (changes_sender, changes) = watch::channel(());
    let (listed_sender, listed) = watch::channel(false);
    let writer = Writer {
        objects: Arc::clone(&objects),
        changes: changes_sender,
        listed: listed_sender,
        unlisted: namespaces.into_iter().collect(),
        unshown: HashMap::new(),
    };
    (Store { objects, changes, listed }, writer)
}

impl<K: Held> Store<K> {
    /// The object of this name.
    pub fn get(&self, key: &Key) -> Option<K> {
        lock(&self.objects).held.get(key).cloned()
    }

    /// All objects.
    pub fn all(&self) -> Vec<K> {
        lock(&self.objects).held.values().cloned().collect()
    }

    /// All objects now, and from then on every change.
    pub fn subscribe(&self) -> Subscription<K> {
        let objects = &mut *lock(&self.objects);
        let held = objects.held.values().cloned().map(Change::Applied);
        objects.subscribers.add(held.chain(objects.is_listed.then_some(Change::Listed)))
    }

    /// Waits until all objects have been listed; forever if nobody lists them any more.
    pub async fn listed(&self) {
        if self.listed.clone().wait_for(|is_listed| *is_listed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the next change; forever if there can be none.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The namespaces that may not be read now; an empty name means all namespaces.
    pub fn unreadable_namespaces(&self) -> Vec<String> {
        lock(&self.objects).unreadable.iter().cloned().collect()
    }
}

impl<K: Held> Writer<K> {
    /// Takes what the watch of a namespace says. `hold` makes what is held of an object; `None` where nothing has to be.
    pub fn take<R: Resource>(&mut self, namespace: &str, event: Event<R>, hold: impl FnOnce(R) -> Option<K>) {
        match event {
            Event::Init => self.begin_list(namespace),
            Event::InitApply(object) => {
                let key = Key::of(&object);
                if let Some(unshown) = self.unshown.get_mut(namespace) {
                    unshown.remove(&key);
                }
                self.put(&key, hold(object));
            }
            Event::Apply(object) => self.put(&Key::of(&object), hold(object)),
            Event::Delete(object) => self.put(&Key::of(&object), None),
            Event::InitDone => self.end_list(namespace),
        }
        self.changes.send_replace(());
    }

    /// Whether all objects have been listed.
    pub fn is_listed(&self) -> bool {
        self.unlisted.is_empty()
    }

    /// A namespace may not be read. Where its list is not waited for, what it shows later are changes.
    pub fn refuse(&mut self, namespace: &str, is_given_up: bool) {
        lock(&self.objects).unreadable.insert(namespace.to_owned());
        if is_given_up {
            self.settle(namespace);
        }
        self.changes.send_replace(());
    }

    /// Holds an object of this name, or none any more.
    pub fn put(&self, key: &Key, object: Option<K>) {
        let mut objects = lock(&self.objects);
        let old = objects.held.get(key);
        let is_same = |old: &K, new: &K| old.uid() == new.uid() && old.version() == new.version();
        if let (Some(old), Some(new)) = (old, &object)
            && new.version().is_some()
            && is_same(old, new)
        {
            return;
        }
        let deleted = old.filter(|old| object.as_ref().is_none_or(|new| new.uid() != old.uid())).cloned();
        if let Some(deleted) = deleted {
            objects.subscribers.send(&Change::Deleted(deleted));
        }
        match object {
            Some(object) => {
                // Its own key shares the object's texts.
                objects.held.insert(object.key(), object.clone());
                objects.subscribers.send(&Change::Applied(object));
            }
            None => drop(objects.held.remove(key)),
        }
    }

    fn begin_list(&mut self, namespace: &str) {
        let is_in = |key: &&Key| namespace.is_empty() || *key.namespace == *namespace;
        let held = lock(&self.objects).held.keys().filter(is_in).cloned().collect();
        self.unshown.insert(namespace.to_owned(), held);
    }

    /// A list is complete: what it didn't show is gone.
    fn end_list(&mut self, namespace: &str) {
        for key in self.unshown.remove(namespace).unwrap_or_default() {
            self.put(&key, None);
        }
        lock(&self.objects).unreadable.remove(namespace);
        self.settle(namespace);
    }

    /// The store need not wait for the first list of this namespace any more.
    fn settle(&mut self, namespace: &str) {
        if self.unlisted.remove(namespace) && self.unlisted.is_empty() {
            let mut objects = lock(&self.objects);
            objects.is_listed = true;
            objects.subscribers.send(&Change::Listed);
            drop(objects);
            self.listed.send_replace(true);
        }
    }
}

fn lock<K>(objects: &Mutex<Objects<K>>) -> MutexGuard<'_, Objects<K>> {
    objects.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
