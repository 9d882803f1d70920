//! Whether the host shows a comment that would be followed.

use tidegate_hosts::client::CommentFacts;
use tidegate_model::PullRequestNumber;

use super::{
    admit::{self, Admission},
    comment::Comment,
    commit, facts,
};
use crate::trigger::reader::{FactsError, Reader};

/// The comment as the host shows it, if it is where it should be and holds a command.
pub async fn find(comment: Comment<'_>, reader: &Reader<'_>) -> Result<Option<CommentFacts>, FactsError> {
    match comment {
        Comment::OnPullRequest(at) => {
            let is_command = |found: &CommentFacts| holds_command(at.pull_request, found);
            Ok(facts::comments(reader, at).await?.into_iter().find(is_command))
        }
        Comment::OnCommit(at) => {
            let is_command = |found: &CommentFacts| matches!(admit::anywhere(found), Admission::Follow(_));
            Ok(commit::comment(reader, at).await?.filter(is_command))
        }
    }
}

/// Whether a comment is on this pull request, and holds a command.
pub fn holds_command(pull_request: PullRequestNumber, comment: &CommentFacts) -> bool {
    matches!(admit::on_pull_request(pull_request, comment), Admission::Follow(_))
}
