//! Which runs open pull requests lack, by the ledgers.

use std::collections::BTreeSet;

use tidegate_model::{CommitSha, JobName, RefName};
use tidegate_rules::{ledger::MissingRun, status::ConfigState};

use super::{Book, Ledgers};

impl Ledgers {
    /// Says that every run that exists has been recorded: before that, a run seems to be missing that is not.
    pub fn set_runs_are_known(&self) {
        self.runs_are_known.send_replace(true);
    }

    /// Waits until every run that exists has been recorded.
    pub async fn runs_are_known(&self) {
        // The ledgers hold the sender, so this never fails.
        drop(self.runs_are_known.subscribe().wait_for(|are_known| *are_known).await);
    }
}

impl Book {
    /// The runs that open pull requests of trusted heads lack; none while the config can't be followed.
    pub fn missing(&self) -> Vec<MissingRun> {
        let state = self.state();
        state.ledger.missing(&state.rules, None)
    }

    /// The jobs that open pull requests with this head and base lack. `None` where that is not for the ledger to say: the head
    /// waits for approval, or the config can't be followed.
    pub fn lacks(&self, head: &CommitSha, base: &RefName) -> Option<BTreeSet<JobName>> {
        let state = self.state();
        if state.ledger.proof(head).is_none() || state.rules.state != ConfigState::Valid {
            return None;
        }
        let missing = state.ledger.missing(&state.rules, Some(head));
        Some(missing.into_iter().find(|missing| missing.base == *base).map_or_else(BTreeSet::new, |m| m.jobs))
    }
}
