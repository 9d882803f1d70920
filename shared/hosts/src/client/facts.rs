//! What hosts tell, in one language.

use secrecy::SecretString;
use tidegate_model::{Head, Login, PullRequestNumber, RefName};

/// A pull request as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestFacts {
    /// Its number in the repository.
    pub number: PullRequestNumber,
    /// Whether it is open.
    pub open: bool,
    /// Whether it was merged.
    pub merged: bool,
    /// What it wants to merge.
    pub head: Head,
    /// The branch it wants to merge into.
    pub base: RefName,
    /// Who opened it.
    pub author: Login,
    /// Its title.
    pub title: String,
    /// Whether its author calls it a draft.
    pub draft: bool,
}

/// A webhook of a repository. Hosts never show its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The host's id of it.
    pub id: String,
    /// Where it delivers to.
    pub url: String,
    /// Whether it delivers at all.
    pub active: bool,
    /// Whether it delivers JSON, not forms.
    pub sends_json: bool,
    /// Whether it delivers every event that Tidegate uses.
    pub sends_all_events: bool,
}

impl Hook {
    /// Whether nobody changed what it was registered with, as far as the host shows it.
    pub fn is_as_registered(&self) -> bool {
        self.active && self.sends_json && self.sends_all_events
    }
}

/// What a webhook is registered with. The events are the host's names of those that Tidegate uses.
#[derive(Debug, Clone)]
pub struct HookSpec {
    /// Where it delivers to.
    pub url: String,
    /// What it signs with.
    pub secret: SecretString,
}
