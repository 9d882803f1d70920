//! `/help`

use super::{command::ChatCommand, entry::Entry, permission::Who, words::no_words};

pub(super) const ENTRY: Entry = Entry {
    name: "help",
    forms: &[("/help", "shows this")],
    who: Who::Anybody,
    read: |words| no_words(words).map(|()| ChatCommand::Help),
};
