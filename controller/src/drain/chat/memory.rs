//! What is remembered between comments: whose turn it is, what was answered, and how many answers a credential may still
//! write. Losing it costs at most a reaction of a second account.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tidegate_model::{CommentId, Host};
use tidegate_resources::IntegrationConfig;
use tokio::sync::OwnedMutexGuard;

use crate::report::{Writer, budget::Budget, writer_of};

/// Answers that one credential may write in a minute. They come on top of its statuses; GitHub's secondary limit for all
/// that makes content is 80.
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>
const ANSWERS_PER_MINUTE: u32 = 30;
/// How many answered comments are remembered.
const ANSWERED: usize = 512;

/// One comment, whichever config's hook brought it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    host: Host,
    api_url: String,
    repository: String,
    comment: CommentId,
}

impl Key {
    /// A comment in the repository of a config.
    pub fn of(config: &IntegrationConfig, comment: CommentId) -> Self {
        let git = &config.spec.git;
        Self {
            host: git.type_,
            api_url: git.api_url().to_owned(),
            repository: git.repository.as_str().to_ascii_lowercase(),
            comment,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Memory {
    turns: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
    answered: Mutex<VecDeque<Key>>,
    budgets: Mutex<HashMap<Writer, Budget>>,
}

impl Memory {
    /// Waits until nobody else works on the same comment; the turn ends with the guard.
    pub async fn turn(&self, key: &Key) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(key.clone()).or_default())
        };
        turn.lock_owned().await
    }

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
    use super::*;
    use crate::drain::chat::decide::tests::config;

    #[test]
    fn configs_of_one_repository_share_a_comment() {
        let (mut other, comment) = (config("other", &["unit"]), CommentId(5));
        let first = Key::of(&config("shop", &["unit"]), comment);
        other.spec.git.repository = "ACME/Shop".parse().expect("a repository");
        assert_eq!(Key::of(&other, comment), first);
        other.spec.git.api_url = Some("https://git.example".to_owned());
        assert_ne!(Key::of(&other, comment), first);

        let memory = Memory::default();
        assert!(!memory.is_answered(&first));
        memory.answered(first.clone());
        assert!(memory.is_answered(&first));
        (0..ANSWERED as u64).for_each(|id| memory.answered(Key { comment: CommentId(id), ..first.clone() }));
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

    #[tokio::test]
    async fn one_comment_is_worked_on_by_one_at_a_time() {
        let (memory, key) = (Memory::default(), Key::of(&config("shop", &["unit"]), CommentId(5)));
        let turn = memory.turn(&key).await;
        assert!(futures::FutureExt::now_or_never(memory.turn(&key)).is_none());
        drop(turn);
        assert!(futures::FutureExt::now_or_never(memory.turn(&key)).is_some());
    }
}
