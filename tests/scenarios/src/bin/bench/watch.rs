//! Waiting for objects to appear.

use std::{collections::HashSet, fmt::Debug, time::Duration};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

/// How long the next object may keep us waiting. Only a failure takes so long.
const PATIENCE: Duration = Duration::from_mins(2);

/// Objects of one kind, each as it is seen for the first time.
pub struct Appearing<K> {
    changes: BoxStream<'static, watcher::Result<K>>,
    seen: HashSet<String>,
}

impl<K> Appearing<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    pub fn new(api: Api<K>) -> Self {
        let changes = watcher(api, watcher::Config::default()).default_backoff().applied_objects().boxed();
        Self { changes, seen: HashSet::new() }
    }

    /// The next object that was not seen before.
    pub async fn next(&mut self) -> Result<K> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.changes.try_next()).await;
            let object = next
                .with_context(|| {
                    format!("no {} within {PATIENCE:?}, {} so far", K::plural(&()), self.seen.len())
                })??
                .context("the watch ended")?;
            if self.seen.insert(object.name_any()) {
                return Ok(object);
            }
        }
    }

    /// When so many have been seen in all.
    pub async fn reach(mut self, count: usize) -> Result<Instant> {
        while self.seen.len() < count {
            self.next().await?;
        }
        Ok(Instant::now())
    }
}
