//! `/test`

use super::{ChatCommand, Entry, job_names, who::Who};

pub(super) const ENTRY: Entry = Entry {
    name: "test",
    forms: &[
        ("/test", "runs every job that applies to this pull request, also those that `[skip ci]` left out"),
        ("/test JOB…", "runs these jobs, and those that they come after"),
    ],
    who: Who::WriterOrAuthor,
    read: |words| job_names(words).map(|names| ChatCommand::RunJobs { names }),
};
