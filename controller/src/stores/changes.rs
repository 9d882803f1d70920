//! What has changed in a store, as one loop reads it.
//!
//! Changes of the same object that a loop has not read yet become one. So what waits is bounded by the objects, and a slow
//! loop holds up neither the watch nor another loop.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use futures::{Stream, stream};
use tokio::sync::Notify;

use super::held::Held;
use crate::key::Key;

/// What happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<K> {
    /// It was made or changed.
    Applied(K),
    /// It was deleted, or is held no longer. This is how it was last.
    Deleted(K),
    /// All objects that were there at the start have been read. It comes once.
    Listed,
}

/// The changes of a store since the subscription began; first of all the objects that it held then.
pub struct Subscription<K> {
    queue: Arc<Queue<K>>,
}

impl<K: Held> Subscription<K> {
    /// Waits for the next change; forever if there can be none. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Change<K> {
        loop {
            if let Some(change) = self.try_next() {
                return change;
            }
            self.queue.is_filled.notified().await;
        }
    }

    /// The next change, if it is there already.
    pub fn try_next(&mut self) -> Option<Change<K>> {
        self.queue.lock().pop()
    }

    /// The same as a stream that never ends.
    pub fn stream(self) -> impl Stream<Item = Change<K>> + Send {
        stream::unfold(self, |mut subscription| async {
            let change = subscription.next().await;
            Some((change, subscription))
        })
    }
}

struct Queue<K> {
    waiting: Mutex<Waiting<K>>,
    is_filled: Notify,
}

struct Waiting<K> {
    order: VecDeque<Place>,
    objects: HashMap<Key, Latest<K>>,
}

enum Place {
    Object(Key),
    Listed,
}

/// What the loop doesn't know yet of one name. An object that was made again under its name is deleted first.
struct Latest<K> {
    deleted: Option<K>,
    applied: Option<K>,
}

impl<K> Queue<K> {
    fn lock(&self) -> MutexGuard<'_, Waiting<K>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Held> Waiting<K> {
    fn of(&mut self, key: Key) -> &mut Latest<K> {
        self.objects.entry(key).or_insert_with_key(|key| {
            self.order.push_back(Place::Object(key.clone()));
            Latest { deleted: None, applied: None }
        })
    }

    fn push(&mut self, change: Change<K>) {
        match change {
            Change::Applied(object) => {
                let latest = self.of(object.key());
                latest.applied = Some(object);
            }
            Change::Deleted(object) => {
                let latest = self.of(object.key());
                latest.applied = None;
                latest.deleted.get_or_insert(object);
            }
            Change::Listed => self.order.push_back(Place::Listed),
        }
    }

    fn pop(&mut self) -> Option<Change<K>> {
        loop {
            let key = match self.order.pop_front()? {
                Place::Listed => return Some(Change::Listed),
                Place::Object(key) => key,
            };
            match self.objects.remove(&key) {
                Some(Latest { deleted: Some(deleted), applied }) => {
                    if applied.is_some() {
                        self.objects.insert(key.clone(), Latest { deleted: None, applied });
                        self.order.push_front(Place::Object(key));
                    }
                    return Some(Change::Deleted(deleted));
                }
                Some(Latest { deleted: None, applied: Some(applied) }) => {
                    return Some(Change::Applied(applied));
                }
                Some(Latest { deleted: None, applied: None }) | None => (),
            }
        }
    }
}

/// The subscriptions of a store.
pub(super) struct Subscribers<K>(Vec<Weak<Queue<K>>>);

impl<K> Default for Subscribers<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Held> Subscribers<K> {
    /// A subscription that first of all reads `held`.
    pub(super) fn add(&mut self, held: impl Iterator<Item = Change<K>>) -> Subscription<K> {
        let mut waiting = Waiting { order: VecDeque::new(), objects: HashMap::new() };
        held.for_each(|change| waiting.push(change));
        let queue = Arc::new(Queue { waiting: Mutex::new(waiting), is_filled: Notify::new() });
        self.0.push(Arc::downgrade(&queue));
        Subscription { queue }
    }

    pub(super) fn send(&mut self, change: &Change<K>) {
        self.0.retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            queue.lock().push(change.clone());
            queue.is_filled.notify_one();
            true
        });
    }
}
