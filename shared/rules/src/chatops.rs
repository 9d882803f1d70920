//! The `ChatOps` plugin: which comment may ask for something, and what its words mean.
//!
//! The plugin only points to a comment. The controller reads the comment, finds the lines that Markdown shows as plain text, has
//! them read here ([`read`]), collects [`facts`], and asks what they mean ([`decide`], [`on_commit`]). One file a command: its
//! name, its forms, who may use it, and its meaning. The grammar, the permissions and the text of `/help` are made of these files
//! alone.

mod cancel;
mod command;
mod decide;
pub mod facts;
mod grammar;
mod help;
mod ok_to_test;
pub mod on_commit;
pub mod permission;
mod retest;
mod test;

use tidegate_model::{Command, CommentAction, CommentEvent, Event, Intention, JobName};

pub use command::ChatCommand;
pub use decide::{Answer, Decision, EDITED, NEEDS_WRITE, Verdict, Wanted, decide};
pub use grammar::{Line, MARKER, read};
pub use help::text as help;
use permission::Who;

/// One command, as its file describes it.
struct Entry {
    /// The word behind the slash.
    name: &'static str,
    /// How it is written, and what that does.
    forms: &'static [(&'static str, &'static str)],
    /// Who may use it.
    who: Who,
    /// Reads the words behind the name.
    read: fn(&[&str]) -> Result<ChatCommand, String>,
}

/// Every command, in the order of `/help`.
const COMMANDS: [&Entry; 5] =
    [&test::ENTRY, &retest::ENTRY, &cancel::ENTRY, &ok_to_test::ENTRY, &help::ENTRY];

/// The command that an event gives rise to: a pointer to a new comment with a line that starts with a slash, whatever the
/// word behind it. So a controller that knows more words than this function follows them all the same.
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

/// The words as names of jobs, which are of small letters: case doesn't matter, and no two jobs differ by case alone.
fn job_names(words: &[&str]) -> Result<Vec<JobName>, String> {
    let name = |word: &&str| {
        let name = word.to_ascii_lowercase().parse();
        name.map_err(|_| format!("{} is not a valid job name", grammar::quoted(word)))
    };
    words.iter().map(name).collect()
}

fn no_words(words: &[&str]) -> Result<(), String> {
    if words.is_empty() { Ok(()) } else { Err("it takes no arguments".to_owned()) }
}

#[cfg(test)]
mod tests;
