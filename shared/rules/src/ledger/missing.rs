//! Which runs open pull requests lack.

use std::collections::BTreeSet;

use tidegate_model::{CommitSha, JobName, PullRequestNumber, RefName};

use super::{Config, Ledger, PullRequestState};
use crate::{
    status::{ConfigState, Judgement, Shows},
    trust::Rights,
};

/// A run that should exist: open pull requests with this head and base share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRun {
    /// The head.
    pub commit: CommitSha,
    /// The base branch.
    pub base: RefName,
    /// The pull requests.
    pub numbers: BTreeSet<PullRequestNumber>,
    /// The first of them that has these rights: the run is made for it.
    pub asker: PullRequestNumber,
    /// What the run may read.
    pub rights: Rights,
    /// The jobs that no run has, or whose run Tidegate stopped, or that a run with more rights has to run again.
    pub jobs: BTreeSet<JobName>,
}

impl Ledger {
    /// The runs that open pull requests lack, for every trusted head, or for one commit. While the config is invalid the list is empty.
    pub fn missing(&self, config: &Config, of: Option<&CommitSha>) -> Vec<MissingRun> {
        if config.state != ConfigState::Valid {
            return Vec::new();
        }
        let open = self.pull_requests.values().filter(|record| record.seen.state == PullRequestState::Open);
        let heads: BTreeSet<&CommitSha> = open.map(|record| &record.seen.head).collect();
        let wanted = heads.into_iter().filter(|head| of.is_none_or(|of| of == *head));
        wanted.flat_map(|commit| self.missing_of(commit, config)).collect()
    }

    fn missing_of(&self, commit: &CommitSha, config: &Config) -> Vec<MissingRun> {
        let facts = self.facts(commit, config);
        if facts.trust.is_none() {
            return Vec::new();
        }
        let runs = facts.targets.into_iter().filter_map(|target| {
            let Shows::PullRequests { base, numbers, rights } = target.shows else {
                return None;
            };
            let jobs = target.jobs.into_iter().filter(|(_, judgement)| *judgement == Judgement::Missing);
            let jobs: BTreeSet<JobName> = jobs.map(|(job, _)| job).collect();
            let has_rights = |number: &&PullRequestNumber| {
                self.pull_requests.get(*number).is_some_and(|record| record.seen.rights == rights)
            };
            let asker = *numbers.iter().find(has_rights)?;
            (!jobs.is_empty()).then(|| MissingRun {
                commit: commit.clone(),
                base,
                numbers,
                asker,
                rights,
                jobs,
            })
        });
        runs.collect()
    }
}
