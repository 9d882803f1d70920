//! The `IntegrationConfig`s as the loops of one turn see them: one watch, which the config loop keeps. No loop lists them by
//! itself.

mod stored;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::channel::mpsc;
use kube::{
    ResourceExt,
    runtime::reflector::{self, ObjectRef, Store, store::Writer},
};
use tidegate_resources::{GitSpec, IntegrationConfig, IntegrationJob};
use tokio::sync::watch;

pub use self::stored::{StoredConfig, UnreadableConfig};

/// How many configs may wait to be checked at once out of turn. One that finds no room is checked at its next turn.
const MAX_CHECKS: usize = 256;

/// All served configs. Like every cache it is a moment behind the API server.
#[derive(Clone)]
pub struct Configs {
    store: Store<StoredConfig>,
    changes: watch::Receiver<()>,
    listed: watch::Receiver<bool>,
    unreadable: UnreadableNamespaces,
    checks: mpsc::Sender<ObjectRef<StoredConfig>>,
}

/// The end that the config loop fills.
pub struct Feed {
    /// Takes what the watch says.
    pub writer: Writer<StoredConfig>,
    /// Told after each change.
    pub changed: watch::Sender<()>,
    /// Set once all configs have been listed.
    pub listed: watch::Sender<bool>,
    /// Where the watch notes which namespaces it may not read.
    pub unreadable: UnreadableNamespaces,
    /// Configs that another loop wants to have checked at once.
    pub checks: mpsc::Receiver<ObjectRef<StoredConfig>>,
}

/// The namespaces whose configs may not be listed now. What is in them is unknown, which is not the same as absent.
#[derive(Debug, Clone, Default)]
pub struct UnreadableNamespaces(Arc<Mutex<BTreeSet<String>>>);

impl UnreadableNamespaces {
    /// Notes whether a namespace may be read; an empty name means all namespaces.
    pub fn note(&self, namespace: &str, is_readable: bool) {
        let mut namespaces = self.lock();
        if is_readable {
            namespaces.remove(namespace);
        } else {
            namespaces.insert(namespace.to_owned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Configs {
    /// No configs yet, and what fills them.
    pub fn new() -> (Self, Feed) {
        let (store, writer) = reflector::store();
        let (sender, changes) = watch::channel(());
        let (listed, is_listed) = watch::channel(false);
        let (checks, receiver) = mpsc::channel(MAX_CHECKS);
        let unreadable = UnreadableNamespaces::default();
        let feed = Feed { writer, changed: sender, listed, unreadable: unreadable.clone(), checks: receiver };
        (Self { store, changes, listed: is_listed, unreadable, checks }, feed)
    }

    /// The store itself, for the loop that keeps it.
    pub fn store(&self) -> &Store<StoredConfig> {
        &self.store
    }

    /// Waits until all configs have been listed. It never returns when nobody lists them any more. Any number of loops may wait: the
    /// store's own future wakes only one of them.
    pub async fn listed(&self) {
        if self.listed.clone().wait_for(|is_listed| *is_listed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the next change; for ever when there can be none.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Every config that can be read.
    pub fn all(&self) -> Vec<IntegrationConfig> {
        let readable = |stored: &Arc<StoredConfig>| match &**stored {
            StoredConfig::Readable(config) => Some((**config).clone()),
            StoredConfig::Unreadable(_) => None,
        };
        self.store.state().iter().filter_map(readable).collect()
    }

    /// The config of this name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<IntegrationConfig> {
        self.read(namespace, name, IntegrationConfig::clone)
    }

    /// The config that a job was made from, not another one under its name.
    pub fn of(&self, job: &IntegrationJob) -> Option<IntegrationConfig> {
        let config = self.get(&job.namespace()?, &job.spec.config.name)?;
        (config.metadata.uid.as_ref() == Some(&job.spec.config.uid)).then_some(config)
    }

    /// How many of its runs a job's config lets go on at once, if it says so.
    pub fn max_runs_beside(&self, job: &IntegrationJob) -> Option<u32> {
        let read = |config: &IntegrationConfig| config.spec.max_concurrent_runs;
        self.read(&job.namespace()?, &job.spec.config.name, read)?
    }

    /// The stored config of this name, readable or not.
    pub fn find(&self, namespace: &str, name: &str) -> Option<Arc<StoredConfig>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// The configs whose repository is wanted, the oldest first, and those of them that can't be read.
    pub fn select(
        &self,
        is_wanted: impl Fn(&GitSpec) -> bool,
    ) -> (Vec<IntegrationConfig>, Vec<UnreadableConfig>) {
        let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
        for stored in self.store.state() {
            match &*stored {
                StoredConfig::Readable(config) if is_wanted(&config.spec.git) => {
                    readable.push((**config).clone());
                }
                StoredConfig::Unreadable(config) if config.git.as_ref().is_some_and(&is_wanted) => {
                    unreadable.push((**config).clone());
                }
                StoredConfig::Readable(_) | StoredConfig::Unreadable(_) => (),
            }
        }
        readable.sort_by_key(|config| (config.creation_timestamp(), config.namespace(), config.name_any()));
        (readable, unreadable)
    }

    /// The namespaces whose configs may not be listed now; an empty name means all namespaces.
    pub fn unreadable_namespaces(&self) -> Vec<String> {
        self.unreadable.lock().iter().cloned().collect()
    }

    /// Has the config loop check a config at once, so that its conditions say what another loop has met.
    pub fn request_check(&self, config: ObjectRef<StoredConfig>) {
        // A full channel: the config is checked at its next turn.
        drop(self.checks.clone().try_send(config));
    }

    fn read<T>(&self, namespace: &str, name: &str, read: impl FnOnce(&IntegrationConfig) -> T) -> Option<T> {
        self.find(namespace, name)?.readable().map(read)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;
    use crate::job::fixture;

    fn config(uid: &str) -> StoredConfig {
        named("shop", uid, "1h")
    }

    fn named(name: &str, uid: &str, timeout: &str) -> StoredConfig {
        let config = json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"namespace": "ci", "name": name, "uid": uid},
            "spec": {
                "git": {"type": "gitea", "repository": "acme/shop", "tokenSecretRef": {"name": "a", "key": "b"}},
                "jobs": {}, "maxConcurrentRuns": 2, "timeout": timeout,
            },
        });
        serde_json::from_value(config).expect("a config")
    }

    #[test]
    fn a_job_finds_the_config_it_was_made_from_and_no_other_of_its_name() {
        let (configs, mut feed) = Configs::new();
        let job = fixture::running(&json!([{"name": "unit"}]));
        assert_eq!(configs.listed().now_or_never(), None);
        for event in [Event::Init, Event::InitApply(config(&job.spec.config.uid)), Event::InitDone] {
            feed.writer.apply_watcher_event(&event);
        }
        feed.listed.send_replace(true);
        assert_eq!(configs.listed().now_or_never(), Some(()));
        assert!(configs.of(&job).is_some());
        assert_eq!(configs.max_runs_beside(&job), Some(2));
        feed.writer.apply_watcher_event(&Event::Apply(config("another")));
        assert_eq!(configs.of(&job), None);
    }

    #[test]
    fn a_config_that_cannot_be_read_is_found_beside_the_others_and_never_taken_for_absent() {
        let (configs, mut feed) = Configs::new();
        let listed = [named("shop", "1", "1h"), named("bad", "2", "169h")];
        feed.writer.apply_watcher_event(&Event::Init);
        for config in listed {
            feed.writer.apply_watcher_event(&Event::InitApply(config));
        }
        feed.writer.apply_watcher_event(&Event::InitDone);
        let (readable, unreadable) = configs.select(|git| git.repository.as_str() == "acme/shop");
        assert_eq!(readable.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["shop"]);
        assert_eq!(unreadable.iter().map(UnreadableConfig::display_name).collect::<Vec<_>>(), ["ci/bad"]);
        assert!(matches!(configs.find("ci", "bad").as_deref(), Some(StoredConfig::Unreadable(_))));
        assert!(configs.get("ci", "bad").is_none());
        assert!(configs.select(|_| false).0.is_empty());
    }

    #[test]
    fn a_namespace_is_unreadable_from_the_refusal_until_its_next_list() {
        let (configs, feed) = Configs::new();
        feed.unreadable.note("b", false);
        feed.unreadable.note("a", false);
        assert_eq!(configs.unreadable_namespaces(), ["a", "b"]);
        feed.unreadable.note("b", true);
        assert_eq!(configs.unreadable_namespaces(), ["a"]);
    }

    #[test]
    fn each_change_is_delivered_once_and_the_end_of_the_changes_never_is() {
        let (mut configs, feed) = Configs::new();
        assert_eq!(configs.changed().now_or_never(), None, "nothing has changed");
        feed.changed.send_replace(());
        assert_eq!(configs.changed().now_or_never(), Some(()));
        assert_eq!(configs.changed().now_or_never(), None);
        drop(feed);
        assert_eq!(configs.changed().now_or_never(), None);
        assert_eq!(configs.listed().now_or_never(), None);
    }
}
