//! Who holds the lease, and whether it may be taken. Pure: time is an argument.
//!
//! Clocks of machines differ, so nobody compares the times in the lease with its own: as in client-go, a lease has
//! expired when it has not changed for its duration by the watch of the one who looks.
//! Source: <https://github.com/kubernetes/client-go/blob/master/tools/leaderelection/leaderelection.go>

use std::time::{Duration, Instant};

/// What a lease said when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its `resourceVersion`: every renewal changes it.
    pub version: String,
    /// Who holds it; `None` once it was released.
    pub holder: Option<String>,
    /// How long it holds without being renewed, in its holder's words.
    pub duration: Duration,
    /// How often it has changed hands.
    pub transitions: i32,
}

/// What one replica has seen of the lease, and since when by its own watch.
#[derive(Debug, Default)]
pub struct Observed(Option<(Record, Instant)>);

/// What a replica may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody has made the lease yet: make it.
    Create,
    /// It is ours: renew it.
    Renew(Record),
    /// It was released, or its holder is silent: take it.
    Take(Record),
    /// Somebody else holds it.
    Wait {
        /// Who.
        holder: String,
    },
}

impl Observed {
    /// Notes what was read at `now`. An unchanged record keeps the time at which it was first seen.
    pub fn note(&mut self, record: Option<Record>, now: Instant) {
        let known = self.0.take().filter(|(known, _)| Some(known) == record.as_ref());
        self.0 = known.or_else(|| record.map(|record| (record, now)));
    }

    /// What the replica of this name may do at `now`.
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
pub struct Tenure {
    renewed: Instant,
    duration: Duration,
}

impl Tenure {
    /// The tenure that a renewal sent at `renewed` gives.
    pub fn new(renewed: Instant, duration: Duration) -> Self {
        Self { renewed, duration }
    }

    /// When the leader gives up and begins to end its loops: after two thirds.
    pub fn gives_up_at(&self) -> Instant {
        self.renewed + self.duration * 2 / 3
    }

    /// When another may take the lease: by then nothing may go on.
    pub fn expires_at(&self) -> Instant {
        self.renewed + self.duration
    }
}

/// How long the leader waits between renewals, and how long one may take: five times a duration.
pub fn renew_every(duration: Duration) -> Duration {
    duration / 5
}

/// How long a standby waits between looks: short, so that a released lease is taken at once.
pub fn look_every(duration: Duration) -> Duration {
    renew_every(duration).min(Duration::from_secs(1))
}

#[cfg(test)]
mod tests;
