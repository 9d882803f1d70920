//! What is remembered between comments: which were answered. Losing it costs at most a reaction of a second account.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tidegate_model::{CommentId, CommentKind};

use crate::runs::locks::PullRequest;

/// How many answered comments are remembered.
const ANSWERED: usize = 512;

/// One comment, whichever config's hook brought it.
pub type Key = (PullRequest, CommentKind, CommentId);

/// See the module.
#[derive(Debug, Default)]
pub struct Memory {
    answered: Mutex<VecDeque<Key>>,
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
}

#[cfg(test)]
mod tests {
    use tidegate_model::PullRequestNumber;

    use super::*;
    use crate::chat::plan::tests::config;

    #[test]
    fn the_last_answered_comments_are_remembered() {
        let pull_request = PullRequest::of(&config("shop", &["unit"]), PullRequestNumber(7));
        let comment = |id| (pull_request.clone(), CommentKind::Comment, CommentId(id));
        let memory = Memory::default();
        assert!(!memory.is_answered(&comment(0)));
        memory.answered(comment(0));
        assert!(memory.is_answered(&comment(0)));
        let review = (pull_request.clone(), CommentKind::Review, CommentId(0));
        assert!(!memory.is_answered(&review), "hosts count reviews separately");
        (1..=ANSWERED as u64).for_each(|id| memory.answered(comment(id)));
        assert!(!memory.is_answered(&comment(0)));
        assert_eq!(memory.answered.lock().expect("no panic").len(), ANSWERED);
    }
}
