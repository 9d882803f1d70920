//! From what a delivery says to events, for all hosts alike: what is an event, and what of it travels.

use std::borrow::Cow;

use tidegate_model::{
    CommentAction, CommentEvent, CommitCommentEvent, Event, PullRequestAction, PullRequestEvent, PushEvent,
};

use crate::{
    delivery::{Ignored, Outcome},
    inbound::{Change, Comment, CommentChange, Edited, Inbound, Place, PullRequestChange, Push, RefChange},
};

pub(crate) fn normalise(inbound: Inbound<'_>) -> Outcome {
    let event = match inbound {
        Inbound::PullRequest(change) => pull_request(change),
        Inbound::Push(pushed) => return push(pushed),
        Inbound::Comment(written) => comment(written),
        Inbound::Nothing(reason) => Err(reason),
    };
    match event {
        Ok(event) => Outcome::Events(vec![event]),
        Err(reason) => Outcome::Ignored(reason),
    }
}

fn pull_request(shown: PullRequestChange) -> Result<Event, Ignored> {
    let action = match shown.change {
        Change::Opened => PullRequestAction::Opened,
        Change::Reopened => PullRequestAction::Reopened,
        Change::HeadMoved => PullRequestAction::Synchronized,
        Change::Edited(Edited { base: true, .. }) => PullRequestAction::BaseChanged,
        Change::Edited(Edited { title: true, .. }) => PullRequestAction::TitleChanged,
        Change::Updated => PullRequestAction::Updated,
        Change::Closed => PullRequestAction::Closed,
        Change::Merged => PullRequestAction::Merged,
        Change::Edited(_) | Change::LabelsChanged | Change::Other => return Err(Ignored::UnusedAction),
    };
    let PullRequestChange { repository, pull_request, .. } = shown;
    Ok(Event::PullRequest(PullRequestEvent { repository, action, pull_request }))
}

/// One event for each branch or tag.
fn push(pushed: Push<'_>) -> Outcome {
    if pushed.changes.is_empty() {
        return Outcome::Ignored(Ignored::OtherRef);
    }
    let event = |RefChange { reference, after, message }| {
        Event::Push(PushEvent {
            repository: pushed.repository.clone(),
            reference,
            after,
            message: truncate(message, PushEvent::MAX_MESSAGE),
            sender: pushed.sender.clone(),
        })
    };
    Outcome::Events(pushed.changes.into_iter().map(event).collect())
}

fn comment(written: Comment<'_>) -> Result<Event, Ignored> {
    let action = match (&written.place, written.change) {
        (Place::Elsewhere, _) => return Err(Ignored::PlainIssue),
        (_, CommentChange::Created) => CommentAction::Created,
        (Place::PullRequest(..), CommentChange::Edited) => CommentAction::Edited,
        (_, CommentChange::Deleted) => return Err(Ignored::DeletedComment),
        (Place::Commit(..), CommentChange::Edited) | (_, CommentChange::Other) => {
            return Err(Ignored::UnusedAction);
        }
    };
    if written.author.is_bot {
        return Err(Ignored::BotComment);
    }
    let Comment { repository, author, .. } = written;
    let may_hold_command = CommentEvent::may_hold_command(&written.text);
    Ok(match written.place {
        Place::PullRequest(pull_request, comment) => Event::Comment(CommentEvent {
            repository,
            action,
            pull_request,
            comment,
            author: author.account,
            may_hold_command,
        }),
        Place::Commit(commit, comment) => {
            Event::CommitComment(CommitCommentEvent { repository, commit, comment, may_hold_command })
        }
        Place::Elsewhere => return Err(Ignored::PlainIssue),
    })
}

/// A text, cut to so many bytes.
fn truncate(text: Cow<'_, str>, max: usize) -> String {
    let mut text = text.into_owned();
    text.truncate(text.floor_char_boundary(max));
    text
}

#[cfg(test)]
mod tests;
