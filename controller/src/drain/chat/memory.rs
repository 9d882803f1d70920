//! What is remembered between comments: whose turn it is, and what was answered. Losing it costs at most a reaction of a
//! second account.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tidegate_model::{CommentId, Host};
use tidegate_resources::IntegrationConfig;
use tokio::sync::OwnedMutexGuard;

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

    #[tokio::test]
    async fn one_comment_is_worked_on_by_one_at_a_time() {
        let (memory, key) = (Memory::default(), Key::of(&config("shop", &["unit"]), CommentId(5)));
        let turn = memory.turn(&key).await;
        assert!(futures::FutureExt::now_or_never(memory.turn(&key)).is_none());
        drop(turn);
        assert!(futures::FutureExt::now_or_never(memory.turn(&key)).is_some());
    }
}
