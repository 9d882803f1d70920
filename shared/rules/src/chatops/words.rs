//! The words of a command, and how a text from outside is repeated.

use tidegate_model::JobName;

/// So much of a line is repeated in an answer.
pub(super) const MAX_QUOTE: usize = 80;

/// A text from outside as inline code in an answer.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", harmless(text))
}

/// One line of limited length that can't end inline code.
pub(super) fn harmless(text: &str) -> String {
    let mut harmless: String =
        text.chars().filter(|c| !c.is_control() && *c != '`').take(MAX_QUOTE).collect();
    if text.chars().count() > MAX_QUOTE {
        harmless.push('…');
    }
    harmless
}

/// The words as names of jobs, which are of small letters: case doesn't matter, and no two jobs differ by case alone.
pub(super) fn job_names(words: &[&str]) -> Result<Vec<JobName>, String> {
    let name = |word: &&str| {
        let name = word.to_ascii_lowercase().parse();
        name.map_err(|_| format!("{} is not a valid job name", quoted(word)))
    };
    words.iter().map(name).collect()
}

pub(super) fn no_words(words: &[&str]) -> Result<(), String> {
    if words.is_empty() { Ok(()) } else { Err("it takes no arguments".to_owned()) }
}
