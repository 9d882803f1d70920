//! What a config has to look for on its host, because it could not follow events.

use tidegate_model::{CommitSha, GitRef, RefName};

use super::{
    Config, Ledger, PullRequestState,
    look::{Look, Looks},
};
use crate::status::{ConfigState, JobKind};

impl Ledger {
    /// Notes what a config that has changed has to look for.
    pub(super) fn see_config(&mut self, config: &Config) {
        let has_pre_submit = config.jobs_of(JobKind::PreSubmit).next().is_some();
        match &config.state {
            ConfigState::Invalid(_) | ConfigState::Conflicting => {
                (self.looks.is_due, self.looks.are_refs_due) = (true, true);
            }
            // Its pull requests are not recorded, and are looked for when it gets a job for them.
            ConfigState::Valid if !has_pre_submit => {
                self.looks.are_refs_due &= self.looks.was_valid;
                (self.looks.was_valid, self.looks.is_due) = (true, true);
            }
            ConfigState::Valid => self.looks.was_valid |= !self.looks.is_due,
            ConfigState::Removed => {}
        }
    }

    /// The look that is to be made now.
    pub fn look(&self, config: &Config) -> Option<Look> {
        let Looks { was_valid, is_due, are_refs_due, has_dropped } = self.looks;
        let has_pre_submit = config.jobs_of(JobKind::PreSubmit).next().is_some();
        let look = Look {
            is_first: !was_valid,
            at_pull_requests: has_pre_submit && (is_due || has_dropped),
            at_refs: was_valid && (are_refs_due || has_dropped),
            is_for_dropped: !(are_refs_due || has_pre_submit && is_due),
        };
        (config.state == ConfigState::Valid && (look.at_pull_requests || look.at_refs)).then_some(look)
    }

    /// The look was made, and all that followed from it.
    pub fn looked(&mut self, look: Look) {
        let is_due = self.looks.is_due && !look.at_pull_requests;
        self.looks = Looks { was_valid: true, is_due, ..Looks::default() };
    }

    /// The branch of an open pull request with this head. Where several have it, a host that takes one name gets that of the lowest
    /// number.
    pub fn branch_of_head(&self, head: &CommitSha) -> Option<&RefName> {
        let mut seen = self.pull_requests.values().map(|record| &record.seen);
        seen.find(|seen| seen.state == PullRequestState::Open && seen.head == *head)?.branch.as_ref()
    }

    /// The branches and tags that the ledger knows, with where it saw them; `None` for one that was deleted.
    pub fn known_refs(&self) -> impl Iterator<Item = (&GitRef, Option<&CommitSha>)> {
        self.refs.iter().map(|(reference, record)| (reference, record.target.as_ref()))
    }

    /// The branches and tags that were pushed while the config could not be followed, with where they pointed. While it still
    /// can't be followed the list is empty.
    pub fn due_refs(&self, config: &Config) -> Vec<(GitRef, CommitSha)> {
        if config.state != ConfigState::Valid {
            return Vec::new();
        }
        let due = self.refs.iter().filter(|(_, record)| record.is_due);
        due.filter_map(|(reference, record)| Some((reference.clone(), record.target.clone()?))).collect()
    }
}
