//! What became of each scenario, for whoever counts over all worlds.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::World;

/// What became of a scenario.
pub enum Outcome<'a> {
    /// It ran, and holds.
    Ran,
    /// It ran, and this is how it failed.
    Failed(&'a str),
    /// It doesn't run in this world, for this reason.
    Skipped(&'a str),
}

/// The file that `TIDEGATE_TEST_REPORT` names, or none. Each line is
/// `world<TAB>suite<TAB>name<TAB>outcome<TAB>seconds<TAB>reason` with the outcome `ran`, `failed` or `skipped`. Several test
/// binaries append to one file.
pub struct Report {
    file: Option<File>,
    world: World,
    suite: &'static str,
}

impl Report {
    /// Opens the file, if there is a path.
    pub fn open(path: Option<&Path>, world: World, suite: &'static str) -> Result<Self> {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.with_context(|| format!("failed to open the report {}", path.display()))
        };
        Ok(Self { file: path.map(open).transpose()?, world, suite })
    }

    /// Appends one scenario's line.
    pub fn append(&self, name: &str, outcome: &Outcome<'_>, took: Duration) -> Result<()> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        let (outcome, reason) = match outcome {
            Outcome::Ran => ("ran", ""),
            Outcome::Failed(reason) => ("failed", *reason),
            Outcome::Skipped(reason) => ("skipped", *reason),
        };
        let reason = reason.lines().next().unwrap_or_default().replace('\t', " ");
        let (world, suite, seconds) = (self.world.name(), self.suite, took.as_secs_f64());
        let line = format!("{world}\t{suite}\t{name}\t{outcome}\t{seconds:.1}\t{reason}\n");
        // One write: the lines of several threads and processes don't mix.
        file.write_all(line.as_bytes()).with_context(|| format!("failed to report {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_one_line_after_what_is_there() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), "before\n")?;
        let report = Report::open(Some(file.path()), World::Sam, "scenarios")?;
        report.append("push::one", &Outcome::Ran, Duration::from_millis(1_500))?;
        report.append("push::two", &Outcome::Failed("not\tgreen\nat all"), Duration::from_secs(9))?;
        report.append("push::three", &Outcome::Skipped("there is no GitHub"), Duration::ZERO)?;
        let expected = "before\nsam\tscenarios\tpush::one\tran\t1.5\t\nsam\tscenarios\tpush::two\tfailed\t9.0\tnot green\n\
                        sam\tscenarios\tpush::three\tskipped\t0.0\tthere is no GitHub\n";
        assert_eq!(std::fs::read_to_string(file.path())?, expected);
        Ok(())
    }
}
