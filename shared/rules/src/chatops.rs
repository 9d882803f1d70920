//! The `ChatOps` plugin: which comment asks for what.
//!
//! One file a command: its name, what it takes, what it means, who may use it. The grammar, the permissions and the text of
//! `/help` are made of these files alone. What a command does to jobs is Integrator's own function.

mod cancel;
mod grammar;
mod help;
mod ok_to_test;
mod retest;
mod test;
pub mod who;

use tidegate_model::{ChatCommand, Command, CommentAction, CommentEvent, Event, Intention, JobName};

pub use grammar::{Line, MARKER, read};
pub use help::text as help;
use who::Who;

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

/// The command that an event gives rise to: one for all that a new comment asks for, so that it is answered once.
pub fn commands(event: &Event) -> Vec<Command> {
    match event {
        Event::Comment(comment) => follow(comment).into_iter().collect(),
        Event::PullRequest(_) | Event::Push(_) => Vec::new(),
    }
}

fn follow(event: &CommentEvent) -> Option<Command> {
    match event.action {
        CommentAction::Created => (),
        // Else somebody could put words into an old comment, under the name of its author.
        CommentAction::Edited => return None,
    }
    let commands: Vec<ChatCommand> = read(&event.body).iter().map(Line::command).collect();
    let intention = Intention::FollowComment {
        pull_request: event.pull_request,
        comment: event.comment,
        commands: commands.clone(),
    };
    (!commands.is_empty()).then(|| Command { repository: event.repository.clone(), intention })
}

/// Who may use a command. What can't be read needs no right: nothing is done but to say so.
pub fn who(command: &ChatCommand) -> Who {
    match command {
        ChatCommand::RunJobs { .. } => test::ENTRY.who,
        ChatCommand::RunFailed => retest::ENTRY.who,
        ChatCommand::CancelJobs { .. } => cancel::ENTRY.who,
        ChatCommand::Approve { .. } => ok_to_test::ENTRY.who,
        ChatCommand::Help => help::ENTRY.who,
        ChatCommand::Unreadable => Who::Anybody,
    }
}

/// The words as names of jobs.
fn job_names(words: &[&str]) -> Result<Vec<JobName>, String> {
    let name = |word: &&str| word.parse().map_err(|_| format!("{} is no job's name", grammar::quoted(word)));
    words.iter().map(name).collect()
}

fn no_words(words: &[&str]) -> Result<(), String> {
    if words.is_empty() { Ok(()) } else { Err("it takes nothing behind it".to_owned()) }
}

#[cfg(test)]
mod tests;
