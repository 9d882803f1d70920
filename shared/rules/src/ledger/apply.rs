//! Folds an observation into the ledger.

use std::collections::BTreeSet;

use tidegate_model::{CommitSha, GitRef, JobName, PullRequestNumber};

use super::{
    Config, DeletedBy, FormerBase, JobRecord, Ledger, MAX_FORMER_BASES, Observation, PullRequest,
    PullRequestRecord, PullRequestState, RefRecord, Run, TargetRecord,
};
use crate::{
    status::{JobKind, Left, RUN_DELETED, Verdict, VerdictState, Words, truncate, was_deleted},
    trust::{self, TrustProof},
};

impl Ledger {
    /// Folds what was seen into the ledger, and decides what the statuses of the commits that it concerns say now.
    ///
    /// `now_ms` is in milliseconds since 1970. Returns the commits of which a status changed: their writes are due
    /// ([`Ledger::due`]).
    pub fn apply(&mut self, observation: &Observation, config: &Config, now_ms: i64) -> BTreeSet<CommitSha> {
        let concerned = match observation {
            Observation::PullRequest { number, seen, trust } => {
                self.see_pull_request(*number, seen, trust.as_ref(), config, now_ms)
            }
            Observation::Ref { reference, target } => self.see_ref(reference, target.as_ref(), now_ms),
            Observation::RefDue { reference, is_due } => {
                if let Some(record) = self.refs.get_mut(reference) {
                    record.is_due = *is_due && record.target.is_some();
                }
                BTreeSet::new()
            }
            Observation::Dropped => {
                self.looks.has_dropped = true;
                BTreeSet::new()
            }
            Observation::Trusted { commit, proof } => {
                self.trust(commit, proof, now_ms);
                BTreeSet::from([commit.clone()])
            }
            Observation::Run(run) => {
                self.see_run(run, now_ms);
                BTreeSet::from([run.target.commit.clone()])
            }
            Observation::RunDeleted { run, by } => {
                self.see_run(run, now_ms);
                self.delete_run(run, *by, now_ms);
                BTreeSet::from([run.target.commit.clone()])
            }
            Observation::Tested { pull_request, jobs } => {
                self.see_test(*pull_request, jobs.as_ref(), now_ms).into_iter().collect()
            }
            Observation::Config => {
                self.see_config(config);
                self.commits.keys().cloned().collect()
            }
        };
        self.evaluate(&concerned, config, now_ms)
    }

    fn see_pull_request(
        &mut self,
        number: PullRequestNumber,
        seen: &PullRequest,
        proof: Option<&TrustProof>,
        config: &Config,
        now_ms: i64,
    ) -> BTreeSet<CommitSha> {
        let old = self.pull_requests.get(&number).cloned();
        let is_open = seen.state == PullRequestState::Open;
        if old.is_none() && !is_open {
            return BTreeSet::new();
        }
        self.touch(&seen.head, now_ms);
        if let Some(proof) = proof {
            self.trust(&seen.head, proof, now_ms);
        }
        let mut seen = seen.clone();
        seen.mark = seen.mark.map(|mark| truncate(&mark));
        let mut record = PullRequestRecord {
            seen,
            former_bases: Vec::new(),
            has_too_many_bases: false,
            changed_at_ms: now_ms,
        };
        if let Some(old) = &old
            && old.seen.head == record.seen.head
        {
            record.former_bases.clone_from(&old.former_bases);
            record.has_too_many_bases = old.has_too_many_bases;
            if old.seen.base != record.seen.base {
                self.retarget(&mut record, &old.seen, config);
            }
            if old.seen == record.seen {
                record.changed_at_ms = old.changed_at_ms;
            }
        }
        let head = record.seen.head.clone();
        let state = record.seen.state;
        self.pull_requests.insert(number, record);
        if is_open && let Some(commit) = self.commits.get_mut(&head).filter(|commit| commit.left.is_some()) {
            commit.left = None;
            commit.changed_at_ms = now_ms;
        }
        let mut concerned = BTreeSet::from([head.clone()]);
        if let Some(old) = old.filter(|old| old.seen.state == PullRequestState::Open) {
            let left = match state {
                _ if old.seen.head != head => Some(Left::NewHead { number }),
                PullRequestState::Closed => Some(Left::Closed { number }),
                PullRequestState::Merged => Some(Left::Merged { number }),
                PullRequestState::Open => None,
            };
            if left.is_some() && self.open_with_head(&old.seen.head).next().is_none() {
                let commit = self.touch(&old.seen.head, now_ms);
                commit.left = left;
                commit.changed_at_ms = now_ms;
            }
            concerned.insert(old.seen.head);
        }
        concerned
    }

    /// Remembers what the old base still owes. A waiting head has shown nothing yet, so it owes nothing.
    fn retarget(&self, record: &mut PullRequestRecord, old: &PullRequest, config: &Config) {
        record.former_bases.retain(|former| former.base != record.seen.base && !former.due.is_empty());
        let is_trusted = self.proof(&old.head).is_some();
        let reference = GitRef::Branch(old.base.clone());
        let target = self.target(&old.head, JobKind::PreSubmit, &reference);
        let applies =
            config.jobs_of(JobKind::PreSubmit).filter(|(_, job)| job.left_out(&reference).is_none());
        let has_succeeded = |name: &JobName| {
            let record = target.and_then(|target| target.jobs.get(name));
            matches!(record, Some(JobRecord::Run { verdict: Some(verdict), .. }) if verdict.state == VerdictState::Success)
        };
        let due: BTreeSet<JobName> =
            applies.map(|(name, _)| name).filter(|name| !has_succeeded(name)).cloned().collect();
        if !is_trusted || due.is_empty() {
            return;
        }
        // The old base was the present one until now, so it isn't among the former ones.
        if record.former_bases.len() >= MAX_FORMER_BASES {
            record.has_too_many_bases = true;
        } else {
            record.former_bases.push(FormerBase { base: old.base.clone(), due });
        }
    }

    fn see_ref(
        &mut self,
        reference: &GitRef,
        target: Option<&CommitSha>,
        now_ms: i64,
    ) -> BTreeSet<CommitSha> {
        let renewed_at_ms = target.map(|_| now_ms);
        let record =
            RefRecord { target: target.cloned(), changed_at_ms: now_ms, renewed_at_ms, is_due: false };
        let old = self.refs.get(reference).and_then(|old| old.target.clone());
        if target.is_none() && !self.refs.contains_key(reference) && !self.has_push(reference) {
            return BTreeSet::new();
        }
        match self.refs.get_mut(reference) {
            Some(old) if old.target == record.target => {}
            Some(old) => *old = record,
            // Nobody knows where it was before.
            None => {
                self.refs.insert(reference.clone(), RefRecord { renewed_at_ms: None, ..record });
            }
        }
        let mut concerned = BTreeSet::new();
        if !trust::is_queue_branch(reference) {
            let proof = TrustProof::HeadOf { reference: reference.clone() };
            // A commit that nothing else shows is found by the ref itself, as long as the ref points to it.
            if let Some(target) = target.filter(|target| self.commits.contains_key(*target)) {
                self.trust(target, &proof, now_ms);
            }
            if let Some(old) = old.as_ref().filter(|old| Some(*old) != target) {
                self.trust(old, &proof, now_ms);
            }
        }
        concerned.extend(target.cloned());
        concerned.extend(old);
        if target.is_none() {
            concerned.extend(self.end_queued(reference, now_ms));
        }
        concerned.retain(|commit| self.commits.contains_key(commit));
        concerned
    }

    fn has_push(&self, reference: &GitRef) -> bool {
        let key = (JobKind::PostSubmit, reference.clone());
        self.targets.values().any(|targets| targets.contains_key(&key))
    }

    /// What had no slot when its branch or tag was deleted gets none any more, even if the ref is pushed again.
    fn end_queued(&mut self, reference: &GitRef, now_ms: i64) -> Vec<CommitSha> {
        let mut ended = Vec::new();
        let key = (JobKind::PostSubmit, reference.clone());
        for (commit, targets) in &mut self.targets {
            let Some(target) = targets.get_mut(&key) else { continue };
            for record in target.jobs.values_mut() {
                let JobRecord::Run { run, verdict } = record else { continue };
                if verdict.as_ref().is_none_or(|verdict| verdict.state == VerdictState::Queued) {
                    let text = truncate(&was_deleted(reference)).into();
                    *verdict = Some(Verdict { state: VerdictState::Error, text, run: run.name.clone() });
                    target.changed_at_ms = now_ms;
                    ended.push(commit.clone());
                }
            }
        }
        ended
    }

    fn see_run(&mut self, run: &Run, now_ms: i64) {
        let key = &run.target;
        if key.kind == JobKind::PostSubmit && run.jobs.is_empty() {
            return;
        }
        self.touch(&key.commit, now_ms);
        let targets = self.targets.entry(key.commit.clone()).or_default();
        let target = targets.get_or_insert_with((key.kind, key.reference.clone()), TargetRecord::default);
        let before = target.clone();
        for (job, verdict) in &run.jobs {
            let verdict = verdict.clone().map(|verdict| Verdict { text: truncated(verdict.text), ..verdict });
            let is_stale = match target.jobs.get(job) {
                Some(JobRecord::Run { run: old, .. }) if *old != run.id => *old > run.id,
                Some(JobRecord::Run { verdict: Some(old), .. }) => {
                    old.state.is_final() && !verdict.as_ref().is_some_and(|verdict| verdict.state.is_final())
                }
                Some(JobRecord::Run { .. } | JobRecord::LeftOut { .. }) | None => false,
            };
            if !is_stale {
                target.jobs.insert(job.clone(), JobRecord::Run { run: run.id.clone(), verdict });
            }
        }
        if key.kind == JobKind::PostSubmit {
            target.runs.insert(run.id.name.clone(), ());
            for (job, reason) in &run.left_out {
                let record = || JobRecord::LeftOut { reason: truncate(reason) };
                target.jobs.get_or_insert_with(job.clone(), record);
            }
        }
        if *target != before {
            target.changed_at_ms = now_ms;
        }
        let is_deleted = self.refs.get(&key.reference).is_some_and(|record| record.target.is_none());
        if key.kind == JobKind::PostSubmit && is_deleted {
            self.end_queued(&key.reference, now_ms);
        }
    }

    fn delete_run(&mut self, run: &Run, by: DeletedBy, now_ms: i64) {
        let key = &run.target;
        let targets = self.targets.get_mut(&key.commit);
        let Some(target) = targets.and_then(|targets| targets.get_mut(&(key.kind, key.reference.clone())))
        else {
            return;
        };
        let is_push = key.kind == JobKind::PostSubmit;
        let mut is_changed = target.runs.remove(&run.id.name);
        for record in target.jobs.values_mut() {
            let JobRecord::Run { run: of, verdict } = record else { continue };
            // A stopped job of a pull request runs again; nothing runs a push again.
            let is_pending = verdict.as_ref().map_or(is_push, |verdict| !verdict.state.is_final());
            if *of == run.id && is_pending && (is_push || by == DeletedBy::Person) {
                let text = if is_push { RUN_DELETED } else { "deleted; comment /test" }.into();
                *verdict = Some(Verdict { state: VerdictState::Error, text, run: of.name.clone() });
                is_changed = true;
            }
        }
        if is_changed {
            target.changed_at_ms = now_ms;
        }
    }

    fn see_test(
        &mut self,
        number: PullRequestNumber,
        jobs: Option<&BTreeSet<JobName>>,
        now_ms: i64,
    ) -> Option<CommitSha> {
        let record = self.pull_requests.get_mut(&number)?;
        let before = record.clone();
        for former in &mut record.former_bases {
            former.due.retain(|job| jobs.is_some_and(|jobs| !jobs.contains(job)));
        }
        record.former_bases.retain(|former| !former.due.is_empty());
        record.has_too_many_bases &= jobs.is_some();
        if *record != before {
            record.changed_at_ms = now_ms;
        }
        Some(record.seen.head.clone())
    }

    /// Remembers that a commit is trusted. The first proof stays.
    fn trust(&mut self, commit: &CommitSha, proof: &TrustProof, now_ms: i64) {
        let record = self.touch(commit, now_ms);
        if record.trust.is_none() {
            record.trust = Some(proof.clone());
            record.changed_at_ms = now_ms;
        }
    }

    /// The record of a commit that something shows. It is trusted if a branch or tag points to it now.
    fn touch(&mut self, commit: &CommitSha, now_ms: i64) -> &mut super::CommitRecord {
        let refs = &self.refs;
        self.commits.entry(commit.clone()).or_insert_with(|| {
            let is_at = |(reference, record): &(&GitRef, &RefRecord)| {
                record.target.as_ref() == Some(commit) && !trust::is_queue_branch(reference)
            };
            let trust =
                refs.iter().find(is_at).map(|(name, _)| TrustProof::HeadOf { reference: name.clone() });
            super::CommitRecord { trust, changed_at_ms: now_ms, ..Default::default() }
        })
    }

    /// The open pull requests with this head.
    pub fn open_with_head(
        &self,
        head: &CommitSha,
    ) -> impl Iterator<Item = (PullRequestNumber, &PullRequestRecord)> {
        let is_meant = move |record: &PullRequestRecord| {
            record.seen.state == PullRequestState::Open && record.seen.head == *head
        };
        self.pull_requests
            .iter()
            .filter(move |(_, record)| is_meant(record))
            .map(|(number, record)| (*number, record))
    }

    /// The verdicts for one target.
    pub fn target(&self, commit: &CommitSha, kind: JobKind, reference: &GitRef) -> Option<&TargetRecord> {
        self.targets.get(commit)?.get(&(kind, reference.clone()))
    }
}

/// The words, cut if they are too long for a status.
fn truncated(words: Words) -> Words {
    let cut = truncate(&words);
    if cut.len() == words.len() { words } else { cut.into() }
}
