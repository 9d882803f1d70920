//! One command of a comment.

use super::command::ChatCommand;

/// One command of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As it was written, made safe for a reply.
    pub text: String,
    /// What it asks for, or why it can't be read.
    pub outcome: Result<ChatCommand, String>,
}

impl Line {
    /// What it asks for; `None` when it can't be read.
    pub fn command(&self) -> Option<&ChatCommand> {
        self.outcome.as_ref().ok()
    }
}
