//! The `IntegrationConfig`s as the loops of one lease term see them. No loop lists them by itself.

mod stored;

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt as _, channel::mpsc};
use kube::{
    Resource as _, ResourceExt,
    core::PartialObjectMeta,
    runtime::{reflector::ObjectRef, watcher},
};
use tidegate_resources::{GitSpec, IntegrationConfig, IntegrationJob};

pub use self::stored::{StoredConfig, UnreadableConfig};
use super::{
    changes::Subscription,
    held::Held,
    store::Store,
    watched::{WatchEnded, Watched, watched},
};
use crate::{cluster::Cluster, key::Key};

/// How many configs may wait to be checked at once out of turn. One that finds no room is checked at its next turn.
const MAX_CHECKS: usize = 256;

/// All served configs. Like every cache it is a moment behind the API server.
#[derive(Clone)]
pub struct Configs {
    store: Store<Arc<StoredConfig>>,
    checks: mpsc::Sender<Name>,
}

/// The name of a config, as kube's `Controller` knows it.
pub type Name = ObjectRef<PartialObjectMeta<IntegrationConfig>>;

/// The configs that another loop wants to have checked at once.
pub type Checks = mpsc::Receiver<Name>;

impl Held for Arc<StoredConfig> {
    fn key(&self) -> Key {
        Key::of(&**self)
    }

    fn uid(&self) -> Option<&str> {
        self.meta().uid.as_deref()
    }

    fn version(&self) -> Option<&str> {
        self.meta().resource_version.as_deref()
    }
}

/// No configs yet, and what fills them from the watches of these namespaces.
pub(super) fn configs(namespaces: &BTreeSet<String>) -> (Configs, Checks, Watched<Arc<StoredConfig>>) {
    let (store, watched) = watched(namespaces);
    let (sender, checks) = mpsc::channel(MAX_CHECKS);
    (Configs { store, checks: sender }, checks, watched)
}

/// Follows the watches of configs, which don't end.
pub(super) async fn follow(cluster: &Cluster, mut watched: Watched<Arc<StoredConfig>>) -> WatchEnded {
    let mut events = cluster.watch::<StoredConfig>(&watcher::Config::default());
    loop {
        let held = |mut config: StoredConfig| {
            config.managed_fields_mut().clear();
            Some(Arc::new(config))
        };
        if let Err(ended) = watched.take(events.next().await, held) {
            return ended;
        }
    }
}

impl Configs {
    /// All configs now, and from then on every change.
    pub fn subscribe(&self) -> Subscription<Arc<StoredConfig>> {
        self.store.subscribe()
    }

    /// Waits until all configs have been listed. It never returns when nobody lists them any more.
    pub async fn listed(&self) {
        self.store.listed().await;
    }

    /// Waits for the next change; forever if there can be none.
    pub async fn changed(&mut self) {
        self.store.changed().await;
    }

    /// Every config, readable or not.
    pub fn stored(&self) -> Vec<Arc<StoredConfig>> {
        self.store.all()
    }

    /// Every config that can be read.
    pub fn all(&self) -> Vec<IntegrationConfig> {
        let readable = |stored: &Arc<StoredConfig>| match &**stored {
            StoredConfig::Readable(config) => Some((**config).clone()),
            StoredConfig::Unreadable(_) => None,
        };
        self.store.all().iter().filter_map(readable).collect()
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

    /// The limit of active runs that a run's config sets, if any.
    pub fn max_runs_beside(&self, job: &IntegrationJob) -> Option<u32> {
        let read = |config: &IntegrationConfig| config.spec.max_concurrent_runs;
        self.read(&job.namespace()?, &job.spec.config.name, read)?
    }

    /// The stored config of this name, readable or not.
    pub fn find(&self, namespace: &str, name: &str) -> Option<Arc<StoredConfig>> {
        self.store.get(&Key::new(namespace, name))
    }

    /// The configs whose repository is wanted, the oldest first, and those of them that can't be read.
    pub fn select(
        &self,
        is_wanted: impl Fn(&GitSpec) -> bool,
    ) -> (Vec<IntegrationConfig>, Vec<UnreadableConfig>) {
        let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
        for stored in self.store.all() {
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
        self.store.unreadable_namespaces()
    }

    /// Has the config loop check a config at once, so that its conditions say what another loop has met.
    pub fn request_check(&self, config: Name) {
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

    fn take(watched: &mut Watched<Arc<StoredConfig>>, event: Event<StoredConfig>) {
        watched.writer.take("", event, |config| Some(Arc::new(config)));
    }

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
        let (configs, _checks, mut watched) = configs(&[String::new()].into());
        let job = fixture::running(&json!([{"name": "unit"}]));
        assert_eq!(configs.listed().now_or_never(), None);
        for event in [Event::Init, Event::InitApply(config(&job.spec.config.uid)), Event::InitDone] {
            take(&mut watched, event);
        }
        assert_eq!(configs.listed().now_or_never(), Some(()));
        assert!(configs.of(&job).is_some());
        assert_eq!(configs.max_runs_beside(&job), Some(2));
        take(&mut watched, Event::Apply(config("another")));
        assert_eq!(configs.of(&job), None);
    }

    #[test]
    fn a_config_that_cannot_be_read_is_found_beside_the_others_and_never_taken_for_absent() {
        let (configs, _checks, mut watched) = configs(&[String::new()].into());
        let listed = [named("shop", "1", "1h"), named("bad", "2", "169h")];
        take(&mut watched, Event::Init);
        for config in listed {
            take(&mut watched, Event::InitApply(config));
        }
        take(&mut watched, Event::InitDone);
        let (readable, unreadable) = configs.select(|git| git.repository.as_str() == "acme/shop");
        assert_eq!(readable.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["shop"]);
        assert_eq!(unreadable.iter().map(UnreadableConfig::display_name).collect::<Vec<_>>(), ["ci/bad"]);
        assert!(matches!(configs.find("ci", "bad").as_deref(), Some(StoredConfig::Unreadable(_))));
        assert!(configs.get("ci", "bad").is_none());
        assert!(configs.select(|_| false).0.is_empty());
    }
}
