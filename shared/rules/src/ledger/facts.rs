//! Everything that shows a commit, as the rule for statuses reads it.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{CommitSha, GitRef, JobName, PullRequestNumber, RefName};

use super::{Config, Job, JobRecord, Ledger, PullRequestRecord, RunId, TargetRecord};
use crate::{
    status::{Facts, JobKind, Judgement, RunName, Shows, Target, Verdict, VerdictState},
    trust::{Rights, TrustProof},
};

/// The open pull requests that share a run.
struct Shared<'a> {
    numbers: BTreeSet<PullRequestNumber>,
    rights: Rights,
    /// The mark of the first of them, if every one carries one.
    mark: Option<&'a str>,
}

impl Ledger {
    /// Why a commit is trusted; `None` while nothing has proved it.
    pub fn proof(&self, commit: &CommitSha) -> Option<&TrustProof> {
        self.commits.get(commit)?.trust.as_ref()
    }

    /// Everything that shows a commit now.
    pub fn facts(&self, commit: &CommitSha, config: &Config) -> Facts {
        let record = self.commits.get(commit);
        let open: Vec<_> = self.open_with_head(commit).collect();
        let present =
            by_base(&open).into_iter().map(|(base, shared)| self.present(commit, base, shared, config));
        let former = open.iter().flat_map(|(number, of)| self.former(commit, *number, of, config));
        let of_commit = self.targets.get(commit).into_iter().flatten();
        let pushes: Vec<(&GitRef, &TargetRecord)> = of_commit
            .filter(|((kind, _), _)| *kind == JobKind::PostSubmit)
            .map(|((_, reference), target)| (reference, target))
            .collect();
        let push = pushes.iter().map(|(reference, target)| self.push(reference, target, &pushes));
        Facts {
            config: config.state.clone(),
            jobs: config.jobs.iter().map(|(name, job)| (name.clone(), job.kind)).collect(),
            trust: self.proof(commit).cloned(),
            has_waited: record.is_some_and(|record| record.has_waited),
            targets: present.chain(former).chain(push.filter(|target| !target.jobs.is_empty())).collect(),
            left: record.and_then(|record| record.left.clone()),
            decided: record
                .map(|record| {
                    let statuses = record.statuses.iter();
                    statuses.map(|(context, status)| (context.clone(), status.decided.clone())).collect()
                })
                .unwrap_or_default(),
        }
    }

    fn present(&self, commit: &CommitSha, base: &RefName, shared: Shared<'_>, config: &Config) -> Target {
        let reference = GitRef::Branch(base.clone());
        let target = self.target(commit, JobKind::PreSubmit, &reference);
        let judge = |(name, job): (&JobName, &Job)| {
            let judgement = match (job.left_out(&reference), by_run(target, name), shared.mark) {
                (Some(reason), _, _) => Judgement::NotApplicable(reason),
                (None, Some(Judgement::Verdict(verdict)), _) if needs_rerun(&verdict, shared.rights) => {
                    Judgement::Missing
                }
                (None, Some(judgement), _) => judgement,
                (None, None, Some(mark)) => Judgement::LeftOut(mark.to_owned()),
                (None, None, None) => Judgement::Missing,
            };
            (name.clone(), judgement)
        };
        let jobs = config.jobs_of(JobKind::PreSubmit).map(judge).collect();
        let shows =
            Shows::PullRequests { base: base.clone(), numbers: shared.numbers, rights: shared.rights };
        Target { shows, jobs }
    }

    fn former<'a>(
        &'a self,
        commit: &'a CommitSha,
        number: PullRequestNumber,
        of: &'a PullRequestRecord,
        config: &'a Config,
    ) -> impl Iterator<Item = Target> + 'a {
        let bases = of.former_bases.iter().map(move |former| {
            let reference = GitRef::Branch(former.base.clone());
            let target = self.target(commit, JobKind::PreSubmit, &reference);
            let due = config
                .jobs_of(JobKind::PreSubmit)
                .filter(|(name, job)| former.due.contains(*name) && job.left_out(&reference).is_none());
            let jobs =
                due.map(|(name, _)| (name.clone(), by_run(target, name).unwrap_or(Judgement::Missing)));
            Target { shows: Shows::FormerBase { base: former.base.clone(), number }, jobs: jobs.collect() }
        });
        bases.chain(of.has_too_many_bases.then(|| too_many_bases(number, of, config)))
    }

    /// A push whose runs are gone still stands for the jobs that ended: retention changes nothing. A newer run of the job at
    /// this commit, for whichever ref, takes its place.
    fn push(&self, reference: &GitRef, target: &TargetRecord, all: &[(&GitRef, &TargetRecord)]) -> Target {
        let is_gone = target.runs.is_empty();
        let judge = |(name, record): (&JobName, &JobRecord)| {
            let judgement = match record {
                JobRecord::Run { run, .. }
                    if is_gone && all.iter().any(|(_, of)| has_newer(of, name, run)) =>
                {
                    return None;
                }
                JobRecord::LeftOut { reason } => Judgement::NotApplicable(reason.clone()),
                JobRecord::Run { verdict: Some(verdict), .. } => Judgement::Verdict(verdict.clone()),
                JobRecord::Run { verdict: None, .. } => Judgement::Missing,
            };
            Some((name.clone(), judgement))
        };
        let is_deleted = self.refs.get(reference).is_some_and(|record| record.target.is_none());
        Target {
            shows: Shows::Push { reference: reference.clone(), is_deleted },
            jobs: target.jobs.iter().filter_map(judge).collect(),
        }
    }
}

fn has_newer(target: &TargetRecord, job: &JobName, than: &RunId) -> bool {
    matches!(target.jobs.get(job), Some(JobRecord::Run { run, .. }) if run > than)
}

/// What the newest run that has the job says; `None` when no run has it.
fn by_run(target: Option<&TargetRecord>, job: &JobName) -> Option<Judgement> {
    match target?.jobs.get(job)? {
        JobRecord::Run { verdict, .. } => {
            Some(verdict.clone().map_or(Judgement::Missing, Judgement::Verdict))
        }
        JobRecord::LeftOut { .. } => None,
    }
}

/// Whether a run with the rights that the pull requests have now may read what the last one was refused.
fn needs_rerun(verdict: &Verdict, rights: Rights) -> bool {
    verdict.state == VerdictState::NeedsSecret && rights == Rights::WithSecrets
}

fn by_base<'a>(open: &[(PullRequestNumber, &'a PullRequestRecord)]) -> BTreeMap<&'a RefName, Shared<'a>> {
    let mut shared: BTreeMap<&RefName, Shared<'_>> = BTreeMap::new();
    for (number, record) in open {
        let mark = record.seen.mark.as_deref();
        shared
            .entry(&record.seen.base)
            .and_modify(|shared| {
                shared.numbers.insert(*number);
                shared.rights = shared.rights.max(record.seen.rights);
                shared.mark = shared.mark.filter(|_| mark.is_some());
            })
            .or_insert_with(|| Shared {
                numbers: BTreeSet::from([*number]),
                rights: record.seen.rights,
                mark,
            });
    }
    shared
}

fn too_many_bases(number: PullRequestNumber, of: &PullRequestRecord, config: &Config) -> Target {
    let verdict = Verdict {
        state: VerdictState::Error,
        text: format!("more than {} bases at this head: push a new commit", super::MAX_FORMER_BASES).into(),
        run: RunName::default(),
    };
    let jobs = config.jobs_of(JobKind::PreSubmit);
    let jobs = jobs.map(|(name, _)| (name.clone(), Judgement::Verdict(verdict.clone()))).collect();
    let base = of.former_bases.last().map_or_else(|| of.seen.base.clone(), |former| former.base.clone());
    Target { shows: Shows::FormerBase { base, number }, jobs }
}
