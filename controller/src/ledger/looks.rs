//! What a config has to look for, because it could not follow events. By its ledger.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tidegate_model::{CommitSha, GitRef, PullRequestNumber, RefName};
use tidegate_rules::{
    ledger::{Look, Observation, PullRequestState},
    status::ConfigState,
};

use super::Book;

/// How much time lies between two looks that dropped events cause.
const BETWEEN_DROPPED: Duration = Duration::from_mins(10);

/// A pull request that the ledger takes for open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPullRequest {
    /// Its number.
    pub number: PullRequestNumber,
    /// Its head.
    pub head: CommitSha,
    /// Its base.
    pub base: RefName,
    /// Whether its head is trusted.
    pub is_trusted: bool,
}

impl Book {
    /// The look that is to be made now, and how often the config had changed by then; or when it is to be made.
    pub fn look(&self, now: Instant) -> Option<Result<(Look, u64), Instant>> {
        let state = self.state();
        let look = state.ledger.look(&state.rules)?;
        let at = state.looked_at.filter(|_| look.is_for_dropped).map(|last| last + BETWEEN_DROPPED);
        Some(match at {
            Some(at) if at > now => Err(at),
            Some(_) | None => Ok((look, state.config_changes)),
        })
    }

    /// The look was made, and all that followed from it. If the config has changed meanwhile, it is made again.
    pub fn looked(&self, look: Look, config_changes: u64) {
        let mut state = self.state();
        state.looked_at = Some(Instant::now());
        if state.config_changes == config_changes {
            state.ledger.looked(look);
            state.is_unsaved = true;
        }
    }

    /// Where the ledger saw the branches and tags that it knows.
    pub fn known_refs(&self) -> BTreeMap<GitRef, Option<CommitSha>> {
        let state = self.state();
        state.ledger.known_refs().map(|(reference, target)| (reference.clone(), target.cloned())).collect()
    }

    /// Whether the ledger knows a branch or tag, and saw it at another commit.
    pub fn is_elsewhere(&self, reference: &GitRef, sha: &CommitSha) -> bool {
        self.state().ledger.refs.get(reference).is_some_and(|record| record.target.as_ref() != Some(sha))
    }

    /// The pull requests that the ledger takes for open.
    pub fn open_pull_requests(&self) -> Vec<OpenPullRequest> {
        let state = self.state();
        let records = state.ledger.pull_requests.iter();
        let open = records.filter(|(_, record)| record.seen.state == PullRequestState::Open);
        open.map(|(number, record)| OpenPullRequest {
            number: *number,
            head: record.seen.head.clone(),
            base: record.seen.base.clone(),
            is_trusted: state.ledger.proof(&record.seen.head).is_some(),
        })
        .collect()
    }

    /// The branch of an open pull request with this head.
    pub fn branch_of_head(&self, head: &CommitSha) -> Option<RefName> {
        self.state().ledger.branch_of_head(head).cloned()
    }

    /// The branches and tags that were pushed while the config could not be followed; none while it still can't be.
    pub fn due_refs(&self) -> Vec<(GitRef, CommitSha)> {
        let state = self.state();
        state.ledger.due_refs(&state.rules)
    }

    /// What the push of a commit asked for is done. Says whether it was due, so that the ledger is to be saved. While the config
    /// can't be followed, or for another commit than the one that the ref points to, it stays due.
    pub fn settle_ref(&self, reference: &GitRef, sha: &CommitSha) -> bool {
        let mut state = self.state();
        let record = state.ledger.refs.get(reference);
        let is_due = record.is_some_and(|record| record.is_due && record.target.as_ref() == Some(sha));
        if !is_due || state.rules.state != ConfigState::Valid {
            return false;
        }
        state.apply(&Observation::RefDue { reference: reference.clone(), is_due: false });
        true
    }

    /// When a branch or tag was seen to come to the commit that it points to, after it had been elsewhere or gone.
    pub fn renewed_at_ms(&self, reference: &GitRef, sha: &CommitSha) -> Option<i64> {
        let state = self.state();
        let record = state.ledger.refs.get(reference)?;
        record.renewed_at_ms.filter(|_| record.target.as_ref() == Some(sha))
    }

    /// Notes the request to run the failed jobs of a run again; `None` removes it.
    pub fn note_retest(&self, run: &str, request: Option<&str>) {
        let mut state = self.state();
        match request {
            Some(request) => {
                state.retests.insert(run.to_owned(), request.to_owned());
            }
            None => {
                state.retests.remove(run);
            }
        }
    }

    /// The requests to run failed jobs again: run and request.
    pub fn retests(&self) -> Vec<(String, String)> {
        let state = self.state();
        state.retests.iter().map(|(run, request)| (run.clone(), request.clone())).collect()
    }

    /// Whether something is to be saved that no observation of host or cluster says.
    pub fn is_unsaved(&self) -> bool {
        self.state().is_unsaved
    }
}
