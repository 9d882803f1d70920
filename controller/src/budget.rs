//! How fast one credential may write: there is one budget for each, whatever it writes. Pure: time is an argument.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use kube::ResourceExt;
use tidegate_model::{Host, SecretKeyRef};
use tidegate_resources::IntegrationConfig;

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

impl Writer {
    /// Whose budget a config's writes count to. `None` where it names no credential.
    pub fn of(config: &IntegrationConfig) -> Option<Self> {
        let git = &config.spec.git;
        let app = git.github_app.as_ref().map(|app| &app.private_key_secret_ref);
        Some(Self {
            namespace: config.namespace().unwrap_or_default(),
            host: git.type_,
            api_url: git.api_url().to_owned(),
            secret: git.token_secret_ref.as_ref().or(app)?.clone(),
        })
    }
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// A commit status. It goes first: nine tenths of the budget are its own, and what answers leave. It leaves a tenth of the
    /// burst to answers, which would else find nothing as long as statuses wait.
    Status,
    /// The answer to a comment: never more than a tenth of the budget, however many comments there are.
    Answer,
}

/// The budgets of all credentials, and how long their hosts want to be left alone.
#[derive(Debug)]
pub struct Budgets {
    per_minute: u32,
    writers: HashMap<Writer, Allowance>,
}

#[derive(Debug)]
struct Allowance {
    budget: Budget,
    /// What of it answers may use.
    answers: Budget,
    paused_until: Option<Instant>,
}

impl Allowance {
    fn new(per_minute: u32, now: Instant) -> Self {
        let budget = Budget::per_minute(per_minute, now);
        let answers = budget.tenth(now);
        Self { budget, answers, paused_until: None }
    }

    fn take(&mut self, write: Write, now: Instant) -> bool {
        match write {
            Write::Status => self.budget.take(self.budget.reserve(), now),
            // In this order: what is taken from the tenth is also there in the whole.
            Write::Answer => {
                self.budget.has(0.0, now) && self.answers.take(0.0, now) && self.budget.take(0.0, now)
            }
        }
    }

    fn ready_at(&self, write: Write) -> Instant {
        let ready = match write {
            Write::Status => self.budget.ready_at(self.budget.reserve()),
            Write::Answer => self.budget.ready_at(0.0).max(self.answers.ready_at(0.0)),
        };
        self.paused_until.map_or(ready, |paused| paused.max(ready))
    }
}

impl Budgets {
    /// Budgets of so many writes a minute each.
    pub fn per_minute(writes: u32) -> Self {
        Self { per_minute: writes, writers: HashMap::new() }
    }

    /// Takes one write out of a credential's budget, or says when it will be allowed.
    pub fn take(&mut self, writer: &Writer, write: Write, now: Instant) -> Result<(), Instant> {
        let allowance = self.allowance(writer, now);
        if allowance.paused_until.is_none_or(|paused| paused <= now) && allowance.take(write, now) {
            Ok(())
        } else {
            Err(allowance.ready_at(write))
        }
    }

    /// When a credential's next write is allowed; `None` when it is now.
    pub fn ready_at(&self, writer: &Writer, write: Write) -> Option<Instant> {
        self.writers.get(writer).map(|allowance| allowance.ready_at(write))
    }

    /// A host asks to be left alone: nothing of the credential is written until then.
    pub fn pause(&mut self, writer: &Writer, until: Instant, now: Instant) {
        let allowance = self.allowance(writer, now);
        allowance.paused_until = allowance.paused_until.max(Some(until));
    }

    fn allowance(&mut self, writer: &Writer, now: Instant) -> &mut Allowance {
        let per_minute = self.per_minute;
        self.writers.entry(writer.clone()).or_insert_with(|| Allowance::new(per_minute, now))
    }
}

/// A token bucket: in no minute more writes than it was made for, a third of them at once.
#[derive(Debug)]
struct Budget {
    burst: f64,
    per_second: f64,
    tokens: f64,
    counted_at: Instant,
}

impl Budget {
    /// A budget of so many writes a minute, at least one.
    fn per_minute(writes: u32, now: Instant) -> Self {
        let writes = f64::from(writes.max(1));
        let burst = (writes / 3.0).max(1.0);
        Self { burst, per_second: ((writes - burst) / 60.0).max(1.0 / 60.0), tokens: burst, counted_at: now }
    }

    /// A tenth of it, at least one write at once.
    fn tenth(&self, now: Instant) -> Self {
        let burst = (self.burst / 10.0).max(1.0);
        Self { burst, per_second: self.per_second / 10.0, tokens: burst, counted_at: now }
    }

    /// What statuses leave to answers: a tenth of the burst, and one write where that is no more than half.
    fn reserve(&self) -> f64 {
        let least = if self.burst >= 2.0 { 1.0 } else { 0.0 };
        (self.burst / 10.0).floor().max(least)
    }

    /// Whether there is one write beside what is left alone.
    fn has(&mut self, left_alone: f64, now: Instant) -> bool {
        self.count(now);
        self.tokens >= 1.0 + left_alone
    }

    /// Takes one write out of the budget, if there is one beside what is left alone.
    fn take(&mut self, left_alone: f64, now: Instant) -> bool {
        let is_there = self.has(left_alone, now);
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }

    /// When the next write is allowed that leaves so much alone; never more than the burst.
    fn ready_at(&self, left_alone: f64) -> Instant {
        let needed = 1.0 + left_alone;
        if self.tokens >= needed {
            return self.counted_at;
        }
        // A little later than exactly then, so that rounding doesn't wake anybody in vain.
        let seconds = (needed - self.tokens) / self.per_second;
        self.counted_at + Duration::from_secs_f64(seconds) + Duration::from_millis(1)
    }

    fn count(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.counted_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.burst);
        self.counted_at = now;
    }
}

#[cfg(test)]
mod tests;
