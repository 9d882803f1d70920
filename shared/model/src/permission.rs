//! What an account may do in a repository.

use serde::{Deserialize, Serialize};

/// A person's right in a repository, in rising order. Finer roles of a host are mapped to the next lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Nothing, or the host doesn't know the person.
    None,
    /// May read.
    Read,
    /// May push.
    Write,
    /// May change settings.
    Admin,
}

/// What an account of a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// A person.
    Person,
    /// An organisation, a group, a team, a workspace: its members control what it owns.
    Organisation,
    /// A program.
    Bot,
    /// The host doesn't show it.
    Unknown,
}

impl Permission {
    /// Whether the person may push.
    pub fn can_write(self) -> bool {
        self >= Self::Write
    }
}
