//! `/retest`

use super::{ChatCommand, Entry, no_words, who::Who};

pub(super) const ENTRY: Entry = Entry {
    name: "retest",
    forms: &[("/retest", "runs the jobs that failed, were stopped, or never ran for this head")],
    who: Who::WriterOrAuthor,
    read: |words| no_words(words).map(|()| ChatCommand::RunFailed),
};
