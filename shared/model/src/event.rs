//! What happened on a host, in one language for all hosts. It carries only what is used later, never a raw body.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Account, CommentId, CommentPointer, CommitHint, CommitSha, GitRef, ParseError, PullRequestNumber,
    RefName, RepositoryPath,
};

/// One thing that a delivery says. A delivery may say several: Bitbucket shows every ref of a push in one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A pull request changed.
    PullRequest(PullRequestEvent),
    /// A branch or tag was created, moved or deleted.
    Push(PushEvent),
    /// Somebody commented on a pull request.
    Comment(CommentEvent),
    /// Somebody commented on a commit.
    CommitComment(CommitCommentEvent),
}

impl Event {
    /// The repository it happened in; for a pull request the one it wants to merge into.
    pub fn repository(&self) -> &RepositoryPath {
        match self {
            Self::PullRequest(event) => &event.repository,
            Self::Push(event) => &event.repository,
            Self::Comment(event) => &event.repository,
            Self::CommitComment(event) => &event.repository,
        }
    }

    /// The kind, for routes and metrics.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::PullRequest(_) => EventKind::PullRequest,
            Self::Push(_) => EventKind::Push,
            Self::Comment(_) | Self::CommitComment(_) => EventKind::Comment,
        }
    }
}

/// The kinds of events a route can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// [`Event::PullRequest`]
    PullRequest,
    /// [`Event::Push`]
    Push,
    /// [`Event::Comment`] and [`Event::CommitComment`]
    Comment,
}

impl EventKind {
    /// The name in settings and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PullRequest => "pull_request",
            Self::Push => "push",
            Self::Comment => "comment",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::PullRequest, Self::Push, Self::Comment]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| ParseError::new("event kind", text, "expected pull_request, push or comment"))
    }
}

/// A pull request changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestEvent {
    /// The repository that the pull request wants to merge into.
    pub repository: RepositoryPath,
    /// What changed.
    pub action: PullRequestAction,
    /// The pull request as the delivery showed it.
    pub pull_request: PullRequest,
}

/// What changed on a pull request. Changes that concern no plugin are no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestAction {
    /// It was opened.
    Opened,
    /// It was opened again after it had been closed.
    Reopened,
    /// Its head moved.
    Synchronized,
    /// It wants to merge into another branch now.
    BaseChanged,
    /// Its title was edited. The title may leave CI out, or no longer do so.
    TitleChanged,
    /// It changed, and the delivery doesn't say in what: its head, its base, its title or anything else.
    Updated,
    /// It was closed without being merged.
    Closed,
    /// It was merged.
    Merged,
}

/// A pull request as a delivery shows it: a hint, read again from the host before anything is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: PullRequestNumber,
    /// Who opened it; `None` when the delivery doesn't say it. GitLab's show the id of the author, and of nobody else but who
    /// acts the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Account>,
    /// What it wants to merge.
    #[serde(default)]
    pub head: Head,
    /// The branch it wants to merge into; `None` when the delivery doesn't show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<RefName>,
}

/// The head of a pull request as a delivery shows it. Nothing is decided by it, so nothing of it must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The commit, in as many digits as the host shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<CommitHint>,
    /// The branch's name in its own repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<RefName>,
    /// The repository of the branch; `None` when the fork was deleted or can't be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryPath>,
}

/// A branch or tag was created, moved or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushEvent {
    /// The repository.
    pub repository: RepositoryPath,
    /// The branch or tag.
    #[serde(rename = "ref")]
    pub reference: GitRef,
    /// Where it points now; `None` when it was deleted. An annotated tag is shown by the commit where the host says it,
    /// else by the tag object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<CommitSha>,
    /// The message of the commit it points to, cut to [`PushEvent::MAX_MESSAGE`] bytes; empty when the host shows none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Who pushed; `None` when the delivery doesn't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Account>,
}

impl PushEvent {
    /// How much of a commit's message travels.
    pub const MAX_MESSAGE: usize = 8 * 1024;
}

/// Somebody commented on a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentEvent {
    /// The repository.
    pub repository: RepositoryPath,
    /// What happened to the comment.
    pub action: CommentAction,
    /// The pull request that was commented on.
    pub pull_request: PullRequestNumber,
    /// Where it is found.
    pub comment: CommentPointer,
    /// Who wrote it.
    pub author: Account,
    /// Whether it may hold a command: [`CommentEvent::may_hold_command`] of its whole text, which doesn't travel. An older
    /// webhook function sends the text.
    #[serde(alias = "body", deserialize_with = "flag_or_text")]
    pub may_hold_command: bool,
}

impl CommentEvent {
    /// Whether a line of the text starts with a slash, behind any white space. Only the controller knows which of them is a
    /// command.
    pub fn may_hold_command(text: &str) -> bool {
        text.split(['\n', '\r']).any(|line| line.trim_start().starts_with('/'))
    }
}

/// Somebody wrote a comment on a commit. Not every host has such comments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitCommentEvent {
    /// The repository.
    pub repository: RepositoryPath,
    /// The commit.
    pub commit: CommitSha,
    /// The comment's id, among the comments on commits.
    pub comment: CommentId,
    /// Whether it may hold a command: [`CommentEvent::may_hold_command`] of its whole text, which doesn't travel.
    pub may_hold_command: bool,
}

/// The flag, or the text that it is made of.
fn flag_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum FlagOrText {
        Flag(bool),
        Text(String),
    }
    Ok(match FlagOrText::deserialize(from)? {
        FlagOrText::Flag(flag) => flag,
        FlagOrText::Text(text) => CommentEvent::may_hold_command(&text),
    })
}

/// What happened to a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentAction {
    /// It was written.
    Created,
    /// Its text was changed.
    Edited,
}

#[cfg(test)]
mod tests;
