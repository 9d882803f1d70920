//! What a line of a comment asks for.
//!
//! A command starts its line with a slash: `/test unit`, or `/tidegate test unit`. Which lines of a comment people see as
//! plain text is the caller's business: it takes a Markdown parser, which the functions don't carry.

use super::{
    line::Line,
    registry::entry,
    words::{harmless, quoted},
};

/// What stands, unseen, in every answer of Tidegate. A comment that holds it is never read for commands.
pub const MARKER: &str = "<!-- tidegate-answer:";

/// The prefix that makes any command ours for certain.
const OWN_NAME: &str = "tidegate";
/// So many commands of one comment are read.
const MAX_COMMANDS: usize = 16;

/// The commands among the plain lines of a comment, in their order. Words that Tidegate doesn't know belong to other bots,
/// except behind `/tidegate`.
pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Line> {
    let mut commands: Vec<Line> = lines.into_iter().filter_map(line).take(MAX_COMMANDS + 1).collect();
    if let Some(surplus) = commands.get_mut(MAX_COMMANDS) {
        surplus.outcome = Err(format!("a comment may hold {MAX_COMMANDS} commands: the rest is left out"));
    }
    commands
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

#[cfg(test)]
mod tests;
