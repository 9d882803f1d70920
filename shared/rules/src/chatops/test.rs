//! `/test`

use std::collections::BTreeSet;

use tidegate_model::{GitRef, JobName};

use super::{
    command::ChatCommand,
    deciding::{Deciding, Verdict},
    entry::Entry,
    permission::Who,
    words::job_names,
};
use crate::{
    filters::{self, Selection},
    graph,
};

pub(super) const ENTRY: Entry = Entry {
    name: "test",
    forms: &[
        ("/test", "runs every job that applies to this pull request, also those that `[skip ci]` left out"),
        ("/test JOB…", "runs these jobs, and those that they come after"),
    ],
    who: Who::WriterOrAuthor,
    read: |words| job_names(words).map(|names| ChatCommand::RunJobs { names }),
};

/// Wants the jobs; none means all. A job that its filters leave out for this branch stays left out: a comment doesn't change the
/// config.
pub(super) fn mean(deciding: &mut Deciding<'_>, names: &[JobName]) -> Verdict {
    let base = GitRef::Branch(deciding.facts.base.clone());
    let is_writer = deciding.facts.commenter.is_writer();
    let mut found = BTreeSet::new();
    let mut reasons: Vec<(JobName, String)> = Vec::new();
    let mut has_any = false;
    for (of, wanted) in deciding.configs() {
        if is_writer {
            wanted.tested.push((!names.is_empty()).then(|| names.iter().cloned().collect()));
        }
        let Ok(Selection { run, skipped }) = filters::select(of.pre_submit, &base) else {
            continue;
        };
        found.extend(names.iter().filter(|name| run.iter().any(|job| job.name == **name)).cloned());
        reasons.extend(skipped);
        has_any |= !run.is_empty();
        if wanted.standing.may_run() {
            let chosen = if names.is_empty() { run } else { graph::with_ancestors(&run, names) };
            wanted.run.extend(chosen.into_iter().map(|job| job.name));
        }
    }
    if names.is_empty() {
        return if has_any {
            Verdict::Done
        } else {
            Verdict::Said(format!("no job runs for {}", base.name()))
        };
    }
    let missing = names.iter().filter(|name| !found.contains(*name));
    deciding.explain(missing, |name| {
        let (_, reason) = reasons.iter().find(|(skipped, _)| skipped == name)?;
        Some(format!("`{name}` does not run here: {reason}"))
    })
}
