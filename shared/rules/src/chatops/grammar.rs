//! What a line of a comment asks for.
//!
//! A command starts its line with a slash: `/test unit`, or `/tidegate test unit`. Which lines of a comment people see as
//! plain text is the caller's business: it takes a Markdown parser, which the functions don't carry.

use super::{COMMANDS, ChatCommand, Entry};

/// What stands, unseen, in every answer of Tidegate. A comment that holds it is never read for commands.
pub const MARKER: &str = "<!-- tidegate-answer:";

/// The prefix that makes any command ours for certain.
const OWN_NAME: &str = "tidegate";
/// So many commands of one comment are read.
const MAX_COMMANDS: usize = 16;
/// So much of a line is repeated in an answer.
const MAX_QUOTE: usize = 80;

/// One command of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As it was written, fit to stand in an answer.
    pub text: String,
    /// What it asks for, or why it can't be read.
    pub outcome: Result<ChatCommand, String>,
}

impl Line {
    /// What it asks for; `None` when it can't be read.
    pub fn command(&self) -> Option<&ChatCommand> {
        self.outcome.as_ref().ok()
    }
}

/// The commands among the plain lines of a comment, in their order. Words that Tidegate doesn't know belong to other bots,
/// except behind `/tidegate`.
pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Line> {
    let mut commands: Vec<Line> = lines.into_iter().filter_map(line).take(MAX_COMMANDS + 1).collect();
    if let Some(surplus) = commands.get_mut(MAX_COMMANDS) {
        surplus.outcome = Err(format!("a comment may hold {MAX_COMMANDS} commands: the rest is left out"));
    }
    commands
}

/// A text from outside as inline code in an answer.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", harmless(text))
}

/// One line of limited length that can't end inline code.
fn harmless(text: &str) -> String {
    let mut harmless: String =
        text.chars().filter(|c| !c.is_control() && *c != '`').take(MAX_QUOTE).collect();
    if text.chars().count() > MAX_QUOTE {
        harmless.push('…');
    }
    harmless
}

fn line(text: &str) -> Option<Line> {
    let mut words = text.strip_prefix('/')?.split_whitespace();
    // A slash with a space behind it is no command.
    let first = words.next().filter(|_| !text[1..].starts_with(char::is_whitespace))?;
    let rest: Vec<&str> = words.collect();
    let outcome = if first.eq_ignore_ascii_case(OWN_NAME) {
        let Some((name, rest)) = rest.split_first() else {
            return Some(Line { text: harmless(text), outcome: Err("missing command".to_owned()) });
        };
        match entry(name) {
            Some(entry) => (entry.read)(rest),
            None => Err(format!("there is no command {}", quoted(name))),
        }
    } else {
        (entry(first)?.read)(&rest)
    };
    Some(Line { text: harmless(text.trim_end()), outcome })
}

fn entry(name: &str) -> Option<&'static Entry> {
    COMMANDS.into_iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
