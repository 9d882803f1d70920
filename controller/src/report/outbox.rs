//! Which commit status is sent next. Pure: time and chance are arguments.
//!
//! There is one entry for each commit and context: a newer status replaces an older one, and only one write is in flight, so an
//! older status never overwrites a newer one. A credential's budget is shared with its other writes, so it is an argument, too.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tidegate_model::CommitSha;
use tidegate_rules::status::Context;

use crate::{
    backoff::backoff,
    budget::{Budgets, CredentialKey, Write},
    key::Key,
    outcome::status_content::StatusContent,
};

/// The most writes of one credential in flight.
const IN_FLIGHT_PER_CREDENTIAL: usize = 4;
/// The most writes in flight.
const IN_FLIGHT: usize = 32;
/// The longest pause between two tries of a status. A status is state, so it is tried until the host accepts it.
const LONGEST: Duration = Duration::from_mins(10);
/// The longest pause that a host may ask for. GitHub's limits are reset every hour.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long a status waits that is likely to change soon.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// The key of one commit status.
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
    /// The host accepted it.
    Taken,
    /// The host doesn't take it, and a comment can say it.
    ToComment,
    /// The host refused it for good: the reason.
    Refused(String),
    /// It may succeed later.
    Failed {
        /// The pause that the host asks for.
        retry_after: Option<Duration>,
    },
}

/// What follows from the end of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteResult {
    /// The host accepted it.
    Taken,
    /// A comment is to say it.
    ToComment,
    /// It will never accept it: the reason.
    Refused(String),
    /// It is tried again.
    Later,
}

/// A write that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The key.
    pub target: Target,
    /// The status.
    pub status: StatusContent,
    /// The run whose page it links to.
    pub run: Option<String>,
}

/// All writes that are not settled.
#[derive(Debug, Default)]
pub struct Outbox {
    pending: HashMap<Target, Pending>,
    in_flight_of: HashMap<CredentialKey, usize>,
    in_flight: usize,
    next_position: u64,
}

#[derive(Debug)]
struct Pending {
    credential: CredentialKey,
    status: StatusContent,
    run: Option<String>,
    position: u64,
    not_before: Instant,
    failures: u32,
    is_sending: bool,
}

impl Outbox {
    /// Adds a status. It replaces an unsent one of the same target.
    pub fn enqueue(&mut self, due: Due, credential: CredentialKey, debounce: bool, now: Instant) {
        let Due { target, status, run } = due;
        let not_before = if debounce { now + DEBOUNCE } else { now };
        match self.pending.get_mut(&target) {
            Some(entry) if entry.status == status => entry.run = run,
            Some(entry) => {
                entry.run = run;
                entry.status = status;
                entry.not_before = not_before;
                entry.failures = 0;
            }
            None => {
                self.next_position += 1;
                let entry = Pending {
                    credential,
                    status,
                    run,
                    position: self.next_position,
                    not_before,
                    failures: 0,
                    is_sending: false,
                };
                self.pending.insert(target, entry);
            }
        }
    }

    /// A config was deleted, and its credential with it. Writes in flight are not affected.
    pub fn forget(&mut self, config: &Key) {
        self.pending.retain(|target, entry| target.config != *config || entry.is_sending);
    }

    /// The next write, if one may be sent now: verdicts first, then by age. It is in flight until [`Outbox::sent`].
    pub fn next(&mut self, budgets: &mut Budgets, now: Instant) -> Option<Due> {
        let (target, entry) = self
            .pending
            .iter_mut()
            .filter(|(_, entry)| entry.ready_at(budgets) <= now)
            .filter(|(_, entry)| self.in_flight < IN_FLIGHT && entry.is_free(&self.in_flight_of))
            .min_by_key(|(_, entry)| (!entry.status.state.is_final(), entry.position))?;
        budgets.take(&entry.credential, Write::Status, now).ok()?;
        *self.in_flight_of.entry(entry.credential.clone()).or_default() += 1;
        self.in_flight += 1;
        entry.is_sending = true;
        Some(Due { target: target.clone(), status: entry.status.clone(), run: entry.run.clone() })
    }

    /// A write in flight has ended.
    pub fn sent(
        &mut self,
        due: &Due,
        result: Sent,
        budgets: &mut Budgets,
        now: Instant,
        jitter: f64,
    ) -> WriteResult {
        let Some(entry) = self.pending.get_mut(&due.target) else {
            return WriteResult::Later;
        };
        entry.is_sending = false;
        self.in_flight -= 1;
        completed(&mut self.in_flight_of, &entry.credential);
        let settled = match result {
            Sent::Taken => WriteResult::Taken,
            Sent::ToComment => WriteResult::ToComment,
            Sent::Refused(reason) => WriteResult::Refused(reason),
            Sent::Failed { retry_after } => {
                let retry_after = retry_after.map(|wait| wait.min(LONGEST_PAUSE));
                entry.failures += 1;
                entry.not_before =
                    now + retry_after.unwrap_or_else(|| backoff(entry.failures, LONGEST, jitter));
                if let Some(wait) = retry_after {
                    budgets.pause(&entry.credential, now + wait, now);
                }
                WriteResult::Later
            }
        };
        // A status that replaced it meanwhile is still to be sent.
        if settled != WriteResult::Later && entry.status == due.status {
            self.pending.remove(&due.target);
        }
        settled
    }

    /// Drops a write that [`Outbox::next`] returned and whose config no longer exists.
    pub fn forget_sent(&mut self, due: &Due) {
        if let Some(entry) = self.pending.remove(&due.target) {
            self.in_flight -= 1;
            completed(&mut self.in_flight_of, &entry.credential);
        }
    }

    /// When the next write becomes due, if it waits only for time.
    pub fn wake_at(&self, budgets: &Budgets) -> Option<Instant> {
        if self.in_flight >= IN_FLIGHT {
            return None;
        }
        let free = self.pending.values().filter(|entry| entry.is_free(&self.in_flight_of));
        free.map(|entry| entry.ready_at(budgets)).min()
    }
}

impl Pending {
    /// Whether it waits for nothing but time.
    fn is_free(&self, in_flight_of: &HashMap<CredentialKey, usize>) -> bool {
        !self.is_sending
            && in_flight_of
                .get(&self.credential)
                .is_none_or(|in_flight| *in_flight < IN_FLIGHT_PER_CREDENTIAL)
    }

    /// When its own delay has passed, its credential's budget allows a write and the pause of its host is over.
    fn ready_at(&self, budgets: &Budgets) -> Instant {
        let allowed = budgets.ready_at(&self.credential, Write::Status);
        allowed.map_or(self.not_before, |allowed| allowed.max(self.not_before))
    }
}

fn completed(in_flight_of: &mut HashMap<CredentialKey, usize>, credential: &CredentialKey) {
    if let Some(in_flight) = in_flight_of.get_mut(credential) {
        *in_flight -= 1;
    }
}

#[cfg(test)]
mod tests;
