//! What was run: who prints where, and one table of all steps at the end.

use std::{
    fmt,
    fs::{self, File},
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

/// How many lines of a background lane's log are shown when a step of it fails.
const SHOWN_LINES: usize = 300;

/// Where steps print, and where they are written down. Clones share the table.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    rows: Arc<Mutex<Vec<Row>>>,
    tier: &'static str,
    lane: Option<Arc<Lane>>,
    /// Whether no further step begins.
    is_stopped: Arc<AtomicBool>,
}

/// Steps that run beside those that people watch. They print into a file.
#[derive(Debug)]
struct Lane {
    name: &'static str,
    path: PathBuf,
    log: File,
}

#[derive(Debug)]
struct Row {
    tier: &'static str,
    step: String,
    took: Duration,
    outcome: Outcome,
}

/// What is known of a step beside its time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Of tests, when the step ran any.
    pub tests: Option<Tests>,
    /// What was built, or taken from a cache.
    pub source: String,
}

/// How many tests did what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tests {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { rows: Arc::default(), tier: "", lane: None, is_stopped: Arc::default() }
    }

    /// The same table, for the steps of a tier.
    pub(crate) fn tier(&self, tier: &'static str) -> Self {
        Self { tier, ..self.clone() }
    }

    /// The same table, for steps that print into `folder/NAME.log`.
    pub(crate) fn lane(&self, name: &'static str, folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
        let path = folder.join(format!("{name}.log"));
        let log = File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
        println!("── in the background: {name} (log: {})", path.display());
        Ok(Self { lane: Some(Arc::new(Lane { name, path, log })), ..self.clone() })
    }

    /// Lets no further step begin, in no lane.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Fails once another lane has failed.
    pub(crate) fn begin(&self, step: &str) -> anyhow::Result<()> {
        ensure!(
            !self.is_stopped.load(Ordering::Relaxed),
            "{step} was not started, because another step has failed"
        );
        self.print(format_args!("── {step}"));
        Ok(())
    }

    /// Prints a line.
    pub(crate) fn print(&self, text: fmt::Arguments<'_>) {
        match &self.lane {
            None => println!("{text}"),
            // A log that can't be written to must not end the work that it is about.
            Some(lane) => drop(writeln!(&lane.log, "{text}")),
        }
    }

    /// Whether steps run in the background, and leave the processor to those that don't.
    pub(crate) fn is_lane(&self) -> bool {
        self.lane.is_some()
    }

    /// Where a command prints.
    pub(crate) fn output(&self) -> anyhow::Result<Stdio> {
        match &self.lane {
            None => Ok(Stdio::inherit()),
            Some(lane) => Ok(lane.log.try_clone().context("failed to share a log")?.into()),
        }
    }

    /// Whether people see colours where commands print.
    pub(crate) fn is_colourful(&self) -> bool {
        self.lane.is_none() && std::io::stdout().is_terminal()
    }

    /// Writes a step into the table, and does it.
    pub(crate) fn timed<T>(&self, step: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let start = Instant::now();
        let result = work();
        self.record(step, start.elapsed(), Outcome::default());
        result
    }

    /// Writes a step that was done into the table. What took no time is written once.
    pub(crate) fn record(&self, step: &str, took: Duration, outcome: Outcome) {
        let mut rows = self.rows();
        let is_known = |row: &Row| row.step == step && row.outcome == outcome;
        if took.is_zero() && rows.iter().any(is_known) {
            return;
        }
        rows.push(Row { tier: self.tier, step: step.to_owned(), took, outcome });
    }

    /// The end of a lane's log.
    pub(crate) fn tail(&self) -> String {
        let Some(lane) = &self.lane else { return String::new() };
        let text = fs::read(&lane.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
        format!("the end of {}, the log of {}:\n{shown}", lane.path.display(), lane.name)
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        // A panic while a row was pushed leaves a table that can be printed.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table: tier, seconds, tests, step, and what was built or taken from a cache.
impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<8} {:>8} {:>7} {:>7}  step", "tier", "seconds", "passed", "skipped")?;
        let mut all = Tests::default();
        for row in self.rows().iter() {
            let (passed, skipped) = match row.outcome.tests {
                Some(tests) => (tests.passed.to_string(), tests.skipped.to_string()),
                None => Default::default(),
            };
            let tests = row.outcome.tests.unwrap_or_default();
            all.passed += tests.passed;
            all.failed += tests.failed;
            all.skipped += tests.skipped;
            let seconds = row.took.as_secs_f64();
            write!(f, "{:<8} {seconds:>8.1} {passed:>7} {skipped:>7}  {}", row.tier, row.step)?;
            match row.outcome.source.as_str() {
                "" => writeln!(f)?,
                source => writeln!(f, " [{source}]")?,
            }
        }
        // The form that the runners of tests close with.
        write!(f, "{} passed, {} failed, {} skipped", all.passed, all.failed, all.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_the_tests_of_all_tiers_and_names_sources() {
        let journal = Journal::new();
        let tests = |passed, skipped| Outcome {
            tests: Some(Tests { passed, failed: 0, skipped }),
            source: String::new(),
        };
        journal.tier("fast").record("unit tests", Duration::from_secs(3), tests(7, 1));
        journal.tier("cluster").record("scenarios", Duration::from_secs(4), tests(5, 2));
        let cached = Outcome { tests: None, source: "from the cache".to_owned() };
        journal.tier("cluster").record("helm", Duration::ZERO, cached.clone());
        journal.tier("sandbox").record("helm", Duration::ZERO, cached);
        let table = journal.to_string();
        assert!(table.ends_with("\n12 passed, 0 failed, 3 skipped"), "{table}");
        assert!(table.contains("cluster       4.0       5       2  scenarios\n"), "{table}");
        assert_eq!(table.matches("helm [from the cache]").count(), 1, "{table}");
    }
}
