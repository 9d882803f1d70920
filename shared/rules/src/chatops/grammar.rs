//! Which lines of a comment are commands.
//!
//! A command starts its line with a slash: `/test unit`, or `/tidegate test unit`. What Markdown shows as code, or doesn't
//! show, is no command: fenced and indented blocks, HTML comments. Neither are quotes: their lines start otherwise.
//! Source: <https://spec.commonmark.org/0.31.2/#fenced-code-blocks>, <https://spec.commonmark.org/0.31.2/#html-blocks>

use tidegate_model::ChatCommand;

use super::{COMMANDS, Entry};

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
    /// What it asks for.
    pub fn command(&self) -> ChatCommand {
        self.outcome.clone().unwrap_or(ChatCommand::Unreadable)
    }
}

/// The commands of a comment, in its order. Words behind a slash that are no command of ours are left to others.
pub fn read(body: &str) -> Vec<Line> {
    if body.contains(MARKER) {
        return Vec::new();
    }
    let mut commands: Vec<Line> = shown_lines(body).filter_map(line).take(MAX_COMMANDS + 1).collect();
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
            return Some(Line { text: harmless(text), outcome: Err("it names no command".to_owned()) });
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

/// What the lines of a comment are in, as Markdown sees it.
enum Block {
    Text,
    /// A fenced code block: the fence's character, and how many of them opened it.
    Fence(char, usize),
    HtmlComment,
}

/// The lines that Markdown doesn't take for code or hide. Indented ones are among them: they don't start with a slash.
fn shown_lines(body: &str) -> impl Iterator<Item = &str> {
    let mut block = Block::Text;
    body.lines().filter(move |line| match block {
        Block::Text => {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let start = if indent <= 3 { &line[indent..] } else { "" };
            if let Some((fence, length)) = opening_fence(start) {
                block = Block::Fence(fence, length);
            } else if start.starts_with("<!--") && !start.contains("-->") {
                block = Block::HtmlComment;
            }
            matches!(block, Block::Text)
        }
        Block::Fence(fence, length) => {
            let text = line.trim();
            let is_end = text.len() >= length
                && text.chars().all(|c| c == fence)
                && line.len() - line.trim_start_matches(' ').len() <= 3;
            if is_end {
                block = Block::Text;
            }
            false
        }
        Block::HtmlComment => {
            if line.contains("-->") {
                block = Block::Text;
            }
            false
        }
    })
}

/// At least three backticks or tildes; behind backticks no other may stand, or it is inline code.
fn opening_fence(start: &str) -> Option<(char, usize)> {
    let fence = start.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = start.trim_start_matches(fence);
    let length = start.len() - rest.len();
    (length >= 3 && !(fence == '`' && rest.contains('`'))).then_some((fence, length))
}

#[cfg(test)]
mod tests;
