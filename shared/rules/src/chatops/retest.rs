//! `/retest`

use tidegate_model::{GitRef, JobName};

use super::{
    command::ChatCommand,
    deciding::{Deciding, Verdict},
    entry::Entry,
    facts::{JobState, RunFacts},
    permission::Who,
    words::no_words,
};
use crate::filters;

pub(super) const ENTRY: Entry = Entry {
    name: "retest",
    forms: &[("/retest", "runs the jobs that failed, were stopped, or never ran for this head")],
    who: Who::WriterOrAuthor,
    read: |words| no_words(words).map(|()| ChatCommand::RunFailed),
};

/// Wants what failed. What is active is left alone, and what succeeded needs no second run.
pub(super) fn mean(deciding: &mut Deciding<'_>) -> Verdict {
    let base = GitRef::Branch(deciding.facts.base.clone());
    let comment = deciding.facts.comment;
    let mut has_any = false;
    for (of, wanted) in deciding.configs() {
        has_any |= of.runs.iter().any(|run| comment.is(run.asked_by));
        if !wanted.standing.may_run() {
            continue;
        }
        let Ok(selection) = filters::select(of.pre_submit, &base) else {
            continue;
        };
        let mut newest: Vec<&RunFacts<'_>> = of.runs.iter().filter(|run| run.is_present).collect();
        newest.sort_by_key(|run| std::cmp::Reverse(run.created_at_ms));
        let names = selection.run.into_iter().map(|job| job.name);
        let before = wanted.run.len();
        wanted.run.extend(names.filter(|name| has_failed(&newest, name)));
        has_any |= wanted.run.len() > before || wanted.is_approving;
    }
    if has_any {
        Verdict::Done
    } else {
        Verdict::Said("nothing failed, and nothing is left to run".to_owned())
    }
}

/// Whether a job failed, was stopped, or never ran, by the newest run that holds it.
fn has_failed(newest: &[&RunFacts<'_>], name: &JobName) -> bool {
    match newest.iter().find_map(|run| run.state(name)) {
        Some(JobState::Active | JobState::Succeeded) => false,
        Some(JobState::Failed) | None => true,
    }
}
