//! `/cancel`

use super::{ChatCommand, Entry, job_names, who::Who};

pub(super) const ENTRY: Entry = Entry {
    name: "cancel",
    forms: &[
        ("/cancel", "stops everything that runs or waits for this pull request"),
        ("/cancel JOB…", "stops the runs of which no other job is left"),
    ],
    who: Who::WriterOrAuthor,
    read: |words| job_names(words).map(|names| ChatCommand::CancelJobs { names }),
};
