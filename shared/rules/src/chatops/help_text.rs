//! The answer to `/help`: made of what the commands say of themselves.

use std::fmt::Write as _;

use super::registry::COMMANDS;

/// Every command, how it is written, what it does, and who may use it: a table in Markdown. No line starts like a command.
pub fn text() -> String {
    let mut text = "| comment | what it does | who may |\n|---|---|---|\n".to_owned();
    for entry in COMMANDS {
        for (form, meaning) in entry.forms {
            // Writing to a String can't fail.
            let _ = writeln!(text, "| `{form}` | {meaning} | {} |", entry.who.description());
        }
    }
    text.push_str(
        "\nA command stands at the start of a line of plain text. A comment may hold several; each may be written \
         `/tidegate COMMAND` as well, where another bot listens to the same word.",
    );
    text
}
