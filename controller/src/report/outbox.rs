//! Which commit status is sent next. Pure: time and chance are arguments.
//!
//! There is one place for each commit and context: a newer wish takes the place of an older one, and only one write is on
//! its way, so an older status never overwrites a newer one. The budget of a credential is shared with what
//! else it writes, so it is an argument, too.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tidegate_model::CommitSha;
use tidegate_rules::status::Context;

use crate::{
    backoff::backoff,
    budget::{Budgets, Write, Writer},
    key::Key,
    outcome::said::Said,
};

/// Writes of one credential that may be on their way at once.
const IN_FLIGHT_PER_WRITER: usize = 4;
/// Writes of all credentials that may be on their way at once.
const IN_FLIGHT: usize = 32;
/// The longest pause between two tries of a status. A status is state, so it is tried until it is taken.
const LONGEST: Duration = Duration::from_mins(10);
/// The longest that a host is left alone because it asks for it. GitHub's limits are reset every hour.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long a status waits that is likely to change at once.
const FLEETING: Duration = Duration::from_millis(100);

/// The place of one commit status.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The config.
    pub config: Key,
    /// The commit.
    pub sha: CommitSha,
    /// The context, within the config.
    pub context: Context,
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
    /// Where to.
    pub target: Target,
    /// What.
    pub status: Said,
    /// The run whose page it links to.
    pub run: Option<String>,
}

/// All writes that are wished for and not settled.
#[derive(Debug, Default)]
pub struct Outbox {
    wishes: HashMap<Target, Wish>,
    in_flight_of: HashMap<Writer, usize>,
    in_flight: usize,
    next_place: u64,
}

#[derive(Debug)]
struct Wish {
    writer: Writer,
    status: Said,
    run: Option<String>,
    place: u64,
    not_before: Instant,
    failures: u32,
    is_sending: bool,
}

impl Outbox {
    /// Wishes for a status. It takes the place of what was wished for before.
    pub fn want(&mut self, due: Due, writer: Writer, is_fleeting: bool, now: Instant) {
        let Due { target, status, run } = due;
        let not_before = if is_fleeting { now + FLEETING } else { now };
        match self.wishes.get_mut(&target) {
            Some(wish) if wish.status == status => wish.run = run,
            Some(wish) => {
                wish.run = run;
                wish.status = status;
                wish.not_before = not_before;
                wish.failures = 0;
            }
            None => {
                self.next_place += 1;
                let wish = Wish {
                    writer,
                    status,
                    run,
                    place: self.next_place,
                    not_before,
                    failures: 0,
                    is_sending: false,
                };
                self.wishes.insert(target, wish);
            }
        }
    }

    /// A config is gone, and its credential with it. What is on its way still arrives.
    pub fn forget(&mut self, config: &Key) {
        self.wishes.retain(|target, wish| target.config != *config || wish.is_sending);
    }

    /// The next write, if one may be sent now: verdicts first, then by age. It is on its way until [`Outbox::sent`].
    pub fn next(&mut self, budgets: &mut Budgets, now: Instant) -> Option<Due> {
        let (target, wish) = self
            .wishes
            .iter_mut()
            .filter(|(_, wish)| wish.ready_at(budgets) <= now)
            .filter(|(_, wish)| self.in_flight < IN_FLIGHT && wish.is_free(&self.in_flight_of))
            .min_by_key(|(_, wish)| (!wish.status.state.is_final(), wish.place))?;
        budgets.take(&wish.writer, Write::Status, now).ok()?;
        *self.in_flight_of.entry(wish.writer.clone()).or_default() += 1;
        self.in_flight += 1;
        wish.is_sending = true;
        Some(Due { target: target.clone(), status: wish.status.clone(), run: wish.run.clone() })
    }

    /// A write that was on its way has ended.
    pub fn sent(
        &mut self,
        due: &Due,
        result: Sent,
        budgets: &mut Budgets,
        now: Instant,
        jitter: f64,
    ) -> Settled {
        let Some(wish) = self.wishes.get_mut(&due.target) else {
            return Settled::Later;
        };
        wish.is_sending = false;
        self.in_flight -= 1;
        landed(&mut self.in_flight_of, &wish.writer);
        let settled = match result {
            Sent::Taken => Settled::Taken,
            Sent::Refused(reason) => Settled::Refused(reason),
            Sent::Failed { retry_after } => {
                let retry_after = retry_after.map(|wait| wait.min(LONGEST_PAUSE));
                wish.failures += 1;
                wish.not_before =
                    now + retry_after.unwrap_or_else(|| backoff(wish.failures, LONGEST, jitter));
                if let Some(wait) = retry_after {
                    budgets.pause(&wish.writer, now + wait, now);
                }
                Settled::Later
            }
        };
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
            landed(&mut self.in_flight_of, &wish.writer);
        }
    }

    /// When the next write becomes due, if only time is lacking.
    pub fn wake_at(&self, budgets: &Budgets) -> Option<Instant> {
        if self.in_flight >= IN_FLIGHT {
            return None;
        }
        let free = self.wishes.values().filter(|wish| wish.is_free(&self.in_flight_of));
        free.map(|wish| wish.ready_at(budgets)).min()
    }
}

impl Wish {
    /// Whether only time keeps it from being sent.
    fn is_free(&self, in_flight_of: &HashMap<Writer, usize>) -> bool {
        !self.is_sending
            && in_flight_of.get(&self.writer).is_none_or(|in_flight| *in_flight < IN_FLIGHT_PER_WRITER)
    }

    /// When its own delay, its credential's budget and its host's wish to be left alone are all over.
    fn ready_at(&self, budgets: &Budgets) -> Instant {
        let allowed = budgets.ready_at(&self.writer, Write::Status);
        allowed.map_or(self.not_before, |allowed| allowed.max(self.not_before))
    }
}

fn landed(in_flight_of: &mut HashMap<Writer, usize>, writer: &Writer) {
    if let Some(in_flight) = in_flight_of.get_mut(writer) {
        *in_flight -= 1;
    }
}

#[cfg(test)]
mod tests;
