//! What one commit's statuses say: a pure function of everything that shows the commit now.
//!
//! A host keeps one status per (commit, context), and several pull requests, bases, branches and tags can share a commit.
//! So a status is never the newest run's. [`report`] computes it from all targets of the commit.

mod facts;
mod own;
mod rule;
mod shared_text;
mod text;

use std::collections::BTreeMap;

pub(crate) use self::text::{RUN_DELETED, truncate, was_deleted};
pub use self::{
    facts::{
        ConfigState, Context, Decided, Facts, JobKind, Judgement, Left, Outcome, Report, Rule, Shows, Target,
        Verdict, VerdictState,
    },
    own::WAITS_FOR_APPROVAL,
    shared_text::{RunName, Words},
};

/// What is reported for each context of the commit: every job of the config, every job that a target judges, every context
/// that has a status, and the config's own. A context that is not among them keeps what was decided last.
pub fn report(facts: &Facts) -> BTreeMap<Context, Outcome> {
    if facts.config == ConfigState::Conflicting {
        return BTreeMap::new();
    }
    let mut outcomes = BTreeMap::from([(Context::Config, own::outcome(facts))]);
    let decided = facts.decided.keys().filter_map(|context| match context {
        Context::Config => None,
        Context::Job(job) => Some(job),
    });
    let judged = facts.targets.iter().flat_map(|target| target.jobs.keys());
    for job in facts.jobs.keys().chain(judged).chain(decided) {
        outcomes.entry(Context::Job(job.clone())).or_insert_with(|| rule::outcome(job, facts));
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_the_configs_own_or_a_jobs() {
        let job = Context::Job("unit".parse().expect("a job name"));
        assert_eq!([Context::Config.name("c"), job.name("c")], ["tidegate/c", "tidegate/c/unit"]);
    }
}
