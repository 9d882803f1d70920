//! The comments that this process answered last. After a restart at most a reaction of a second account is added.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tidegate_model::{CommentId, CommentKind};

use crate::runs::locks::PullRequest;

/// How many answered comments are kept.
const CAPACITY: usize = 512;

/// A comment, whichever config's hook delivered it.
pub type Key = (PullRequest, CommentKind, CommentId);

/// The last answered comments, the oldest first.
#[derive(Debug, Default)]
pub struct AnsweredComments {
    comments: Mutex<VecDeque<Key>>,
}

impl AnsweredComments {
    /// Whether this process has answered a comment.
    pub fn contains(&self, key: &Key) -> bool {
        self.comments.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// A comment was answered.
    pub fn insert(&self, key: Key) {
        let mut answered = self.comments.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() == CAPACITY {
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
    fn only_the_last_answered_comments_are_kept() {
        let pull_request = PullRequest::of(&config("shop", &["unit"]), PullRequestNumber(7));
        let comment = |id| (pull_request.clone(), CommentKind::Comment, CommentId(id));
        let answered = AnsweredComments::default();
        assert!(!answered.contains(&comment(0)));
        answered.insert(comment(0));
        assert!(answered.contains(&comment(0)));
        let review = (pull_request.clone(), CommentKind::Review, CommentId(0));
        assert!(!answered.contains(&review), "hosts count reviews separately");
        (1..=CAPACITY as u64).for_each(|id| answered.insert(comment(id)));
        assert!(!answered.contains(&comment(0)));
        assert_eq!(answered.comments.lock().expect("no panic").len(), CAPACITY);
    }
}
