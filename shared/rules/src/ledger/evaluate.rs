//! Decides what the statuses of commits say, and remembers what the host knows.

use std::collections::BTreeSet;

use tidegate_model::{CommitSha, StatusState};

use super::{Config, JobRecord, Ledger, Status};
use crate::small_map::SmallMap;
use crate::status::{
    self, Context, Decided, Facts, JobKind, Judgement, Outcome, Report, Rule, Shows, VerdictState,
};

/// Contexts of a commit beyond which those of removed jobs are forgotten: a config has at most 100 jobs.
const MAX_CONTEXTS: usize = 200;

impl Ledger {
    /// Decides what the statuses of these commits say now. Returns the commits of which one changed.
    pub(super) fn evaluate(
        &mut self,
        commits: &BTreeSet<CommitSha>,
        config: &Config,
        now_ms: i64,
    ) -> BTreeSet<CommitSha> {
        let mut changed = BTreeSet::new();
        for commit in
            commits.iter().filter(|commit| self.commits.contains_key(*commit)).cloned().collect::<Vec<_>>()
        {
            let facts = self.facts(&commit, config);
            if self.decide(&commit, &facts, now_ms) {
                changed.insert(commit.clone());
            }
            self.forgive(&commit, &facts, now_ms);
        }
        changed
    }

    fn decide(&mut self, commit: &CommitSha, facts: &Facts, now_ms: i64) -> bool {
        let Some(record) = self.commits.get_mut(commit) else {
            return false;
        };
        let before = (record.statuses.clone(), record.has_waited);
        let mut is_changed = false;
        for (context, outcome) in status::report(facts) {
            match outcome {
                Outcome::Keep => {
                    if let Some(status) = record.statuses.get_mut(&context) {
                        status.decided.is_kept |= is_result(&status.decided) && !has_target(facts, &context);
                    }
                }
                Outcome::Report(report) => {
                    record.has_waited |= context == Context::Config && report.state == StatusState::Pending;
                    let decided = decided(report);
                    let old = record.statuses.get(&context);
                    let is_same = old.is_some_and(|old| {
                        old.decided.state == decided.state && old.decided.text == decided.text
                    });
                    let is_settled = is_same && old.is_some_and(|old| old.is_settled);
                    is_changed |= !is_same;
                    record.statuses.insert(context, Status { decided, is_settled });
                }
            }
        }
        if record.statuses.len() > MAX_CONTEXTS {
            let is_removed = |status: &Status| status.is_settled && status.decided.rule == Rule::Removed;
            record.statuses.retain(|_, status| !is_removed(status));
        }
        if (&record.statuses, record.has_waited) != (&before.0, before.1) {
            record.changed_at_ms = now_ms;
        }
        is_changed
    }

    /// A success for a present target makes up for every base that the open pull requests of this head had before.
    fn forgive(&mut self, commit: &CommitSha, facts: &Facts, now_ms: i64) {
        let present =
            facts.targets.iter().filter(|target| matches!(target.shows, Shows::PullRequests { .. }));
        let judged = present.flat_map(|target| &target.jobs);
        let succeeded = judged.filter(|(_, judgement)| {
            matches!(judgement, Judgement::Verdict(verdict) if verdict.state == VerdictState::Success)
        });
        let succeeded: BTreeSet<_> = succeeded.map(|(job, _)| job.clone()).collect();
        let numbers: Vec<_> = self.open_with_head(commit).map(|(number, _)| number).collect();
        for number in numbers.iter().filter(|_| !succeeded.is_empty()) {
            let Some(record) = self.pull_requests.get_mut(number) else { continue };
            let before = record.former_bases.clone();
            for former in &mut record.former_bases {
                former.due.retain(|job| !succeeded.contains(job));
            }
            record.former_bases.retain(|former| !former.due.is_empty());
            if record.former_bases != before {
                record.changed_at_ms = now_ms;
            }
        }
    }

    /// Every status that the host doesn't know yet.
    pub fn due(&self) -> impl Iterator<Item = (&CommitSha, &Context, &Decided)> {
        self.commits.iter().flat_map(|(commit, record)| {
            let due = record.statuses.iter().filter(|(_, status)| !status.is_settled);
            due.map(move |(context, status)| (commit, context, &status.decided))
        })
    }

    /// The host took a status, or refused it for good. Returns whether that is still what the context should say.
    pub fn settle(&mut self, commit: &CommitSha, context: &Context, state: StatusState, text: &str) -> bool {
        let status = self.commits.get_mut(commit).and_then(|record| record.statuses.get_mut(context));
        match status {
            Some(status) if status.decided.state == state && *status.decided.text == *text => {
                status.is_settled = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Whether a run of the commit may still change what its statuses say.
    pub fn is_running(&self, commit: &CommitSha) -> bool {
        let targets = self.targets.get(commit).into_iter().flat_map(SmallMap::values);
        targets.flat_map(|target| target.jobs.values()).any(|record| {
            matches!(record, JobRecord::Run { verdict: Some(verdict), .. } if !verdict.state.is_final())
        })
    }
}

fn decided(report: Report) -> Decided {
    let Report { state, text, run, kind, rule } = report;
    Decided { state, text: text.into(), run, kind, rule, is_kept: false }
}

/// Whether a run's result stands behind it.
fn is_result(decided: &Decided) -> bool {
    decided.state.is_final() && matches!(decided.rule, Rule::Failed | Rule::Succeeded)
}

/// Whether the context's job has a target of the kind that the status was decided for.
fn has_target(facts: &Facts, context: &Context) -> bool {
    let Context::Job(job) = context else { return true };
    let kind = facts.decided.get(context).and_then(|decided| decided.kind);
    let of_kind = facts.targets.iter().filter(|target| kind == Some(target.shows.kind()));
    of_kind.into_iter().any(|target| match target.shows.kind() {
        JobKind::PreSubmit => true,
        JobKind::PostSubmit => target.jobs.contains_key(job),
    })
}
