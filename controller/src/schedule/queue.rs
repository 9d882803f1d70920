//! Who waits, who runs, and what is to be done next. Pure: events, time and limits are arguments.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use tidegate_resources::{IntegrationJob, Phase};
use tidegate_rules::schedule::{Queued, Running, grant};

use crate::{
    backoff::{LONGEST, backoff},
    job::{limit, status::SUCCEEDED},
    key::Key,
};

/// The reason of the condition of a job that a person has to approve.
pub const AWAITING_APPROVAL: &str = "AwaitingApproval";

/// How long a job whose object was changed by somebody else waits for the change to be seen, at most.
const OUTDATED: Duration = Duration::from_secs(1);

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
    in_hand: HashMap<Key, InHand>,
    delays: HashMap<Key, Delay>,
    /// How often the job loop gave the slot of a job back.
    given_back: HashMap<Key, u32>,
}

#[derive(Debug)]
struct InHand {
    need: Need,
    /// The version of the object that it was begun for.
    version: Option<String>,
    is_written: bool,
}

#[derive(Debug)]
struct Delay {
    until: Instant,
    /// What is delayed. A delayed start holds up nothing else.
    need: Need,
    failures: u32,
    /// Whether news of the job ends the delay.
    ends_with_news: bool,
}

/// The moment of a news, and how much less than the longest a wait shall be, from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The moment.
    pub now: Instant,
    /// The same moment on the clock.
    pub time: Timestamp,
    /// From 0 to 1.
    pub jitter: f64,
}

/// How many runs may go on at once.
pub struct Caps<F> {
    /// In the whole cluster.
    pub cluster: u32,
    /// Of one namespace.
    pub namespace: u32,
    /// Of one repository, by a job that waits for it.
    pub repository: F,
}

impl Queue {
    /// A job was made or changed.
    pub fn apply(&mut self, job: Arc<IntegrationJob>, moment: Moment) {
        let key = Key::of(&*job);
        if self.delays.get(&key).is_some_and(|delay| delay.ends_with_news) {
            self.delays.remove(&key);
        }
        let phase = job.status.as_ref().map(|status| status.phase).unwrap_or_default();
        match phase {
            Phase::Queued => {
                let version = job.resource_version();
                self.waiting.insert(key.clone(), job);
                let is_given_back = match self.in_hand.get(&key) {
                    // The version after a start that was written is the started job: a queued one comes later.
                    Some(begun) if begun.need == Need::Start => begun.is_written && begun.version != version,
                    Some(_) => {
                        self.in_hand.remove(&key);
                        false
                    }
                    None => false,
                };
                if self.running.remove(&key).is_some() || is_given_back {
                    self.give_back(key, moment);
                }
            }
            Phase::Running => {
                let given_back = self.given_back.get(&key).copied();
                self.forget(&key);
                self.given_back.extend(given_back.map(|times| (key.clone(), times)));
                self.running.insert(key, repository(&job));
            }
            Phase::Succeeded | Phase::Failed | Phase::Cancelled | Phase::Error => self.forget(&key),
        }
    }

    /// The job loop could not start a job, and gave its slot back: the next try waits, longer each time.
    fn give_back(&mut self, key: Key, moment: Moment) {
        self.in_hand.remove(&key);
        let failures = self.given_back.entry(key.clone()).or_default();
        *failures += 1;
        let failures = *failures;
        let until = self.next_start(&key, backoff(failures, LONGEST, moment.jitter), moment);
        self.delays.insert(key, Delay { until, need: Need::Start, failures, ends_with_news: false });
    }

    /// When a start is tried again. The last try comes when the time of a job that can't start is over: it says whether the
    /// cause lasts.
    fn next_start(&self, key: &Key, wait: Duration, Moment { now, time, .. }: Moment) -> Instant {
        let waiting = self.waiting.get(key);
        let deadline = waiting.and_then(|job| limit::deadline(job, job.status.as_ref()?));
        let left = deadline.and_then(|deadline| Duration::try_from(deadline.duration_since(time)).ok());
        // A little later, so that it is over by then.
        let left = left.map(|left| left + Duration::from_millis(10));
        now + left.map_or(wait, |left| wait.min(left))
    }

    /// A job has ended or was deleted.
    pub fn delete(&mut self, key: &Key) {
        self.forget(key);
    }

    fn forget(&mut self, key: &Key) {
        self.waiting.remove(key);
        self.running.remove(key);
        self.in_hand.remove(key);
        self.delays.remove(key);
        self.given_back.remove(key);
    }

    /// What is to be done now. Each is in hand from then on, until [`Queue::done`] and the watch say what became of it.
    pub fn next<F: Fn(&IntegrationJob) -> u32>(
        &mut self,
        caps: &Caps<F>,
        now: Instant,
    ) -> Vec<(Need, Arc<IntegrationJob>)> {
        let mut due = Vec::new();
        let mut queued = Vec::new();
        let waiting: Vec<(&Key, &Arc<IntegrationJob>, Need, String)> = self
            .waiting
            .iter()
            .map(|(key, job)| (key, job, need(job), repository(job)))
            .filter(|(key, _, need, _)| !self.in_hand.contains_key(*key) && !self.is_delayed(key, *need, now))
            .collect();
        for (key, job, need, repository) in &waiting {
            match need {
                Need::Approval if says_approval(job) => (),
                Need::Cancel | Need::Nothing | Need::Approval => due.push((*need, Arc::clone(job))),
                Need::Start => queued.push(Queued {
                    key: *key,
                    repository,
                    repository_cap: (caps.repository)(job),
                    namespace: &key.namespace,
                    place: job.created_at_ms(),
                }),
            }
        }
        let starting: Vec<(&Key, String)> = self
            .in_hand
            .iter()
            .filter(|(_, begun)| begun.need == Need::Start)
            .filter_map(|(key, _)| self.waiting.get(key).map(|job| (key, repository(job))))
            .collect();
        let starting = starting.iter().map(|(key, repository)| (*key, repository));
        let running = self
            .running
            .iter()
            .chain(starting)
            .map(|(key, repository)| Running { repository, namespace: &key.namespace });
        for key in grant(caps.cluster, caps.namespace, running, queued) {
            due.extend(self.waiting.get(key).map(|job| (Need::Start, Arc::clone(job))));
        }
        for (need, job) in &due {
            let begun = InHand { need: *need, version: job.resource_version(), is_written: false };
            self.in_hand.insert(Key::of(&**job), begun);
        }
        due
    }

    /// What was begun for a job has ended.
    pub fn done(&mut self, job: &IntegrationJob, done: Done, moment: Moment) {
        let key = Key::of(job);
        let Some(waiting) = self.waiting.get(&key) else {
            return;
        };
        let is_outdated = waiting.resource_version() != job.resource_version();
        let Some(begun) = self.in_hand.get_mut(&key) else {
            return;
        };
        let need = begun.need;
        let delay = match done {
            Done::Written => {
                begun.is_written = true;
                // The start was given back before this answer came, and the watch has shown no more than that.
                if need == Need::Start && is_outdated {
                    self.give_back(key, moment);
                }
                return;
            }
            // The news may have come before the answer.
            Done::Outdated if is_outdated => None,
            Done::Outdated => {
                Some(Delay { until: moment.now + OUTDATED, need, failures: 0, ends_with_news: true })
            }
            Done::Retry(after) => {
                let failures = self.delays.get(&key).map_or(0, |delay| delay.failures) + 1;
                let wait = after.unwrap_or_else(|| backoff(failures, LONGEST, moment.jitter));
                let until = self.next_start(&key, wait, moment);
                Some(Delay { until, need, failures, ends_with_news: false })
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

    fn is_delayed(&self, key: &Key, need: Need, now: Instant) -> bool {
        self.delays
            .get(key)
            .is_some_and(|delay| delay.until > now && (delay.need == need || delay.need != Need::Start))
    }
}

/// What a waiting job needs now.
fn need(job: &IntegrationJob) -> Need {
    if job.spec.cancel.is_some() {
        Need::Cancel
    } else if job.spec.jobs.is_empty() {
        Need::Nothing
    } else if job.spec.awaits_approval {
        Need::Approval
    } else {
        Need::Start
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
        .any(|condition| condition.type_ == SUCCEEDED && condition.reason == AWAITING_APPROVAL)
}

#[cfg(test)]
mod tests;
