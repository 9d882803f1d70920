//! What a config has to look for on its host, because it could not follow events.

use serde::{Deserialize, Serialize};
use tidegate_model::{CommitSha, GitRef};

use super::{Config, Ledger};
use crate::status::{ConfigState, JobKind};

/// What a config has to look for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says another thing, and any of them may be so at once"
)]
pub struct Looks {
    /// Whether the config could be followed at least once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_valid: bool,
    /// Whether pull requests may be open that nothing was made for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_due: bool,
    /// Whether branches and tags may have been pushed that nothing was made for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub are_refs_due: bool,
    /// Whether events may have been dropped that the host sent: a hook was replaced, or the config lost the proof of its right.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_dropped: bool,
}

/// A look that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says another thing, and any of them may be so at once"
)]
pub struct Look {
    /// Whether it is the config's first. Then only the pull requests that were seen since the config was made concern it, so that
    /// a new config starts nothing for old ones.
    pub is_first: bool,
    /// Whether it looks at the open pull requests.
    pub at_pull_requests: bool,
    /// Whether it looks at the branches and tags that the ledger knows.
    pub at_refs: bool,
    /// Whether it is made for dropped events alone. Anybody who knows a replaced key can cause such looks, so they are rare.
    pub is_for_dropped: bool,
}

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
