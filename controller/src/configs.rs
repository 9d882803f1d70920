//! The `IntegrationConfig`s as the loops of one turn see them: one watch, which the config loop keeps.

use kube::{
    ResourceExt,
    core::DeserializeGuard,
    runtime::reflector::{self, ObjectRef, Store, store::Writer},
};
use tidegate_resources::{IntegrationConfig, IntegrationJob};
use tokio::sync::watch;

/// A config, or why it can't be read: only possible where the CRD's rules were not in force when it was written.
pub type Guarded = DeserializeGuard<IntegrationConfig>;

/// All served configs. Like every cache it is a moment behind the API server.
#[derive(Clone)]
pub struct Configs {
    store: Store<Guarded>,
    changes: watch::Receiver<()>,
}

/// The end that the config loop fills.
pub struct Feed {
    /// Takes what the watch says.
    pub writer: Writer<Guarded>,
    /// Told after each change.
    pub changed: watch::Sender<()>,
}

impl Configs {
    /// No configs yet, and what fills them.
    pub fn new() -> (Self, Feed) {
        let (store, writer) = reflector::store();
        let (sender, changes) = watch::channel(());
        (Self { store, changes }, Feed { writer, changed: sender })
    }

    /// The store itself, for the loop that keeps it.
    pub fn store(&self) -> &Store<Guarded> {
        &self.store
    }

    /// Waits until all configs have been listed; for ever when nobody lists them any more.
    pub async fn listed(&self) {
        if self.store.wait_until_ready().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the next change; for ever when there can be none.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
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

    fn read<T>(&self, namespace: &str, name: &str, read: impl FnOnce(&IntegrationConfig) -> T) -> Option<T> {
        let guarded = self.store.get(&ObjectRef::new(name).within(namespace))?;
        guarded.0.as_ref().ok().map(read)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;
    use crate::job::fixture;

    fn config(uid: &str) -> Guarded {
        let config = json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"namespace": "ci", "name": "shop", "uid": uid},
            "spec": {
                "git": {"type": "gitea", "repository": "acme/shop", "tokenSecretRef": {"name": "a", "key": "b"}},
                "jobs": {}, "maxConcurrentRuns": 2,
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
        assert_eq!(configs.listed().now_or_never(), Some(()));
        assert!(configs.of(&job).is_some());
        assert_eq!(configs.max_runs_beside(&job), Some(2));
        feed.writer.apply_watcher_event(&Event::Apply(config("another")));
        assert_eq!(configs.of(&job), None);
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
