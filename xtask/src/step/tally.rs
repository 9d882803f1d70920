//! What a command's output says of tests and of what was built.

use crate::journal::{Outcome, Tests};

/// Counts so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    tests: Option<Tests>,
    /// Crates that cargo worked on: those of this repository, and others.
    ours: usize,
    others: usize,
    /// Components of the tests' cluster: built, and found.
    built: Vec<String>,
    cached: usize,
}

impl Tally {
    /// Reads a line of output.
    pub(super) fn read(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim();
        if let Some(result) = line.strip_prefix("test result: ") {
            let number = |word: &str| {
                let (before, _) = result.split_once(word)?;
                before.rsplit(' ').find(|part| !part.is_empty())?.parse::<usize>().ok()
            };
            let tests = self.tests.get_or_insert_default();
            tests.passed += number(" passed").unwrap_or_default();
            tests.failed += number(" failed").unwrap_or_default();
            tests.skipped += number(" ignored").unwrap_or_default();
            return;
        }
        if ["Compiling ", "Checking "].iter().any(|verb| line.starts_with(verb)) {
            // Cargo names the folder of what is not from a registry.
            if line.ends_with(')') && !line.ends_with("(proc-macro)") {
                self.ours += 1;
            } else {
                self.others += 1;
            }
        }
        // `tests/cluster/cluster build`: "259 s  etcd-v3.6.16-e72a0a599f49: built in 244 s, 26M"
        let component = line.split_whitespace().nth(2);
        if let Some((name, _)) = component.and_then(|word| word.split_once('-')) {
            if line.contains(": built in ") {
                self.built.push(name.to_owned());
            } else if line.ends_with(": from the cache") {
                self.cached += 1;
            }
        }
    }

    /// The result.
    pub(super) fn outcome(self) -> Outcome {
        let mut source = Vec::new();
        if self.ours + self.others > 0 {
            source.push(format!("compiled {} of our crates, {} others", self.ours, self.others));
        }
        if !self.built.is_empty() {
            source.push(format!("built {}", self.built.join(", ")));
        }
        if self.cached > 0 {
            source.push(format!("{} components from the cache", self.cached));
        }
        Outcome { tests: self.tests, source: source.join("; ") }
    }
}

/// The line without the escape sequences that colour it: from ESC to the next letter.
fn without_colours(line: &str) -> String {
    let mut is_escaped = false;
    line.chars()
        .filter(|&c| match (is_escaped, c) {
            (false, '\u{1b}') => {
                is_escaped = true;
                false
            }
            (true, c) => {
                is_escaped = !c.is_ascii_alphabetic();
                false
            }
            (false, _) => true,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Outcome {
        let mut tally = Tally::default();
        for line in lines {
            tally.read(line);
        }
        tally.outcome()
    }

    #[test]
    fn the_results_of_all_test_binaries_are_added() {
        let outcome = read(&[
            "test result: ok. 134 passed; 0 failed; 3 ignored; 0 measured; 5 filtered out; finished in 1.02s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.02s",
            "test result: is a line of another program",
        ]);
        assert_eq!(outcome.tests, Some(Tests { passed: 136, failed: 1, skipped: 3 }));
        assert_eq!(read(&["running 3 tests"]).tests, None);
    }

    #[test]
    fn crates_of_the_repository_are_counted_apart_from_others() {
        let outcome = read(&[
            "   Compiling serde v1.0.229",
            "\u{1b}[1m\u{1b}[32m    Checking\u{1b}[0m tidegate-model v0.1.0 (/somewhere/shared/model)",
            "    Finished `dev` profile",
        ]);
        assert_eq!(outcome.source, "compiled 1 of our crates, 1 others");
    }

    #[test]
    fn components_of_the_cluster_are_named_when_they_were_built() {
        let outcome = read(&[
            "259 s  etcd-v3.6.16-e72a0a599f49: building",
            "259 s  etcd-v3.6.16-e72a0a599f49: built in 244 s, 26M",
            "  0 s  gitea-v1.26.0-e72a0a599f49: from the cache",
        ]);
        assert_eq!(outcome.source, "built etcd; 1 components from the cache");
    }
}
