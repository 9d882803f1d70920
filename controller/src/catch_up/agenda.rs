//! The tasks of the catch-up, and when each is tried next. Pure: time is an argument.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    retry::{self, Failure, MAX_DELAY, Next},
    trigger::error::WaitsFor,
};

/// The wanted tasks, by their subjects.
#[derive(Debug)]
pub struct Agenda<K, W>(BTreeMap<K, Entry<W>>);

#[derive(Debug)]
struct Entry<W> {
    want: W,
    state: State,
    /// How often it was tried, and how often in a row it failed without a known remedy.
    tries: u32,
    tries_in_a_row: u32,
    /// Whether the long failure was logged.
    is_known_to_fail: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Due(Instant),
    InHand {
        /// Whether the task has changed since the try was started.
        is_outdated: bool,
    },
}

/// The result of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It succeeded. If the task is still wanted, it is tried again later.
    Done,
    /// It failed, and this can end the failure.
    Failed(WaitsFor, Option<Duration>),
}

impl<K, W> Default for Agenda<K, W> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone, W: Eq + Clone> Agenda<K, W> {
    /// Replaces the wanted tasks. New and changed ones are due at once.
    pub fn want(&mut self, wanted: BTreeMap<K, W>, now: Instant) {
        self.0.retain(|key, entry| wanted.contains_key(key) || matches!(entry.state, State::InHand { .. }));
        for (key, want) in wanted {
            let new = || Entry {
                want: want.clone(),
                state: State::Due(now),
                tries: 0,
                tries_in_a_row: 0,
                is_known_to_fail: false,
            };
            let entry = self.0.entry(key).or_insert_with(new);
            if entry.want == want {
                continue;
            }
            *entry = match entry.state {
                State::InHand { .. } => Entry { state: State::InHand { is_outdated: true }, ..new() },
                State::Due(_) => new(),
            };
        }
    }

    /// The next due task, if fewer than `max` are in flight. It is in flight from now on.
    pub fn next(&mut self, now: Instant, max: usize) -> Option<(K, W)> {
        let in_flight = self.0.values().filter(|entry| matches!(entry.state, State::InHand { .. })).count();
        if in_flight >= max {
            return None;
        }
        let is_due = |entry: &Entry<W>| matches!(entry.state, State::Due(at) if at <= now);
        let (key, entry) = self.0.iter_mut().find(|(_, entry)| is_due(entry))?;
        entry.state = State::InHand { is_outdated: false };
        Some((key.clone(), entry.want.clone()))
    }

    /// A try has ended; `jitter` is from 0 to 1. Where a command would be given up, this returns the reason, once: from then on
    /// the tries are as far apart as possible. Nobody else would try again.
    pub fn ended(&mut self, key: &K, ended: Ended, now: Instant, jitter: f64) -> Option<String> {
        let entry = self.0.get_mut(key)?;
        if entry.state == (State::InHand { is_outdated: true }) {
            entry.state = State::Due(now);
            return None;
        }
        let (waits_for, retry_after) = match ended {
            Ended::Done => (WaitsFor::MoreTries, None),
            Ended::Failed(waits_for, retry_after) => (waits_for, retry_after),
        };
        entry.tries += 1;
        entry.tries_in_a_row = if waits_for == WaitsFor::MoreTries { entry.tries_in_a_row + 1 } else { 0 };
        let failure = Failure {
            waits_for,
            tries: entry.tries_in_a_row,
            receives: entry.tries,
            age: Duration::ZERO,
            retry_after,
        };
        match retry::next(&failure, jitter) {
            Next::TryAgain(delay) => {
                entry.state = State::Due(now + delay);
                None
            }
            Next::GiveUp(why) => {
                entry.state = State::Due(now + MAX_DELAY);
                (!std::mem::replace(&mut entry.is_known_to_fail, true)).then_some(why)
            }
        }
    }

    /// When the next task becomes due.
    pub fn wake_at(&self, now: Instant) -> Option<Instant> {
        let due = self.0.values().filter_map(|entry| match entry.state {
            State::Due(at) => Some(at),
            State::InHand { .. } => None,
        });
        due.filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn wanted(wants: &[(&'static str, u32)]) -> BTreeMap<&'static str, u32> {
        wants.iter().copied().collect()
    }

    #[test]
    fn a_task_is_taken_once_and_only_some_are_in_flight() {
        let (now, mut agenda) = (Instant::now(), Agenda::default());
        agenda.want(wanted(&[("a", 1), ("b", 1), ("c", 1)]), now);
        assert_eq!(agenda.next(now, 2), Some(("a", 1)));
        assert_eq!(agenda.next(now, 2), Some(("b", 1)));
        assert_eq!(agenda.next(now, 2), None, "two are in flight");
        agenda.want(wanted(&[("b", 1), ("c", 1)]), now);
        assert_eq!(agenda.ended(&"a", Ended::Done, now, 0.0), None);
        assert_eq!(agenda.next(now, 2), Some(("c", 1)));
    }

    #[test]
    fn a_task_that_stays_wanted_is_tried_with_growing_pauses_until_it_changes() {
        let (mut now, mut agenda) = (Instant::now(), Agenda::default());
        let mut tries = 0;
        loop {
            agenda.want(wanted(&[("a", 1)]), now);
            assert!(agenda.next(now, 9).is_some());
            assert_eq!(agenda.next(now, 9), None);
            tries += 1;
            if agenda.ended(&"a", Ended::Done, now, 0.0).is_some() {
                break;
            }
            assert_eq!(agenda.next(now, 9), None, "there must be no hot loop");
            now = agenda.wake_at(now).expect("it is tried again");
        }
        assert_eq!(tries, retry::MAX_TRIES);
        for _ in 0..3 {
            agenda.want(wanted(&[("a", 1)]), now);
            assert_eq!(agenda.wake_at(now), Some(now + MAX_DELAY));
            now += MAX_DELAY;
            assert!(agenda.next(now, 9).is_some());
            assert_eq!(agenda.ended(&"a", Ended::Done, now, 0.0), None, "it was reported already");
        }
        agenda.want(wanted(&[("a", 2)]), now);
        assert_eq!(agenda.next(now, 9), Some(("a", 2)), "something else is wanted");
    }

    #[test]
    fn a_retry_waits_for_the_end_of_an_outage_and_for_the_pause_of_the_host() {
        let (now, mut agenda) = (Instant::now(), Agenda::default());
        agenda.want(wanted(&[("a", 1)]), now);
        assert!(agenda.next(now, 9).is_some());
        let failed = Ended::Failed(WaitsFor::Host, Some(MINUTE));
        assert_eq!(agenda.ended(&"a", failed, now, 0.0), None);
        assert_eq!(agenda.wake_at(now), Some(now + MINUTE));
        assert_eq!(agenda.next(now, 9), None);
        assert_eq!(agenda.next(now + MINUTE, 9), Some(("a", 1)));
    }

    #[test]
    fn a_task_that_changes_while_in_flight_is_tried_again_at_once() {
        let (now, mut agenda) = (Instant::now(), Agenda::default());
        agenda.want(wanted(&[("a", 1)]), now);
        assert!(agenda.next(now, 9).is_some());
        agenda.want(wanted(&[("a", 2)]), now);
        assert_eq!(agenda.next(now, 9), None, "one at a time");
        assert_eq!(agenda.ended(&"a", Ended::Failed(WaitsFor::Host, None), now, 0.0), None);
        assert_eq!(agenda.next(now, 9), Some(("a", 2)));
    }

    #[test]
    fn an_unwanted_task_is_removed() {
        let (now, mut agenda) = (Instant::now(), Agenda::default());
        agenda.want(wanted(&[("a", 1)]), now);
        agenda.want(wanted(&[]), now);
        assert_eq!(agenda.next(now, 9), None);
    }
}
