//! How fast one credential may write: one budget for all its writes. Pure: time is an argument.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use kube::ResourceExt;
use tidegate_model::{Host, SecretKeyRef};
use tidegate_resources::IntegrationConfig;

/// The credential whose budget a write counts against.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialKey {
    /// The namespace of the credential.
    pub namespace: String,
    /// The kind of host.
    pub host: Host,
    /// The host's address.
    pub api_url: String,
    /// The credential.
    pub secret: SecretKeyRef,
}

impl CredentialKey {
    /// The credential of a config; `None` if it names none.
    pub fn for_config(config: &IntegrationConfig) -> Option<Self> {
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

/// The kind of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// A commit status. It goes first: it may use nine tenths of the budget, and what answers leave. A tenth of the burst is
    /// reserved for answers, which would otherwise starve while statuses wait.
    Status,
    /// The answer to a comment: never more than a tenth of the budget, however many comments there are.
    Answer,
}

/// The budgets of all credentials, and the pauses that their hosts asked for.
#[derive(Debug)]
pub struct Budgets {
    per_minute: u32,
    allowances: HashMap<CredentialKey, Allowance>,
}

#[derive(Debug)]
struct Allowance {
    budget: Budget,
    /// The part of it that answers may use.
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
            // In this order: a token of the tenth is only taken if the budget has one, too.
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
        Self { per_minute: writes, allowances: HashMap::new() }
    }

    /// Takes one write out of a credential's budget, or returns when it will be allowed.
    pub fn take(&mut self, credential: &CredentialKey, write: Write, now: Instant) -> Result<(), Instant> {
        let allowance = self.allowance(credential, now);
        if allowance.paused_until.is_none_or(|paused| paused <= now) && allowance.take(write, now) {
            Ok(())
        } else {
            Err(allowance.ready_at(write))
        }
    }

    /// When a credential's next write is allowed; `None` when it is now.
    pub fn ready_at(&self, credential: &CredentialKey, write: Write) -> Option<Instant> {
        self.allowances.get(credential).map(|allowance| allowance.ready_at(write))
    }

    /// The host asks for a pause: the credential writes nothing until then.
    pub fn pause(&mut self, credential: &CredentialKey, until: Instant, now: Instant) {
        let allowance = self.allowance(credential, now);
        allowance.paused_until = allowance.paused_until.max(Some(until));
    }

    fn allowance(&mut self, credential: &CredentialKey, now: Instant) -> &mut Allowance {
        let per_minute = self.per_minute;
        self.allowances.entry(credential.clone()).or_insert_with(|| Allowance::new(per_minute, now))
    }
}

/// A token bucket: at most `per_minute` writes in any minute, a third of them at once.
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

    /// What statuses reserve for answers: a tenth of the burst, at least one write if the burst is two or more.
    fn reserve(&self) -> f64 {
        let least = if self.burst >= 2.0 { 1.0 } else { 0.0 };
        (self.burst / 10.0).floor().max(least)
    }

    /// Whether there is one write beside the reserve.
    fn has(&mut self, reserve: f64, now: Instant) -> bool {
        self.count(now);
        self.tokens >= 1.0 + reserve
    }

    /// Takes one write out of the budget, if there is one beside the reserve.
    fn take(&mut self, reserve: f64, now: Instant) -> bool {
        let is_there = self.has(reserve, now);
        if is_there {
            self.tokens -= 1.0;
        }
        is_there
    }

    /// When the next write is allowed beside the reserve, which is less than the burst.
    fn ready_at(&self, reserve: f64) -> Instant {
        let needed = 1.0 + reserve;
        if self.tokens >= needed {
            return self.counted_at;
        }
        // A little later than exactly then, so that rounding causes no wake-up too early.
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
