//! Who waits, who runs, and what is to be done next. Pure: events, time and limits are arguments.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use kube::ResourceExt;
use tidegate_resources::{IntegrationJob, Phase};
use tidegate_rules::schedule::{Queued, grant};

use crate::{
    backoff::{LONGEST, backoff},
    job::status::SUCCEEDED,
};

/// How long a job whose object was changed by somebody else waits for the change to be seen, at most.
const OUTDATED: Duration = Duration::from_secs(1);

/// An `IntegrationJob`'s namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Key {
    /// The key of an object.
    pub fn of(object: &impl ResourceExt) -> Self {
        Self { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
    }
}

/// What a waiting job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It has a slot: it starts.
    Start,
    /// It was cancelled before it had one.
    Cancel,
    /// Nothing of it runs: it ends at once.
    Nothing,
    /// A person has to approve: its condition shall say so.
    Approval,
}

/// How what was begun for a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The status was written; the watch will show it.
    Written,
    /// Somebody else changed the object; the watch will show it.
    Outdated,
    /// It could not be done now. The host may have said how long to wait.
    Retry(Option<Duration>),
}

/// The jobs that have not ended.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: BTreeMap<Key, Arc<IntegrationJob>>,
    /// The repositories of the runs that have a slot.
    running: BTreeMap<Key, String>,
    /// What was begun for jobs and is not seen in the store yet. A start holds its slot meanwhile, so that no cap is
    /// exceeded by a store that lags behind.
    in_hand: HashMap<Key, Need>,
    delays: HashMap<Key, Delay>,
    /// The objects of a list that goes on.
    listed: Option<BTreeSet<Key>>,
}

#[derive(Debug)]
struct Delay {
    until: Instant,
    failures: u32,
    /// Whether news of the job ends the delay.
    ends_with_news: bool,
}

/// How many runs may go on at once.
pub struct Caps<F> {
    /// In the whole cluster.
    pub cluster: u32,
    /// Of one repository, by a job that waits for it.
    pub repository: F,
}

impl Queue {
    /// A job was made or changed.
    pub fn apply(&mut self, job: IntegrationJob) {
        let key = Key::of(&job);
        if let Some(listed) = &mut self.listed {
            listed.insert(key.clone());
        }
        if self.delays.get(&key).is_some_and(|delay| delay.ends_with_news) {
            self.delays.remove(&key);
        }
        let phase = job.status.as_ref().map(|status| status.phase).unwrap_or_default();
        match phase {
            Phase::Queued => {
                if self.in_hand.get(&key).is_some_and(|need| *need != Need::Start) {
                    self.in_hand.remove(&key);
                }
                self.waiting.insert(key, Arc::new(job));
            }
            Phase::Running => {
                self.forget(&key);
                self.running.insert(key, repository(&job));
            }
            Phase::Succeeded | Phase::Failed | Phase::Cancelled | Phase::Error => self.forget(&key),
        }
    }

    /// A job was deleted.
    pub fn delete(&mut self, job: &impl ResourceExt) {
        self.forget(&Key::of(job));
    }

    /// A list of all jobs begins.
    pub fn begin_list(&mut self) {
        self.listed = Some(BTreeSet::new());
    }

    /// The list is complete: what it didn't hold is gone.
    pub fn end_list(&mut self) {
        let listed = self.listed.take().unwrap_or_default();
        let known: Vec<Key> = self.waiting.keys().chain(self.running.keys()).cloned().collect();
        for key in known.iter().filter(|key| !listed.contains(key)) {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: &Key) {
        self.waiting.remove(key);
        self.running.remove(key);
        self.in_hand.remove(key);
        self.delays.remove(key);
    }

    /// What is to be done now. Each is in hand from then on, until [`Queue::done`] and the watch say what became of it.
    pub fn next<F: Fn(&IntegrationJob) -> u32>(
        &mut self,
        caps: &Caps<F>,
        now: Instant,
    ) -> Vec<(Need, Arc<IntegrationJob>)> {
        let mut due = Vec::new();
        let mut queued = Vec::new();
        let repositories: Vec<(&Key, &Arc<IntegrationJob>, String)> = self
            .waiting
            .iter()
            .filter(|(key, _)| !self.in_hand.contains_key(*key) && !self.is_delayed(key, now))
            .map(|(key, job)| (key, job, repository(job)))
            .collect();
        for (key, job, repository) in &repositories {
            if job.spec.cancel.is_some() {
                due.push((Need::Cancel, Arc::clone(job)));
            } else if job.spec.jobs.is_empty() {
                due.push((Need::Nothing, Arc::clone(job)));
            } else if job.spec.lacks_approval() {
                if !says_approval(job) {
                    due.push((Need::Approval, Arc::clone(job)));
                }
            } else {
                queued.push(Queued {
                    key: *key,
                    repository,
                    repository_cap: (caps.repository)(job),
                    place: job.created_at_ms(),
                });
            }
        }
        let starting: Vec<String> = self
            .in_hand
            .iter()
            .filter(|(_, need)| **need == Need::Start)
            .filter_map(|(key, _)| self.waiting.get(key).map(|job| repository(job)))
            .collect();
        let running = self.running.values().chain(&starting).map(String::as_str);
        for key in grant(caps.cluster, running, queued) {
            due.extend(self.waiting.get(key).map(|job| (Need::Start, Arc::clone(job))));
        }
        for (need, job) in &due {
            self.in_hand.insert(Key::of(&**job), *need);
        }
        due
    }

    /// What was begun for a job has ended.
    pub fn done(&mut self, job: &IntegrationJob, done: Done, now: Instant, jitter: f64) {
        let key = Key::of(job);
        let Some(waiting) = self.waiting.get(&key) else {
            return;
        };
        let delay = match done {
            Done::Written => return,
            // The news may have come before the answer.
            Done::Outdated if waiting.resource_version() != job.resource_version() => None,
            Done::Outdated => Some(Delay { until: now + OUTDATED, failures: 0, ends_with_news: true }),
            Done::Retry(after) => {
                let failures = self.delays.get(&key).map_or(0, |delay| delay.failures) + 1;
                let wait = after.unwrap_or_else(|| backoff(failures, LONGEST, jitter));
                Some(Delay { until: now + wait, failures, ends_with_news: false })
            }
        };
        self.in_hand.remove(&key);
        if let Some(delay) = delay {
            self.delays.insert(key, delay);
        }
    }

    /// When the next delay ends.
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        self.delays.values().map(|delay| delay.until).filter(|until| *until > now).min()
    }

    /// How many wait, and how many have a slot.
    pub fn occupation(&self) -> (usize, usize) {
        (self.waiting.len(), self.running.len())
    }

    fn is_delayed(&self, key: &Key, now: Instant) -> bool {
        self.delays.get(key).is_some_and(|delay| delay.until > now)
    }
}

/// The repository whose cap counts; hosts compare paths without case.
fn repository(job: &IntegrationJob) -> String {
    format!("{}/{}", job.spec.host, job.spec.repository.as_str().to_ascii_lowercase())
}

fn says_approval(job: &IntegrationJob) -> bool {
    let conditions = job.status.iter().flat_map(|status| &status.conditions);
    conditions
        .into_iter()
        .any(|condition| condition.type_ == SUCCEEDED && condition.reason == super::AWAITING_APPROVAL)
}

#[cfg(test)]
mod tests;
