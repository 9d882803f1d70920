//! How long keys are believed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_telemetry::{chain, field};
use tokio::sync::Mutex;

use crate::{FetchError, SecretStore, WebhookKeys};

/// The keys, read at most once in five minutes (or what an operator sets), and once more when a signature doesn't fit them.
///
/// Callers that come at the same time wait for one read. Time is an argument: the moment when the caller's request
/// began.
#[derive(Debug)]
pub struct KeyCache {
    store: SecretStore,
    fresh: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cached: Option<Cached>,
    attempted_at: Option<Instant>,
    /// Whether the last attempt failed: an outage is logged once.
    failing: bool,
}

#[derive(Debug)]
struct Cached {
    keys: Arc<WebhookKeys>,
    at: Instant,
}

/// Why there are no keys to check a signature with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// They can't be read.
    #[error("failed to read the master keys")]
    Fetch(#[from] FetchError),
    /// They could not be read a moment ago, and are not tried again yet.
    #[error("failed to read the master keys a moment ago")]
    Paused,
}

impl KeyCache {
    /// How long keys are used without a look at the secret, unless an operator says otherwise.
    pub const FRESH: Duration = Duration::from_mins(5);
    /// How long keys are used when the secret can't be read: an outage of Secrets Manager stops no delivery, but a
    /// revoked key is not used for longer.
    pub const MAX_STALE: Duration = Duration::from_hours(1);
    /// The shortest time between two reads while there are keys to use.
    pub const PAUSE: Duration = Duration::from_mins(1);
    /// The shortest time between two reads while no keys could be read.
    pub const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(1);

    /// A cache that has read nothing yet; `fresh` is how long keys are used without a look at the secret.
    pub fn new(store: SecretStore, fresh: Duration) -> Self {
        Self { store, fresh, state: Mutex::default() }
    }

    /// How long keys are used without a look at the secret.
    pub fn fresh(&self) -> Duration {
        self.fresh
    }

    /// The keys, read again when they are no longer [`fresh`](Self::fresh).
    pub async fn get(&self, now: Instant) -> Result<Arc<WebhookKeys>, KeysError> {
        let mut state = self.state.lock().await;
        if let Some(keys) = state.younger_than(self.fresh, now) {
            return Ok(keys);
        }
        let usable = state.younger_than(Self::MAX_STALE, now);
        let pause = if usable.is_some() { Self::PAUSE.min(self.fresh) } else { Self::PAUSE_WITHOUT_KEYS };
        if state.attempted_within(pause, now) {
            return usable.ok_or(KeysError::Paused);
        }
        let was_failing = state.failing;
        match (self.fetch(&mut state, now).await, usable) {
            (Ok(keys), _) => Ok(keys),
            (Err(error), None) => Err(error.into()),
            (Err(error), Some(keys)) => {
                if !was_failing {
                    warn_stale(&error);
                }
                Ok(keys)
            }
        }
    }

    /// Other keys than those that a signature was `tried` with, if there are any to be had: the secret is read, but at
    /// most once in [`PAUSE`](Self::PAUSE), so that forged deliveries can't make us read it all the time.
    pub async fn refetch_after_failed_check(
        &self,
        tried: &Arc<WebhookKeys>,
        now: Instant,
    ) -> Option<Arc<WebhookKeys>> {
        let mut state = self.state.lock().await;
        if let Some(cached) = &state.cached
            && !Arc::ptr_eq(&cached.keys, tried)
        {
            return Some(Arc::clone(&cached.keys));
        }
        if state.attempted_within(Self::PAUSE, now) {
            return None;
        }
        let was_failing = state.failing;
        match self.fetch(&mut state, now).await {
            Ok(keys) => Some(keys),
            Err(error) => {
                if !was_failing {
                    warn_stale(&error);
                }
                None
            }
        }
    }

    async fn fetch(&self, state: &mut State, now: Instant) -> Result<Arc<WebhookKeys>, FetchError> {
        state.attempted_at = Some(now);
        let fetched = self.store.fetch().await;
        state.failing = fetched.is_err();
        let keys = Arc::new(fetched?);
        state.cached = Some(Cached { keys: Arc::clone(&keys), at: now });
        Ok(keys)
    }
}

impl State {
    fn younger_than(&self, age: Duration, now: Instant) -> Option<Arc<WebhookKeys>> {
        let cached = self.cached.as_ref()?;
        (now.saturating_duration_since(cached.at) < age).then(|| Arc::clone(&cached.keys))
    }

    fn attempted_within(&self, pause: Duration, now: Instant) -> bool {
        self.attempted_at.is_some_and(|at| now.saturating_duration_since(at) < pause)
    }
}

fn warn_stale(error: &FetchError) {
    tracing::warn!({ field::ERROR } = %chain(error), "failed to read the master keys again, older ones stay in use");
}

#[cfg(test)]
mod tests;
