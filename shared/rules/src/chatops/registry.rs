//! Every command.

use super::{cancel, command::ChatCommand, entry::Entry, help, ok_to_test, permission::Who, retest, test};

/// Every command, in the order of `/help`.
pub(super) const COMMANDS: [&Entry; 5] =
    [&test::ENTRY, &retest::ENTRY, &cancel::ENTRY, &ok_to_test::ENTRY, &help::ENTRY];

/// The command of this name; case doesn't matter.
pub(super) fn entry(name: &str) -> Option<&'static Entry> {
    COMMANDS.into_iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

impl ChatCommand {
    /// Who may use it.
    pub fn who(&self) -> Who {
        match self {
            Self::RunJobs { .. } => test::ENTRY.who,
            Self::RunFailed => retest::ENTRY.who,
            Self::CancelJobs { .. } => cancel::ENTRY.who,
            Self::Approve { .. } => ok_to_test::ENTRY.who,
            Self::Help => help::ENTRY.who,
        }
    }
}
