//! A gate that a part of the sandbox holds a request at, until a test opens it: so a test knows how far a program is
//! without a word of the program's, and can end it right there.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use tokio::sync::watch;

/// How long a test waits until a request stands at a gate.
const PATIENCE: Duration = Duration::from_mins(1);

/// When a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before it has taken effect.
    Before,
    /// After that, before it is answered.
    After,
}

/// A gate. Clones are handles to the same one; it is closed at first.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<State>>);

#[derive(Debug, Default)]
struct State {
    /// How many requests have come to the gate.
    reached: usize,
    /// How many stand at it, and how many did so at most.
    standing: usize,
    most: usize,
    open: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl Gate {
    /// Stands at the gate until it is open.
    pub async fn pass(&self) {
        let mut state = self.0.subscribe();
        self.0.send_modify(|state| {
            state.reached += 1;
            state.standing += 1;
            state.most = state.most.max(state.standing);
        });
        let _standing = Standing(self);
        state.wait_for(|state| state.open).await.expect("self holds the sender");
    }

    /// Waits until a request has come to the gate.
    pub async fn reached(&self) -> Result<()> {
        let mut state = self.0.subscribe();
        let reached = tokio::time::timeout(PATIENCE, state.wait_for(|state| state.reached > 0)).await;
        reached.context("no request came to the gate")?.context("the gate is gone").map(drop)
    }

    /// How many requests stood at the gate at once, at most.
    pub fn most(&self) -> usize {
        self.0.borrow().most
    }

    /// Opens it for good.
    pub fn open(&self) {
        self.0.send_modify(|state| state.open = true);
    }
}

/// A request at a gate. It goes when the gate opens, or when its client does.
struct Standing<'a>(&'a Gate);

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.standing -= 1);
    }
}

/// Requests to hold, by what identifies them.
#[derive(Debug)]
pub struct Gates<K>(std::sync::Mutex<Vec<(K, Moment, Gate)>>);

impl<K> Default for Gates<K> {
    fn default() -> Self {
        Self(std::sync::Mutex::default())
    }
}

impl<K: PartialEq> Gates<K> {
    /// Holds the next such request.
    pub fn hold_next(&self, what: K, moment: Moment) -> Gate {
        let gate = Gate::default();
        self.rules().push((what, moment, gate.clone()));
        gate
    }

    /// Holds this request if it is to be held at this moment.
    pub async fn pass(&self, what: &K, moment: Moment) {
        let rule = {
            let mut rules = self.rules();
            let found = rules.iter().position(|(wanted, when, _)| wanted == what && *when == moment);
            found.map(|index| rules.remove(index))
        };
        if let Some((_, _, gate)) = rule {
            gate.pass().await;
        }
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<(K, Moment, Gate)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gate_knows_how_many_stood_at_it_at_once() {
        let gate = Gate::default();
        for _ in 0..2 {
            let both = async { tokio::join!(gate.pass(), gate.pass()) };
            assert!(tokio::time::timeout(Duration::ZERO, both).await.is_err(), "it is closed");
        }
        assert_eq!(gate.most(), 2, "the first two went before the others came");
    }

    #[tokio::test]
    async fn the_next_request_of_its_kind_is_held_until_the_gate_opens() {
        let gates = Gates::default();
        let gate = gates.hold_next("create", Moment::Before);
        gates.pass(&"delete", Moment::Before).await;
        gates.pass(&"create", Moment::After).await;
        let opened = async {
            gate.reached().await.expect("it is held");
            gate.open();
        };
        tokio::join!(gates.pass(&"create", Moment::Before), opened);
        // One was held; the one after it is not.
        gates.pass(&"create", Moment::Before).await;
    }
}
