//! When a command that failed is tried again, and when it is given up. Pure: times are arguments.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{backoff::backoff, trigger::error::WaitsFor};

/// How long SQS keeps a command: what Terraform and SAM set. Then it deletes the command without a word.
pub const QUEUE_RETENTION: Duration = Duration::from_hours(7 * 24);
/// A command that fails this long before its retention ends is moved to the dead-letter queue, which keeps it and its reason.
/// Long enough for an operator's alarm on a weekend, and for the hours in which no controller runs.
pub const RETENTION_MARGIN: Duration = Duration::from_hours(24);
/// SQS moves a command that was received so often to the dead-letter queue without a reason: what Terraform and SAM set.
pub const MAX_RECEIVES: u32 = 1_000;
/// The controller moves it a few receptions earlier, with the reason.
const LAST_RECEIVE: u32 = MAX_RECEIVES - 10;
/// The longest wait between two tries.
pub const MAX_DELAY: Duration = Duration::from_mins(10);
/// The shortest: SQS counts in whole seconds, and zero would be a hot loop.
const MIN_DELAY: Duration = Duration::from_secs(1);
/// How often a command is tried whose failure neither time nor a person is known to end: four minutes.
pub const MAX_TRIES: u32 = 8;
/// So often a host's own wish alone decides when the next try is; a host that repeats it is asked less and less often.
const PROMPT_RECEIVES: u32 = 4;
/// How many commands' tries are remembered. Forgetting some costs more tries, no command.
const MAX_REMEMBERED: usize = 10_000;

/// A try that failed.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    /// What the command waits for.
    pub waits_for: WaitsFor,
    /// How many tries in a row failed without a known remedy, this one included.
    pub tries: u32,
    /// How often SQS gave the command to anybody.
    pub receives: u32,
    /// How long ago the command was sent.
    pub age: Duration,
    /// How long the host asked to be left alone.
    pub retry_after: Option<Duration>,
}

/// What becomes of a command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is tried again after this time.
    TryAgain(Duration),
    /// It goes to the dead-letter queue: why now, behind the error.
    GiveUp(String),
}

/// Decides about a try that failed; `jitter` is from 0 to 1.
pub fn next(failure: &Failure, jitter: f64) -> Next {
    let Failure { waits_for, tries, receives, age, retry_after } = *failure;
    if waits_for == WaitsFor::Nothing {
        return Next::GiveUp("trying again can't help".to_owned());
    }
    if waits_for == WaitsFor::MoreTries && tries >= MAX_TRIES {
        return Next::GiveUp(format!("it failed {tries} times in a row"));
    }
    if age >= QUEUE_RETENTION.saturating_sub(RETENTION_MARGIN) {
        let hours = age.as_secs() / 3600;
        return Next::GiveUp(format!("it waited for {hours} hours, and the queue would soon delete it"));
    }
    if receives >= LAST_RECEIVE {
        return Next::GiveUp(format!("it was received {receives} times, and SQS would soon move it"));
    }
    let failures = if waits_for == WaitsFor::MoreTries { tries } else { receives };
    let full = backoff(failures, MAX_DELAY, 0.0);
    // At the longest wait a little jitter is enough; more would use up the receptions before the time.
    let jitter = if full == MAX_DELAY { jitter / 4.0 } else { jitter };
    let grown = full.mul_f64(1.0 - jitter / 4.0);
    let delay = match retry_after {
        Some(asked) if receives <= PROMPT_RECEIVES => asked,
        Some(asked) => asked.max(grown),
        None => grown,
    };
    Next::TryAgain(delay.clamp(MIN_DELAY, MAX_DELAY))
}

/// How often commands failed in a row without a known remedy, by the ids of their messages. A restart forgets it.
#[derive(Debug, Default)]
pub struct Tries(Mutex<HashMap<String, u32>>);

impl Tries {
    /// Counts a failure; every other kind of failure ends the row.
    pub fn failed(&self, message: &str, waits_for: WaitsFor) -> u32 {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waits_for != WaitsFor::MoreTries {
            tries.remove(message);
            return 0;
        }
        if tries.len() >= MAX_REMEMBERED && !tries.contains_key(message) {
            tries.clear();
        }
        let count = tries.entry(message.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Forgets a command that is settled.
    pub fn settled(&self, message: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(message);
    }
}

#[cfg(test)]
mod tests;
