//! Whether a comment holds commands. Pure.

use tidegate_hosts::client::CommentFacts;
use tidegate_model::PullRequestNumber;
use tidegate_rules::chatops::{self, Line, MARKER};

use super::markdown;

/// Whether a comment holds commands.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// Yes: its commands.
    Follow(Vec<Line>),
    /// No: the reason.
    Nothing(&'static str),
    /// It is not where the command claims.
    Refuse(String),
}

/// Reads the commands of a comment on a pull request as the host shows it now.
pub fn on_pull_request(number: PullRequestNumber, comment: &CommentFacts) -> Admission {
    if comment.pull_request != Some(number) {
        return Admission::Refuse(format!("is not on pull request {number}"));
    }
    anywhere(comment)
}

/// Reads the commands of a comment, wherever it is.
pub fn anywhere(comment: &CommentFacts) -> Admission {
    if comment.is_by_bot {
        return Admission::Nothing("was written by a bot");
    }
    if comment.body.contains(MARKER) {
        return Admission::Nothing("holds an answer of Tidegate");
    }
    let plain = markdown::plain_lines(&comment.body);
    let lines = chatops::read(plain.iter().map(String::as_str));
    if lines.is_empty() { Admission::Nothing("holds no command") } else { Admission::Follow(lines) }
}

/// Whether a comment's text may be another than its author wrote. An edit in the second of the creation looks like none. Hosts
/// don't show when a review was edited.
pub fn is_edited(comment: &CommentFacts) -> bool {
    comment.kind.is_comment() && comment.updated_at.as_second() > comment.created_at.as_second()
}
