//! A commit status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CommitSha, RefName};

/// One commit status, as every host knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitStatus {
    /// The commit that is judged.
    pub sha: CommitSha,
    /// `tidegate/<config>/<job>`
    pub context: String,
    /// The verdict.
    pub state: StatusState,
    /// One line for people, at most 140 characters (GitHub's limit, the shortest of all).
    pub description: String,
    /// Where to read more.
    pub target_url: Option<String>,
    /// The branch of an open pull request with this commit as its head, for hosts that show a status there only by its name.
    pub branch: Option<RefName>,
}

impl CommitStatus {
    /// The longest description that every host accepts, in characters.
    pub const MAX_DESCRIPTION: usize = 140;
}

/// The verdict of a commit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StatusState {
    /// Not decided yet.
    Pending,
    /// Good.
    Success,
    /// The tested code is bad.
    Failure,
    /// The test could not be carried out.
    Error,
}

impl StatusState {
    /// Our own word, for pages. The host's word for it is in the host's folder of `tidegate-hosts`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }

    /// Whether nothing will follow.
    pub fn is_final(self) -> bool {
        self != Self::Pending
    }
}
