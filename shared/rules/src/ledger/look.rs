//! A look at a repository on its host.

use serde::{Deserialize, Serialize};

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
