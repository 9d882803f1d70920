//! Which runs wait, which have a slot, and which step is next. Pure: events, time and limits are arguments.

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

/// The condition's reason of a run that needs an approval.
pub const AWAITING_APPROVAL: &str = "AwaitingApproval";

/// The longest wait for the watch to show a conflicting change.
const OUTDATED: Duration = Duration::from_secs(1);

/// The next step of a waiting run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Start it: it has a slot.
    Start,
    /// End it: it was cancelled before it had a slot.
    Cancel,
    /// End it: it has no jobs.
    Finish,
    /// Show in its condition that it needs an approval.
    AwaitApproval,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepResult {
    /// The status was written; the watch will show it.
    Written,
    /// Somebody else changed the object; the watch will show it.
    Outdated,
    /// It failed for now. The host may have asked for a pause.
    Retry(Option<Duration>),
}

/// The runs that have not ended.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: BTreeMap<Key, Arc<IntegrationJob>>,
    /// The repositories of the runs that have a slot.
    running: BTreeMap<Key, String>,
    /// Steps whose result the store doesn't show yet. A start holds its slot meanwhile, so that a lagging store exceeds no
    /// limit.
    in_flight: HashMap<Key, InFlight>,
    delays: HashMap<Key, Delay>,
    /// How often the job loop gave the slot of a run back.
    given_back: HashMap<Key, u32>,
}

#[derive(Debug)]
struct InFlight {
    step: Step,
    /// The version of the object that it was started for.
    version: Option<String>,
    is_written: bool,
}

#[derive(Debug)]
struct Delay {
    until: Instant,
    /// The delayed step. A delayed start delays no other step.
    step: Step,
    failures: u32,
    /// Whether a change of the run ends the delay.
    ends_on_update: bool,
}

/// The time of a change, and the jitter of the waits that follow.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: Instant,
    /// The same time on the wall clock.
    pub time: Timestamp,
    /// From 0 to 1.
    pub jitter: f64,
}

/// How many runs may have a slot at once.
pub struct SlotLimits<F> {
    /// In the whole cluster.
    pub cluster: u32,
    /// Of one namespace.
    pub namespace: u32,
    /// Of the repository of a waiting run.
    pub repository: F,
}

impl Queue {
    /// A run was created or changed.
    pub fn apply(&mut self, job: Arc<IntegrationJob>, moment: Moment) {
        let key = Key::of(&*job);
        if self.delays.get(&key).is_some_and(|delay| delay.ends_on_update) {
            self.delays.remove(&key);
        }
        let phase = job.status.as_ref().map(|status| status.phase).unwrap_or_default();
        match phase {
            Phase::Queued => {
                let version = job.resource_version();
                self.waiting.insert(key.clone(), job);
                let is_given_back = match self.in_flight.get(&key) {
                    // The version after a written start is the started run: a queued one is later.
                    Some(begun) if begun.step == Step::Start => begun.is_written && begun.version != version,
                    Some(_) => {
                        self.in_flight.remove(&key);
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

    /// The job loop could not start a run, and gave its slot back: the next try waits, longer each time.
    fn give_back(&mut self, key: Key, moment: Moment) {
        self.in_flight.remove(&key);
        let failures = self.given_back.entry(key.clone()).or_default();
        *failures += 1;
        let failures = *failures;
        let until = self.next_start(&key, backoff(failures, LONGEST, moment.jitter), moment);
        self.delays.insert(key, Delay { until, step: Step::Start, failures, ends_on_update: false });
    }

    /// When a start is tried again. The last try is at the deadline of a run that can't start: it finds whether the cause
    /// is still there.
    fn next_start(&self, key: &Key, wait: Duration, Moment { now, time, .. }: Moment) -> Instant {
        let waiting = self.waiting.get(key);
        let deadline = waiting.and_then(|job| limit::deadline(job, job.status.as_ref()?));
        let left = deadline.and_then(|deadline| Duration::try_from(deadline.duration_since(time)).ok());
        // A little later, so that the deadline has passed by then.
        let left = left.map(|left| left + Duration::from_millis(10));
        now + left.map_or(wait, |left| wait.min(left))
    }

    /// A run has ended or was deleted.
    pub fn delete(&mut self, key: &Key) {
        self.forget(key);
    }

    fn forget(&mut self, key: &Key) {
        self.waiting.remove(key);
        self.running.remove(key);
        self.in_flight.remove(key);
        self.delays.remove(key);
        self.given_back.remove(key);
    }

    /// The steps that are due. Each is in flight from now on, until [`Queue::done`] and the watch show its result.
    pub fn next<F: Fn(&IntegrationJob) -> u32>(
        &mut self,
        limits: &SlotLimits<F>,
        now: Instant,
    ) -> Vec<(Step, Arc<IntegrationJob>)> {
        let mut due = Vec::new();
        let mut queued = Vec::new();
        let waiting: Vec<(&Key, &Arc<IntegrationJob>, Step, String)> = self
            .waiting
            .iter()
            .map(|(key, job)| (key, job, step(job), repository(job)))
            .filter(|(key, _, step, _)| {
                !self.in_flight.contains_key(*key) && !self.is_delayed(key, *step, now)
            })
            .collect();
        for (key, job, step, repository) in &waiting {
            match step {
                Step::AwaitApproval if shows_awaiting_approval(job) => (),
                Step::Cancel | Step::Finish | Step::AwaitApproval => due.push((*step, Arc::clone(job))),
                Step::Start => queued.push(Queued {
                    key: *key,
                    repository,
                    repository_limit: (limits.repository)(job),
                    namespace: &key.namespace,
                    position: job.created_at_ms(),
                }),
            }
        }
        let starting: Vec<(&Key, String)> = self
            .in_flight
            .iter()
            .filter(|(_, begun)| begun.step == Step::Start)
            .filter_map(|(key, _)| self.waiting.get(key).map(|job| (key, repository(job))))
            .collect();
        let starting = starting.iter().map(|(key, repository)| (*key, repository));
        let running = self
            .running
            .iter()
            .chain(starting)
            .map(|(key, repository)| Running { repository, namespace: &key.namespace });
        for key in grant(limits.cluster, limits.namespace, running, queued) {
            due.extend(self.waiting.get(key).map(|job| (Step::Start, Arc::clone(job))));
        }
        for (step, job) in &due {
            let begun = InFlight { step: *step, version: job.resource_version(), is_written: false };
            self.in_flight.insert(Key::of(&**job), begun);
        }
        due
    }

    /// A step has ended.
    pub fn done(&mut self, job: &IntegrationJob, done: StepResult, moment: Moment) {
        let key = Key::of(job);
        let Some(waiting) = self.waiting.get(&key) else {
            return;
        };
        let is_outdated = waiting.resource_version() != job.resource_version();
        let Some(begun) = self.in_flight.get_mut(&key) else {
            return;
        };
        let step = begun.step;
        let delay = match done {
            StepResult::Written => {
                begun.is_written = true;
                // The slot was given back before this result came, and the watch has shown no more than that.
                if step == Step::Start && is_outdated {
                    self.give_back(key, moment);
                }
                return;
            }
            // The change may have come before the result.
            StepResult::Outdated if is_outdated => None,
            StepResult::Outdated => {
                Some(Delay { until: moment.now + OUTDATED, step, failures: 0, ends_on_update: true })
            }
            StepResult::Retry(after) => {
                let failures = self.delays.get(&key).map_or(0, |delay| delay.failures) + 1;
                let wait = after.unwrap_or_else(|| backoff(failures, LONGEST, moment.jitter));
                let until = self.next_start(&key, wait, moment);
                Some(Delay { until, step, failures, ends_on_update: false })
            }
        };
        self.in_flight.remove(&key);
        if let Some(delay) = delay {
            self.delays.insert(key, delay);
        }
    }

    /// When the next delay ends.
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        self.delays.values().map(|delay| delay.until).filter(|until| *until > now).min()
    }

    /// The number of waiting runs, and of runs with a slot.
    pub fn occupation(&self) -> (usize, usize) {
        (self.waiting.len(), self.running.len())
    }

    fn is_delayed(&self, key: &Key, step: Step, now: Instant) -> bool {
        self.delays
            .get(key)
            .is_some_and(|delay| delay.until > now && (delay.step == step || delay.step != Step::Start))
    }
}

/// The next step of a waiting run.
fn step(job: &IntegrationJob) -> Step {
    if job.spec.cancel.is_some() {
        Step::Cancel
    } else if job.spec.jobs.is_empty() {
        Step::Finish
    } else if job.spec.awaits_approval {
        Step::AwaitApproval
    } else {
        Step::Start
    }
}

/// The repository whose limit counts; hosts compare paths without case.
fn repository(job: &IntegrationJob) -> String {
    format!("{}/{}", job.spec.host, job.spec.repository.as_str().to_ascii_lowercase())
}

fn shows_awaiting_approval(job: &IntegrationJob) -> bool {
    let conditions = job.status.iter().flat_map(|status| &status.conditions);
    conditions
        .into_iter()
        .any(|condition| condition.type_ == SUCCEEDED && condition.reason == AWAITING_APPROVAL)
}

#[cfg(test)]
mod tests;
