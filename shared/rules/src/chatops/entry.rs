//! How a command's file describes it.

use super::{command::ChatCommand, permission::Who};

/// One command, as its file describes it.
pub(super) struct Entry {
    /// The word behind the slash.
    pub name: &'static str,
    /// How it is written, and what that does.
    pub forms: &'static [(&'static str, &'static str)],
    /// Who may use it.
    pub who: Who,
    /// Reads the words behind the name.
    pub read: fn(&[&str]) -> Result<ChatCommand, String>,
}
