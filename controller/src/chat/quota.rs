//! How many answers a person gets on a pull request, or on the commits of a repository. Pure: time is an argument.
//!
//! Whoever may comment can cause an answer, and an answer costs calls of the host and notifies all participants. A restart
//! resets the quotas.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tidegate_model::Login;

/// The burst: replies at once.
const AT_ONCE: u32 = 10;
/// The interval after which one more is allowed.
const AGAIN: Duration = Duration::from_mins(5);
/// The most persons in memory. A person with a full quota is removed first.
const MAX_REMEMBERED: usize = 4096;

/// The answers that persons got, on each subject.
#[derive(Debug)]
pub struct Quota<On>(Mutex<HashMap<(On, Login), Given>>);

impl<On> Default for Quota<On> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug, Clone, Copy)]
struct Given {
    /// When the quota is full again.
    full_at: Instant,
    /// Whether the person has no permission but to comment, as far as was read.
    is_outsider: bool,
}

impl Given {
    fn is_used_up(&self, now: Instant) -> bool {
        // Each answer moves this by one wait. When all are used, nobody is answered before the next wait is over.
        self.full_at.saturating_duration_since(now) > AGAIN * (AT_ONCE - 1)
    }
}

impl<On: Clone + Eq + Hash> Quota<On> {
    /// Whether a person has an answer left.
    pub fn is_left(&self, on: &On, person: &Login, now: Instant) -> bool {
        !self.given(on, person).is_some_and(|given| given.is_used_up(now))
    }

    /// Whether an outsider would get no answer to any command: then no facts need to be read.
    pub fn is_silent(&self, on: &On, person: &Login, now: Instant) -> bool {
        self.given(on, person).is_some_and(|given| given.is_outsider && given.is_used_up(now))
    }

    /// A person got an answer. `is_outsider`: whether the person has no permission but to comment, if that was read.
    pub fn give(&self, on: On, person: Login, is_outsider: Option<bool>, now: Instant) {
        let mut persons = self.lock();
        let key = (on, person);
        if persons.len() >= MAX_REMEMBERED && !persons.contains_key(&key) {
            persons.retain(|_, given| given.full_at > now);
            // Thousands of persons: the one with the most answers left is removed.
            if persons.len() >= MAX_REMEMBERED
                && let Some(least) =
                    persons.iter().min_by_key(|(_, given)| given.full_at).map(|(key, _)| key.clone())
            {
                persons.remove(&least);
            }
        }
        let given = persons.entry(key).or_insert(Given { full_at: now, is_outsider: false });
        given.full_at = given.full_at.max(now) + AGAIN;
        given.is_outsider = is_outsider.unwrap_or(given.is_outsider);
    }

    fn given(&self, on: &On, person: &Login) -> Option<Given> {
        self.lock().get(&(on.clone(), person.clone())).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(On, Login), Given>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::PullRequestNumber;

    use super::*;
    use crate::{chat::plan::tests::config, runs::locks::PullRequest};

    fn on(number: u64) -> PullRequest {
        PullRequest::of(&config("shop", &["unit"]), PullRequestNumber(number))
    }

    fn login(name: &str) -> Login {
        name.parse().expect("a login")
    }

    /// How many answers a person gets who asks until no more comes.
    fn ask(quota: &Quota<PullRequest>, number: u64, name: &str, now: Instant) -> u32 {
        let mut count = 0;
        while quota.is_left(&on(number), &login(name), now) {
            quota.give(on(number), login(name), Some(true), now);
            count += 1;
        }
        count
    }

    #[test]
    fn a_person_gets_ten_answers_on_a_pull_request_and_then_one_each_five_minutes() {
        let (quota, now) = (Quota::default(), Instant::now());
        assert_eq!(ask(&quota, 7, "steve", now), 10);
        assert_eq!(ask(&quota, 7, "steve", now + Duration::from_secs(299)), 0);
        assert_eq!(ask(&quota, 7, "steve", now + Duration::from_mins(5)), 1);
        assert_eq!(ask(&quota, 7, "steve", now + Duration::from_hours(24)), 10);
        assert_eq!(ask(&quota, 8, "steve", now), 10, "on another pull request");
        assert_eq!(ask(&quota, 7, "dora", now), 10, "another person");
    }

    #[test]
    fn only_an_outsider_without_answers_is_not_looked_at() {
        let (quota, now) = (Quota::default(), Instant::now());
        assert!(!quota.is_silent(&on(7), &login("steve"), now));
        ask(&quota, 7, "steve", now);
        assert!(quota.is_silent(&on(7), &login("steve"), now));
        // Somebody who may write has commands that do more than answer.
        for _ in 0..20 {
            quota.give(on(7), login("dora"), Some(false), now);
        }
        assert!(!quota.is_silent(&on(7), &login("dora"), now));
        assert!(!quota.is_left(&on(7), &login("dora"), now));
    }

    #[test]
    fn the_number_of_persons_in_memory_is_bounded() {
        let (quota, now) = (Quota::default(), Instant::now());
        ask(&quota, 7, "steve", now);
        for number in 0..=MAX_REMEMBERED as u64 {
            quota.give(on(number), login("crowd"), None, now);
        }
        assert_eq!(quota.lock().len(), MAX_REMEMBERED);
        assert!(!quota.is_left(&on(7), &login("steve"), now), "who has used up the most is remembered");
    }
}
