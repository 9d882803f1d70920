//! What a scene expects to go wrong.

use anyhow::{Result, ensure};

use super::Scene;
use crate::{DEAD_LETTERS, DeadLetter, LogLine};

/// The dead letters and errors that a scene has named.
#[derive(Debug, Default)]
pub(super) struct Expected {
    dead_letters: Vec<Refusal>,
    errors: Vec<String>,
}

/// One expected dead letter.
#[derive(Debug)]
struct Refusal {
    queue: String,
    reason: String,
}

impl Scene {
    /// Expects that one command goes to the dead-letter queue of commands, with this text in its reason.
    pub fn expect_dead_letter(&mut self, reason: &str) {
        self.expect_dead_letter_in(DEAD_LETTERS, reason);
    }

    /// The same of another dead-letter queue.
    pub fn expect_dead_letter_in(&mut self, queue: &str, reason: &str) {
        self.expected.dead_letters.push(Refusal { queue: queue.to_owned(), reason: reason.to_owned() });
    }

    /// Expects log lines of level ERROR, at least one, with this text. A function's lines begin with its name; a line that
    /// is no JSON, as of a panic, counts as an error.
    pub fn expect_error(&mut self, text: &str) {
        self.expected.errors.push(text.to_owned());
    }

    /// The texts of the messages in the dead-letter queue of commands, in order.
    pub async fn dead_letters(&self) -> Result<Vec<String>> {
        let letters = self.world.cloud.dead_letters().await?.into_iter();
        let mut texts: Vec<_> =
            letters.filter(|letter| letter.queue == DEAD_LETTERS).map(|letter| letter.body).collect();
        texts.sort();
        Ok(texts)
    }
}

impl Expected {
    /// Each dead letter is an expected one, and each expected one is there.
    pub(super) fn check_dead_letters(&self, found: &[DeadLetter]) -> Result<()> {
        let mut missing: Vec<_> = self.dead_letters.iter().collect();
        // The longest first: it may hold another one, and would find that taken.
        missing.sort_by_key(|refusal| std::cmp::Reverse(refusal.reason.len()));
        let mut unexpected: Vec<_> = found.iter().collect();
        missing.retain(|refusal| {
            let letter = unexpected.iter().position(|letter| refusal.names(letter));
            letter.map(|index| unexpected.remove(index)).is_none()
        });
        ensure!(
            unexpected.is_empty() && missing.is_empty(),
            "dead letters that the scene did not name: {unexpected:#?}\nnamed, but not there: {missing:#?}"
        );
        Ok(())
    }

    /// Each line of level ERROR is an expected one, and each expected one was logged.
    pub(super) fn check_errors(&self, lines: &[LogLine]) -> Result<()> {
        let errors = || lines.iter().filter(|line| matches!(line.level.as_str(), "ERROR" | ""));
        let is_expected = |line: &&LogLine| self.errors.iter().any(|text| line.text.contains(text));
        let unexpected: Vec<_> = errors().filter(|line| !is_expected(line)).collect();
        let is_missing = |text: &&String| !errors().any(|line| line.text.contains(*text));
        let missing: Vec<_> = self.errors.iter().filter(is_missing).collect();
        ensure!(
            unexpected.is_empty() && missing.is_empty(),
            "errors that the scene did not name: {unexpected:#?}\nnamed, but not logged: {missing:#?}"
        );
        Ok(())
    }
}

impl Refusal {
    fn names(&self, letter: &DeadLetter) -> bool {
        let reason = letter.reason.as_deref();
        letter.queue == self.queue && reason.is_some_and(|reason| reason.contains(&self.reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PLUGIN_DEAD_LETTERS;

    fn expected(dead_letters: &[(&str, &str)], errors: &[&str]) -> Expected {
        let refusal =
            |&(queue, reason): &(&str, &str)| Refusal { queue: queue.into(), reason: reason.into() };
        Expected {
            dead_letters: dead_letters.iter().map(refusal).collect(),
            errors: errors.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn letter(queue: &str, reason: Option<&str>) -> DeadLetter {
        DeadLetter { queue: queue.to_owned(), body: "{}".to_owned(), reason: reason.map(str::to_owned) }
    }

    fn line(level: &str, text: &str) -> LogLine {
        LogLine { level: level.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_dead_letter_that_was_not_named_is_a_fault() {
        let none = expected(&[], &[]);
        assert!(none.check_dead_letters(&[]).is_ok());
        for reason in [None, Some("it is not JSON")] {
            assert!(none.check_dead_letters(&[letter(DEAD_LETTERS, reason)]).is_err());
            assert!(none.check_dead_letters(&[letter(PLUGIN_DEAD_LETTERS, reason)]).is_err());
        }
        let one = expected(&[(DEAD_LETTERS, "not JSON")], &[]);
        assert!(one.check_dead_letters(&[letter(DEAD_LETTERS, Some("it is not JSON"))]).is_ok());
        assert!(one.check_dead_letters(&[letter(DEAD_LETTERS, Some("something else"))]).is_err());
        assert!(one.check_dead_letters(&[letter(DEAD_LETTERS, None)]).is_err());
        assert!(one.check_dead_letters(&[letter(PLUGIN_DEAD_LETTERS, Some("it is not JSON"))]).is_err());
        let twice = [letter(DEAD_LETTERS, Some("not JSON")), letter(DEAD_LETTERS, Some("not JSON"))];
        assert!(one.check_dead_letters(&twice).is_err());
    }

    #[test]
    fn a_named_dead_letter_that_does_not_come_is_a_fault() {
        let two = expected(&[(DEAD_LETTERS, "JSON"), (DEAD_LETTERS, "not JSON")], &[]);
        let (plain, longer) = (letter(DEAD_LETTERS, Some("JSON")), letter(DEAD_LETTERS, Some("not JSON")));
        assert!(two.check_dead_letters(&[]).is_err());
        assert!(two.check_dead_letters(std::slice::from_ref(&longer)).is_err());
        assert!(two.check_dead_letters(&[plain.clone(), longer.clone()]).is_ok());
        assert!(two.check_dead_letters(&[longer, plain]).is_ok());
    }

    #[test]
    fn an_error_that_was_not_named_and_a_named_one_that_is_not_logged_are_faults() {
        let (none, one) = (expected(&[], &[]), expected(&[], &["refused"]));
        assert!(none.check_errors(&[line("WARN", "refused")]).is_ok());
        assert!(none.check_errors(&[line("ERROR", "refused")]).is_err());
        assert!(none.check_errors(&[line("", "panicked at")]).is_err());
        assert!(one.check_errors(&[line("ERROR", "SQS refused it"), line("ERROR", "refused")]).is_ok());
        assert!(one.check_errors(&[line("ERROR", "refused"), line("ERROR", "broken")]).is_err());
        assert!(one.check_errors(&[line("WARN", "refused")]).is_err());
        assert!(one.check_errors(&[]).is_err());
    }
}
