//! `/cancel`

use std::collections::BTreeSet;

use tidegate_model::JobName;

use super::{
    command::ChatCommand,
    deciding::{Deciding, Verdict},
    entry::Entry,
    facts::RunFacts,
    permission::Who,
    words::job_names,
};

pub(super) const ENTRY: Entry = Entry {
    name: "cancel",
    forms: &[
        ("/cancel", "stops everything that runs or waits for this pull request"),
        ("/cancel JOB…", "stops the runs of which no other job is left"),
    ],
    who: Who::WriterOrAuthor,
    read: |words| job_names(words).map(|names| ChatCommand::CancelJobs { names }),
};

/// Why a shared run is not stopped.
const SHARED: &str = "another pull request shares the run, so only people with write permission may stop it";

/// Wants runs stopped. Tekton can stop a run, or one task and with it all that has not started: a single job can't be stopped
/// without harm to the others of its run.
pub(super) fn mean(deciding: &mut Deciding<'_>, names: &[JobName]) -> Verdict {
    let (mut stopped, mut kept) = (BTreeSet::new(), Vec::new());
    let mut of_others: BTreeSet<JobName> = BTreeSet::new();
    let mut has_any = false;
    let (comment, is_writer) = (deciding.facts.comment, deciding.facts.commenter.is_writer());
    for (of, wanted) in deciding.configs() {
        // Coming again, the comment stops nothing that was made since.
        let mut newest = None;
        for run in of.runs.iter().filter(|run| comment.is(run.cancelled_by)) {
            newest = newest.max(Some(run.created_at_ms));
            has_any = true;
            stopped.extend(run.jobs.iter().map(|(name, _)| (*name).clone()));
        }
        // A run that this comment asked for is made after its cancellations.
        let is_meant = |run: &&RunFacts<'_>| {
            run.is_active
                && !comment.is(run.asked_by)
                && newest.is_none_or(|newest| run.created_at_ms <= newest)
        };
        let mut active: Vec<&RunFacts<'_>> = of.runs.iter().filter(is_meant).collect();
        active.sort_by_key(|run| std::cmp::Reverse(run.created_at_ms));
        for run in active {
            let left: BTreeSet<&JobName> = run.unfinished().collect();
            if of.is_shared && run.is_present && !is_writer {
                of_others.extend(left.into_iter().cloned());
                continue;
            }
            let meant = left.iter().any(|name| names.contains(name));
            let others: Vec<&&JobName> = left.iter().filter(|name| !names.contains(name)).collect();
            if names.is_empty() || meant && others.is_empty() {
                has_any = true;
                wanted.cancel.push(run.name.clone());
                stopped.extend(left.into_iter().cloned());
            } else if meant {
                let others: Vec<_> = others.iter().map(|name| format!("`{name}`")).collect();
                kept.push((left.into_iter().cloned().collect::<BTreeSet<_>>(), others.join(", ")));
            }
        }
    }
    if names.is_empty() {
        return match (has_any, of_others.is_empty()) {
            (_, false) => Verdict::Said(SHARED.to_owned()),
            (true, true) => Verdict::Done,
            (false, true) => Verdict::Said("nothing runs, and nothing waits".to_owned()),
        };
    }
    let missing = names.iter().filter(|name| !stopped.contains(*name));
    deciding.explain(missing, |name| {
        if of_others.contains(name) {
            return Some(format!("`{name}`: {SHARED}"));
        }
        match kept.iter().find(|(jobs, _)| jobs.contains(name)) {
            Some((_, others)) => Some(format!(
                "`{name}` can't be stopped alone: its run still has {others}; `/cancel` stops all"
            )),
            None => {
                deciding.pre_submit().any(|known| known == name).then(|| format!("`{name}` does not run"))
            }
        }
    })
}
