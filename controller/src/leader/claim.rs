//! Who holds the lease, and whether it may be taken. Pure: time is an argument.
//!
//! Clocks of machines differ, so no replica compares the times in the lease with its own clock. As in client-go, a lease has
//! expired when a standby has seen no change of it for its duration. Source:
//! <https://github.com/kubernetes/client-go/blob/master/tools/leaderelection/leaderelection.go>

use std::time::{Duration, Instant};

/// A lease as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its `resourceVersion`: every renewal changes it.
    pub version: String,
    /// Who holds it; `None` once it was released.
    pub holder: Option<String>,
    /// How long it is valid without a renewal, as its holder wrote it.
    pub duration: Duration,
    /// How often its holder has changed.
    pub transitions: i32,
}

/// The lease as one replica saw it last, and since when by its own clock.
#[derive(Debug, Default)]
pub struct Observed(Option<(Record, Instant)>);

/// The next action of a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The lease doesn't exist: create it.
    Create,
    /// It is ours: renew it.
    Renew(Record),
    /// It was released, or has expired: take it.
    Take(Record),
    /// Another replica holds it.
    Wait {
        /// Who.
        holder: String,
    },
}

impl Observed {
    /// Records what was read at `now`. An unchanged record keeps the time at which it was first seen.
    pub fn observe(&mut self, record: Option<Record>, now: Instant) {
        let known = self.0.take().filter(|(known, _)| Some(known) == record.as_ref());
        self.0 = known.or_else(|| record.map(|record| (record, now)));
    }

    /// The next action of the replica `identity` at `now`.
    pub fn claim(&self, identity: &str, now: Instant) -> Claim {
        let Some((record, since)) = &self.0 else {
            return Claim::Create;
        };
        match &record.holder {
            Some(holder) if holder == identity => Claim::Renew(record.clone()),
            Some(holder) if now.duration_since(*since) < record.duration => {
                Claim::Wait { holder: holder.clone() }
            }
            Some(_) | None => Claim::Take(record.clone()),
        }
    }
}

/// How long the leader may act on its last renewal.
///
/// Counted from before the renewal was sent: others count from when they see it, which is later.
#[derive(Debug, Clone, Copy)]
pub struct LeaseTerm {
    renewed: Instant,
    duration: Duration,
}

impl LeaseTerm {
    /// The term that a renewal sent at `renewed` gives.
    pub fn new(renewed: Instant, duration: Duration) -> Self {
        Self { renewed, duration }
    }

    /// When the leader gives up and begins to end its loops: after two thirds.
    pub fn gives_up_at(&self) -> Instant {
        self.renewed + self.duration * 2 / 3
    }

    /// When another replica may take the lease: by then no loop may be active.
    pub fn expires_at(&self) -> Instant {
        self.renewed + self.duration
    }
}

/// The interval of renewals, and the timeout of one: a fifth of the lease's duration.
pub fn renew_every(duration: Duration) -> Duration {
    duration / 5
}

/// The interval of a standby's reads: short, so that a released lease is taken at once.
pub fn look_every(duration: Duration) -> Duration {
    renew_every(duration).min(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
