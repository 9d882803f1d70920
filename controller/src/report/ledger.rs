//! Which `IntegrationJob`s have something to tell, and what the hosts know already. Pure.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use kube::ResourceExt;
use tidegate_resources::{IntegrationJob, Report, ReportedStatus};

use super::{
    outbox::Target,
    plan::{Desired, judged_commit, plan},
};
use crate::schedule::Key;

/// Why an older run's status is never sent.
const OUTDONE: &str = "a newer run reports this";

/// All `IntegrationJob`s with something to tell.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: HashMap<Key, Entry>,
    /// The newest job of each place. Of several jobs with one commit and context, only the newest tells.
    newest: HashMap<Target, (Age, Key)>,
    listed: Option<BTreeSet<Key>>,
}

/// When a job was made: by the clock, then by its attempt, then by its name.
type Age = (i64, u32, String);

#[derive(Debug)]
struct Entry {
    job: Arc<IntegrationJob>,
    /// What the host knows. It runs ahead of what is written down, and that ahead of the object as it was seen.
    reports: Vec<Report>,
    written: Vec<Report>,
    is_recording: bool,
}

/// What is to be done for a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Todo {
    /// The job.
    pub job: Arc<IntegrationJob>,
    /// What its host should be told.
    pub say: Vec<(Target, Desired)>,
    /// What its host was told, to be written down; empty when it is.
    pub record: Vec<Report>,
}

impl Ledger {
    /// A job was made or changed.
    pub fn apply(&mut self, mut job: IntegrationJob) {
        let key = Key::of(&job);
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        let age = age(&job);
        for target in targets(&job) {
            let newest = self.newest.entry(target).or_insert_with(|| (age.clone(), key.clone()));
            if newest.0 < age {
                *newest = (age.clone(), key.clone());
            }
        }
        job.managed_fields_mut().clear();
        let job = Arc::new(job);
        match self.entries.get_mut(&key) {
            Some(entry) if entry.job.metadata.uid == job.metadata.uid => entry.job = job,
            _ => {
                let reports = job.status.as_ref().map(|status| status.reports.clone()).unwrap_or_default();
                self.entries
                    .insert(key, Entry { job, written: reports.clone(), reports, is_recording: false });
            }
        }
    }

    /// A job was deleted.
    pub fn delete(&mut self, key: &Key) {
        self.entries.remove(key);
        self.newest.retain(|_, (_, newest)| newest != key);
    }

    /// A list of all jobs begins.
    pub fn begin_list(&mut self) {
        self.listed = Some(BTreeSet::new());
    }

    /// The list is complete: what it didn't hold is gone.
    pub fn end_list(&mut self) {
        let listed = self.listed.take().unwrap_or_default();
        self.entries.retain(|key, _| listed.contains(key));
        self.newest.retain(|_, (_, key)| listed.contains(key));
    }

    /// All jobs with something to tell.
    pub fn keys(&self) -> Vec<Key> {
        self.entries.keys().cloned().collect()
    }

    /// What is to be done for a job. One whose story is told is forgotten.
    pub fn todo(&mut self, key: &Key) -> Option<Todo> {
        let entry = self.entries.get_mut(key)?;
        let job = Arc::clone(&entry.job);
        let mut say = Vec::new();
        for (target, desired) in targets(&job).into_iter().zip(plan(&job)) {
            if entry
                .reports
                .iter()
                .any(|report| report.context == desired.context && report.reported == desired.status)
            {
                continue;
            }
            match self.newest.get(&target) {
                Some((_, newest)) if newest != key => {
                    record(&mut entry.reports, &desired.context, desired.status, Some(OUTDONE.to_owned()));
                }
                _ => say.push((target, desired)),
            }
        }
        // Only the object itself proves that nothing is left: an older state of it may still be on its way here.
        let is_over = job
            .status
            .as_ref()
            .is_some_and(|status| status.phase.is_final() && status.reports == entry.reports);
        if is_over && say.is_empty() && !entry.is_recording {
            self.entries.remove(key);
            return None;
        }
        let is_due = entry.reports != entry.written && !entry.is_recording;
        entry.is_recording |= is_due;
        let record = if is_due { entry.reports.clone() } else { Vec::new() };
        Some(Todo { job, say, record })
    }

    /// The host took a status, or refused it for good.
    pub fn told(&mut self, key: &Key, context: &str, status: ReportedStatus, refused: Option<String>) {
        if let Some(entry) = self.entries.get_mut(key) {
            record(&mut entry.reports, context, status, refused);
        }
    }

    /// What was to be written down is; nothing when it could not be.
    pub fn recorded(&mut self, key: &Key, written: Option<Vec<Report>>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.is_recording = false;
            entry.written = written.unwrap_or_else(|| std::mem::take(&mut entry.written));
        }
    }

    /// A job with something to tell.
    pub fn job(&self, key: &Key) -> Option<Arc<IntegrationJob>> {
        self.entries.get(key).map(|entry| Arc::clone(&entry.job))
    }
}

fn record(reports: &mut Vec<Report>, context: &str, reported: ReportedStatus, refused: Option<String>) {
    let refused = refused.map(|reason| reason.chars().take(256).collect());
    let report = Report { context: context.to_owned(), reported, refused };
    match reports.iter_mut().find(|old| old.context == context) {
        Some(old) => *old = report,
        None => reports.push(report),
    }
}

/// The places of what [`plan`] says, in its order; none when no commit is judged.
fn targets(job: &IntegrationJob) -> Vec<Target> {
    let Some(sha) = judged_commit(job) else {
        return Vec::new();
    };
    let namespace = job.namespace().unwrap_or_default();
    plan(job)
        .into_iter()
        .map(|desired| Target { namespace: namespace.clone(), sha: sha.clone(), context: desired.context })
        .collect()
}

fn age(job: &IntegrationJob) -> Age {
    let name = job.name_any();
    let attempt = name.rsplit_once('-').and_then(|(_, attempt)| attempt.parse().ok()).unwrap_or(0);
    (job.created_at_ms(), attempt, name)
}

#[cfg(test)]
mod tests;
