//! The commands of one queue that wait in this process or are in progress.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::shares::{self, Lane};

/// The most commands of one queue that are in progress at once.
const IN_HAND: usize = 64;
/// The most that wait here beside them, so that `shares` has a choice.
const WAITING: usize = 192;
/// The most of one pull request that wait here. Its others wait in SQS.
const WAITING_OF_PULL_REQUEST: usize = 8;

#[derive(Debug, Default)]
pub struct Slots {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    in_flight: Vec<(u64, Lane)>,
    waiting: Vec<(u64, Lane, oneshot::Sender<()>)>,
    last: u64,
}

/// A waiting position, and then a slot. Dropping it frees both.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    id: u64,
    begin: Option<oneshot::Receiver<()>>,
}

impl Slots {
    /// How many more commands may come, once there is room for one: at most ten.
    pub async fn room(&self) -> u8 {
        loop {
            // Registered before the look, so that no leave in between is missed.
            let left = self.left.notified();
            let room = WAITING.saturating_sub(self.lock().waiting.len());
            if room > 0 {
                return u8::try_from(room.min(10)).unwrap_or(10);
            }
            left.await;
        }
    }

    /// Admits a command; `None` if its lane uses its share of the waiting positions.
    pub fn enter(self: &Arc<Self>, lane: Lane) -> Option<Slot> {
        let mut state = self.lock();
        let waiting: Vec<_> = state.waiting.iter().map(|(_, lane, _)| lane).collect();
        if !shares::may_wait(WAITING, &waiting, &lane, WAITING_OF_PULL_REQUEST) {
            return None;
        }
        state.last += 1;
        let id = state.last;
        let (sender, begin) = oneshot::channel();
        state.waiting.push((id, lane, sender));
        state.begin();
        drop(state);
        Some(Slot { slots: Arc::clone(self), id, begin: Some(begin) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives a slot to every command that may start.
    fn begin(&mut self) {
        loop {
            let in_flight: Vec<Lane> = self.in_flight.iter().map(|(_, lane)| lane.clone()).collect();
            let waiting: Vec<_> = self.waiting.iter().map(|(_, lane, _)| lane).collect();
            let Some(place) = shares::next(IN_HAND, &in_flight, &waiting) else { return };
            let (id, lane, begin) = self.waiting.remove(place);
            // Its task was dropped: its slot goes to the next.
            if begin.send(()).is_ok() {
                self.in_flight.push((id, lane));
            }
        }
    }
}

impl Slot {
    /// Waits for the slot.
    pub async fn begun(&mut self) {
        if let Some(begin) = self.begin.take() {
            // The sender is kept until it is used.
            drop(begin.await);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.lock();
        state.in_flight.retain(|(id, _)| *id != self.id);
        state.waiting.retain(|(id, ..)| *id != self.id);
        state.begin();
        drop(state);
        self.slots.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn lane(pull_request: &str) -> Lane {
        Lane {
            site: "site".to_owned(),
            credential: "credential".to_owned(),
            pull_request: Some(pull_request.to_owned()),
            is_comment: true,
        }
    }

    #[tokio::test]
    async fn a_command_begins_when_the_one_before_it_on_its_pull_request_ends() {
        let slots = Arc::new(Slots::default());
        let enter = |pull_request| slots.enter(lane(pull_request)).expect("a place");
        let (mut first, mut second, mut other) = (enter("7"), enter("7"), enter("8"));
        assert!(first.begun().now_or_never().is_some());
        assert!(other.begun().now_or_never().is_some(), "another pull request doesn't wait for it");
        assert!(slots.lock().in_flight.len() == 2);
        drop(first);
        assert!(second.begun().now_or_never().is_some());
        drop((second, other));
        let state = slots.lock();
        assert!(state.in_flight.is_empty() && state.waiting.is_empty());
    }

    #[tokio::test]
    async fn a_noisy_pull_request_fills_no_more_than_its_places_and_leaves_room() {
        let slots = Arc::new(Slots::default());
        let noise: Vec<_> = (0..64).map_while(|_| slots.enter(lane("7"))).collect();
        assert_eq!(noise.len(), 1 + WAITING_OF_PULL_REQUEST, "one in flight, the others wait");
        assert_eq!(slots.room().now_or_never(), Some(10));
        assert!(slots.enter(lane("8")).is_some());
        drop(noise);
        assert!(slots.enter(lane("7")).is_some());
    }
}
