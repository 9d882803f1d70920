//! Bounds the ledger by open pull requests, live refs and a window.

use std::collections::BTreeSet;

use tidegate_model::CommitSha;

use super::{JobRecord, Ledger, PullRequestState, TargetRecord};
use crate::{
    small_map::SmallMap,
    status::{JobKind, VerdictState},
};

impl Ledger {
    /// Forgets what nothing shows any more and what has not changed for `window_ms`: the time that a queue keeps a message,
    /// so that a late event finds what it needs. Open pull requests, refs that exist, and commits that these or a push's run
    /// show are never forgotten, nor is a status that the host doesn't know yet.
    pub fn prune(&mut self, now_ms: i64, window_ms: i64) {
        let is_fresh = |changed_at_ms: i64| now_ms.saturating_sub(changed_at_ms) < window_ms;
        self.pull_requests.retain(|_, record| {
            record.seen.state == PullRequestState::Open || is_fresh(record.changed_at_ms)
        });
        self.refs.retain(|_, record| record.target.is_some() || is_fresh(record.changed_at_ms));
        let heads: BTreeSet<&CommitSha> =
            self.pull_requests.values().map(|record| &record.seen.head).collect();
        let targets: BTreeSet<&CommitSha> =
            self.refs.values().filter_map(|record| record.target.as_ref()).collect();
        let has_run = |commit: &CommitSha| {
            self.targets
                .get(commit)
                .into_iter()
                .flat_map(SmallMap::values)
                .any(|target| !target.runs.is_empty() || is_fresh(target.changed_at_ms))
        };
        self.commits.retain(|commit, record| {
            heads.contains(commit)
                || targets.contains(commit)
                || has_run(commit)
                || record.statuses.values().any(|status| !status.is_settled)
                // A stranger can push any number of heads: of one that waited and is no head any more, nothing is needed.
                || record.trust.is_some() && is_fresh(record.changed_at_ms)
        });
        for (commit, of_commit) in &mut self.targets {
            let is_head = heads.contains(commit);
            of_commit.retain(|(kind, _), target| match kind {
                JobKind::PreSubmit => is_head || is_fresh(target.changed_at_ms),
                // A failure of a run that is gone stays as long as its commit, so that nothing covers it.
                JobKind::PostSubmit => {
                    !target.runs.is_empty() || is_fresh(target.changed_at_ms) || has_failed(target)
                }
            });
        }
        let commits = &self.commits;
        self.targets.retain(|commit, of_commit| commits.contains_key(commit) && !of_commit.is_empty());
    }
}

fn has_failed(target: &TargetRecord) -> bool {
    target.jobs.values().any(|record| {
        matches!(record, JobRecord::Run { verdict: Some(verdict), .. } if verdict.state != VerdictState::Success)
    })
}
