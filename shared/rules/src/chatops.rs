//! The `ChatOps` plugin: which comment may ask for something, and what its words mean.
//!
//! The plugin only points to a comment. The controller reads the comment, finds the lines that Markdown shows as plain text, has
//! them read here ([`read`]), collects [`facts`], and asks what they mean ([`decide()`], [`on_commit`]). One file a command: its
//! name, its forms, who may use it, and its meaning. The grammar, the permissions and the text of `/help` are made of these files
//! alone.

mod cancel;
mod command;
mod decide;
mod deciding;
mod entry;
pub mod facts;
mod grammar;
mod help;
mod help_text;
mod line;
mod ok_to_test;
pub mod on_commit;
pub mod permission;
mod registry;
mod retest;
mod test;
mod words;

use tidegate_model::{Command, CommentAction, CommentEvent, Event, Intention};

pub use command::ChatCommand;
pub use decide::decide;
pub use deciding::{Decision, EDITED, LineVerdict, NEEDS_WRITE, Verdict, Wanted};
pub use grammar::{MARKER, read};
pub use help_text::text as help;
pub use line::Line;

/// The command that an event gives rise to: a pointer to a new comment with a line that starts with a slash, whatever the
/// word behind it. So a controller that knows more words than this function still follows them.
pub fn commands(event: &Event) -> Vec<Command> {
    match event {
        Event::Comment(comment) => follow(comment).into_iter().collect(),
        Event::CommitComment(event) if event.may_hold_command => {
            let intention =
                Intention::FollowCommitComment { commit: event.commit.clone(), comment: event.comment };
            vec![Command { repository: event.repository.clone(), intention }]
        }
        Event::CommitComment(_) | Event::PullRequest(_) | Event::Push(_) => Vec::new(),
    }
}

fn follow(event: &CommentEvent) -> Option<Command> {
    match event.action {
        CommentAction::Created if event.may_hold_command => (),
        // Were edits followed, somebody could put words into an old comment, under the name of its author.
        CommentAction::Created | CommentAction::Edited => return None,
    }
    let intention =
        Intention::FollowComment { pull_request: event.pull_request, comment: event.comment.clone() };
    Some(Command { repository: event.repository.clone(), intention })
}

#[cfg(test)]
mod tests;
