//! What is remembered between comments: what was answered, and how many answers a credential may still
//! write. Losing it costs at most a reaction of a second account.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tidegate_model::CommentId;
use tidegate_resources::IntegrationConfig;

use crate::{
    drain::turns::PullRequest,
    report::{Writer, budget::Budget, writer_of},
};

/// Answers that one credential may write in a minute. They come on top of its statuses; GitHub's secondary limit for all
/// that makes content is 80.
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>
const ANSWERS_PER_MINUTE: u32 = 30;
/// How many answered comments are remembered.
const ANSWERED: usize = 512;

/// One comment, whichever config's hook brought it.
pub type Key = (PullRequest, CommentId);

/// See the module.
#[derive(Debug, Default)]
pub struct Memory {
    answered: Mutex<VecDeque<Key>>,
    budgets: Mutex<HashMap<Writer, Budget>>,
}

impl Memory {
    /// Whether this process has answered a comment.
    pub fn is_answered(&self, key: &Key) -> bool {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// A comment was answered.
    pub fn answered(&self, key: Key) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() == ANSWERED {
            answered.pop_front();
        }
        answered.push_back(key);
    }

    /// Takes one answer out of the budget of a config's credential, or says how long it takes until there is one.
    pub fn take_answer(&self, config: &IntegrationConfig, now: Instant) -> Result<(), Duration> {
        // Without a credential there is no client either.
        let Some(writer) = writer_of(config) else {
            return Ok(());
        };
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = budgets.entry(writer).or_insert_with(|| Budget::per_minute(ANSWERS_PER_MINUTE, now));
        if budget.take(now) { Ok(()) } else { Err(budget.ready_at().saturating_duration_since(now)) }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::PullRequestNumber;

    use super::*;
    use crate::drain::chat::decide::tests::config;

    #[test]
    fn the_last_answered_comments_are_remembered() {
        let pull_request = PullRequest::of(&config("shop", &["unit"]), PullRequestNumber(7));
        let comment = |id| (pull_request.clone(), CommentId(id));
        let memory = Memory::default();
        assert!(!memory.is_answered(&comment(0)));
        memory.answered(comment(0));
        assert!(memory.is_answered(&comment(0)));
        (1..=ANSWERED as u64).for_each(|id| memory.answered(comment(id)));
        assert!(!memory.is_answered(&comment(0)));
        assert_eq!(memory.answered.lock().expect("no panic").len(), ANSWERED);
    }

    #[test]
    fn answers_have_a_budget() {
        let (memory, config, now) = (Memory::default(), config("shop", &["unit"]), Instant::now());
        let taken = std::iter::repeat_with(|| memory.take_answer(&config, now)).take_while(Result::is_ok);
        assert_eq!(taken.count(), 10);
        let wait = memory.take_answer(&config, now).expect_err("it is used up");
        assert!(wait > Duration::ZERO && wait < Duration::from_secs(10), "{wait:?}");
        assert_eq!(memory.take_answer(&config, now + wait), Ok(()));
    }
}
