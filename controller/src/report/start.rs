//! What the report loop does when it knows all runs and configs: what happened while no replica led is recorded.

use std::sync::Arc;

use tidegate_resources::IntegrationJob;
use tidegate_rules::ledger::{DeletedBy, Observation, Run};
use tidegate_telemetry::field;

use super::Reporter;
use crate::{
    error_chain,
    key::Key,
    stores::{StoredRun, held::Held as _},
};

impl Reporter {
    /// Everything is known: what happened while no replica led is recorded.
    pub(super) async fn begin(&mut self) {
        self.configs_changed().await;
        let mut runs = self.context.runs.all();
        runs.sort_by_cached_key(StoredRun::id);
        for run in runs {
            self.observe(&run.key()).await;
        }
        for (config, book) in self.books.clone() {
            for (run, target) in book.runs() {
                let key = Key::new(Arc::clone(&config.namespace), &*run.name);
                if self.context.runs.get(&key).is_none() && self.is_gone(&key).await {
                    let run = Run { id: run, target, jobs: [].into(), left_out: [].into() };
                    book.observe(&Observation::RunDeleted { run, by: DeletedBy::Person });
                }
            }
            self.save(&config);
        }
        self.context.ledgers.set_runs_are_known();
        self.review_all().await;
    }

    /// Whether the cluster says that there is no such run. Its namespace may only have been unreadable for a moment.
    async fn is_gone(&self, key: &Key) -> bool {
        let api = self.context.namespaced::<IntegrationJob>(&key.namespace);
        match api.get_metadata_opt(&key.name).await {
            Ok(found) => found.is_none(),
            Err(error) => {
                tracing::warn!({ field::JOB } = %key, { field::ERROR } = error_chain(&error), "failed to look for a run");
                false
            }
        }
    }
}
