//! What a config has to look for on its host, because it could not follow events.

use serde::{Deserialize, Serialize};
use tidegate_model::{CommitSha, GitRef};

use super::{Config, Ledger};
use crate::status::{ConfigState, JobKind};

/// Whether a config has to look at its open pull requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Looks {
    /// Whether the config could be followed at least once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_valid: bool,
    /// Whether pull requests may be open that nothing was made for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_due: bool,
}

/// A look at the open pull requests that is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether it is the config's first. Then only the pull requests that were seen since the config was made concern it, so that
    /// a new config starts nothing for old ones.
    pub is_first: bool,
}

impl Ledger {
    /// Notes what a config that has changed has to look for.
    pub(super) fn see_config(&mut self, config: &Config) {
        let has_pre_submit = config.jobs_of(JobKind::PreSubmit).next().is_some();
        match &config.state {
            ConfigState::Invalid(_) | ConfigState::Conflicting => self.looks.is_due = true,
            // Its pull requests are not recorded, and are looked for when it gets a job for them.
            ConfigState::Valid if !has_pre_submit => self.looks = Looks { was_valid: true, is_due: true },
            ConfigState::Valid => self.looks.was_valid |= !self.looks.is_due,
            ConfigState::Removed => {}
        }
    }

    /// The look at the open pull requests that is to be made now.
    pub fn look(&self, config: &Config) -> Option<Look> {
        let has_pre_submit = config.jobs_of(JobKind::PreSubmit).next().is_some();
        let is_due = config.state == ConfigState::Valid && has_pre_submit && self.looks.is_due;
        is_due.then_some(Look { is_first: !self.looks.was_valid })
    }

    /// The look was made, and all that followed from it.
    pub fn looked(&mut self) {
        self.looks = Looks { was_valid: true, is_due: false };
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
