//! Which commit status is sent next. Pure: time and chance are arguments.
//!
//! There is one place for each commit and context: a newer wish takes the place of an older one, and only one write is on
//! its way, so an older status never overwrites a newer one. Every credential has its own budget.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tidegate_model::{CommitSha, Host, SecretKeyRef};
use tidegate_resources::ReportedStatus;

use super::budget::Budget;
use crate::{
    backoff::{LONGEST, backoff},
    schedule::Key,
};

/// Writes of one credential that may be on their way at once.
const IN_FLIGHT_PER_WRITER: usize = 4;
/// Writes of all credentials that may be on their way at once.
const IN_FLIGHT: usize = 32;
/// How long a status is tried again before it is given up.
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);
/// How long a status waits that is likely to change at once.
const FLEETING: Duration = Duration::from_millis(100);

/// Whose budget a write counts to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Writer {
    /// The namespace of the credential.
    pub namespace: String,
    /// The kind of host.
    pub host: Host,
    /// The host's address.
    pub api_url: String,
    /// The credential.
    pub secret: SecretKeyRef,
}

/// The place of one commit status.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The namespace of the config.
    pub namespace: String,
    /// The commit.
    pub sha: CommitSha,
    /// The context. It names the config.
    pub context: String,
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The host took it.
    Taken,
    /// The host refused it for good, and says why.
    Refused(String),
    /// It may go well later.
    Failed {
        /// How long the host asks to be left alone.
        retry_after: Option<Duration>,
        /// What went wrong.
        message: String,
    },
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The host took it.
    Taken,
    /// It will never take it, and says why.
    Refused(String),
    /// It is tried again.
    Later,
}

/// A write that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Of which job.
    pub job: Key,
    /// Where to.
    pub target: Target,
    /// What.
    pub status: ReportedStatus,
}

/// All writes that are wished for and not settled.
#[derive(Debug)]
pub struct Outbox {
    per_minute: u32,
    wishes: HashMap<Target, Wish>,
    writers: HashMap<Writer, WriterState>,
    in_flight: usize,
    next_place: u64,
}

#[derive(Debug)]
struct Wish {
    job: Key,
    writer: Writer,
    status: ReportedStatus,
    place: u64,
    not_before: Instant,
    since: Instant,
    failures: u32,
    is_sending: bool,
}

#[derive(Debug)]
struct WriterState {
    budget: Budget,
    paused_until: Option<Instant>,
    in_flight: usize,
}

impl Outbox {
    /// An outbox whose credentials may write so often a minute.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, wishes: HashMap::new(), writers: HashMap::new(), in_flight: 0, next_place: 0 }
    }

    /// Wishes for a status. It takes the place of what was wished for before.
    pub fn want(&mut self, due: Due, writer: Writer, is_fleeting: bool, now: Instant) {
        let Due { job, target, status } = due;
        let not_before = if is_fleeting { now + FLEETING } else { now };
        match self.wishes.get_mut(&target) {
            Some(wish) if wish.status == status && wish.job == job => (),
            Some(wish) => {
                wish.job = job;
                wish.status = status;
                wish.not_before = not_before;
                wish.since = now;
                wish.failures = 0;
            }
            None => {
                self.next_place += 1;
                let wish = Wish {
                    job,
                    writer,
                    status,
                    place: self.next_place,
                    not_before,
                    since: now,
                    failures: 0,
                    is_sending: false,
                };
                self.wishes.insert(target, wish);
            }
        }
    }

    /// A job has nothing to say any more. What is on its way still arrives.
    pub fn forget(&mut self, job: &Key) {
        self.wishes.retain(|_, wish| wish.job != *job || wish.is_sending);
    }

    /// The next write, if one may be sent now: verdicts first, then by age. It is on its way until [`Outbox::sent`].
    pub fn next(&mut self, now: Instant) -> Option<Due> {
        let (target, wish) = self
            .wishes
            .iter_mut()
            .filter(|(_, wish)| wish.ready_at(&self.writers) <= now)
            .filter(|(_, wish)| self.in_flight < IN_FLIGHT && wish.is_free(&self.writers))
            .min_by_key(|(_, wish)| (!wish.status.state.is_final(), wish.place))?;
        let writer = self.writers.entry(wish.writer.clone()).or_insert_with(|| WriterState {
            budget: Budget::per_minute(self.per_minute, now),
            paused_until: None,
            in_flight: 0,
        });
        if !writer.budget.take(now) {
            return None;
        }
        writer.in_flight += 1;
        self.in_flight += 1;
        wish.is_sending = true;
        Some(Due { job: wish.job.clone(), target: target.clone(), status: wish.status.clone() })
    }

    /// A write that was on its way has ended.
    pub fn sent(&mut self, due: &Due, result: Sent, now: Instant, jitter: f64) -> Settled {
        let Some(wish) = self.wishes.get_mut(&due.target) else {
            return Settled::Later;
        };
        wish.is_sending = false;
        self.in_flight -= 1;
        let mut pause = None;
        let settled = match result {
            Sent::Taken => Settled::Taken,
            Sent::Refused(reason) => Settled::Refused(reason),
            Sent::Failed { message, .. } if now.duration_since(wish.since) >= GIVE_UP_AFTER => {
                Settled::Refused(format!("given up: {message}"))
            }
            Sent::Failed { retry_after, .. } => {
                wish.failures += 1;
                wish.not_before =
                    now + retry_after.unwrap_or_else(|| backoff(wish.failures, LONGEST, jitter));
                pause = retry_after.map(|wait| now + wait);
                Settled::Later
            }
        };
        if let Some(writer) = self.writers.get_mut(&wish.writer) {
            writer.in_flight -= 1;
            writer.paused_until = writer.paused_until.max(pause);
        }
        // What was wished for meanwhile is still to be sent.
        if settled != Settled::Later && wish.status == due.status {
            self.wishes.remove(&due.target);
        }
        settled
    }

    /// A write that was due has nobody left to make it.
    pub fn forget_sent(&mut self, due: &Due) {
        if let Some(wish) = self.wishes.remove(&due.target) {
            self.in_flight -= 1;
            if let Some(writer) = self.writers.get_mut(&wish.writer) {
                writer.in_flight -= 1;
            }
        }
    }

    /// When the next write becomes due, if only time is lacking.
    pub fn wake_at(&self) -> Option<Instant> {
        if self.in_flight >= IN_FLIGHT {
            return None;
        }
        let free = self.wishes.values().filter(|wish| wish.is_free(&self.writers));
        free.map(|wish| wish.ready_at(&self.writers)).min()
    }
}

impl Wish {
    /// Whether only time keeps it from being sent.
    fn is_free(&self, writers: &HashMap<Writer, WriterState>) -> bool {
        !self.is_sending
            && writers.get(&self.writer).is_none_or(|writer| writer.in_flight < IN_FLIGHT_PER_WRITER)
    }

    /// When its own delay, its credential's budget and its host's wish to be left alone are all over.
    fn ready_at(&self, writers: &HashMap<Writer, WriterState>) -> Instant {
        writers.get(&self.writer).map_or(self.not_before, |writer| {
            let paused_until = writer.paused_until.unwrap_or(self.not_before);
            self.not_before.max(writer.budget.ready_at()).max(paused_until)
        })
    }
}

#[cfg(test)]
mod tests;
