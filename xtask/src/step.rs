//! One command of ours that is run, timed and written down.

mod tally;

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{
    journal::Outcome,
    workspace::{Workspace, cargo},
};
use tally::Tally;

/// How much commands in the background leave the processor to others.
const BACKGROUND: &str = "10";

/// One command.
pub(crate) struct Step {
    name: String,
    program: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    is_counted: bool,
}

impl Step {
    /// A call of cargo. What it compiles and tests is counted.
    pub(crate) fn cargo(name: &str, arguments: &[&str]) -> Self {
        Self::new(name, &cargo(), arguments).counted()
    }

    /// A call of a program by its path.
    pub(crate) fn binary(name: &str, path: &Path, arguments: &[&str]) -> Self {
        Self::new(name, &path.display().to_string(), arguments)
    }

    fn new(name: &str, program: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments,
            environment: Vec::new(),
            is_counted: false,
        }
    }

    /// The same with an environment variable.
    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// The same, with what it prints read for tests and for what was built. It must leave no process behind that
    /// prints there.
    pub(crate) fn counted(mut self) -> Self {
        self.is_counted = true;
        self
    }

    /// Runs it in the repository, its output going where ours goes. Returns how long it took.
    pub(crate) fn run(&self, workspace: &Workspace) -> anyhow::Result<Duration> {
        let journal = &workspace.journal;
        journal.begin(&self.name)?;
        let start = Instant::now();
        let tally = Mutex::new(Tally::default());
        let status = if self.is_counted && workspace.counts {
            self.count(workspace, &tally)
        } else {
            let mut command = self.command(workspace);
            command.stdout(journal.output()?).stderr(journal.output()?).status().map_err(Into::into)
        };
        let status = status.with_context(|| format!("failed to start {}", self.program))?;
        let took = start.elapsed();
        let outcome = tally.into_inner().unwrap_or_else(PoisonError::into_inner).outcome();
        journal.record(&self.name, took, outcome);
        self.check(status)?;
        Ok(took)
    }

    /// Runs it in the repository and returns what it prints; where it fails, its output is part of the error.
    pub(crate) fn output(&self, workspace: &Workspace) -> anyhow::Result<String> {
        workspace.journal.begin(&self.name)?;
        let start = Instant::now();
        let output =
            self.command(workspace).output().with_context(|| format!("failed to start {}", self.program))?;
        workspace.journal.record(&self.name, start.elapsed(), Outcome::default());
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("{} failed ({}): {}\n{stdout}{stderr}", self.name, output.status, self.program);
        }
        Ok(stdout.into_owned())
    }

    /// Runs it, passes on what it prints, and reads it.
    fn count(&self, workspace: &Workspace, tally: &Mutex<Tally>) -> anyhow::Result<ExitStatus> {
        let mut command = self.command(workspace);
        if workspace.journal.is_colourful() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let Child { stdout, stderr, .. } = &mut child;
        let (stdout, stderr) = (stdout.take(), stderr.take());
        thread::scope(|scope| {
            if let Some(stdout) = stdout {
                scope.spawn(move || pass_on(stdout, workspace, tally));
            }
            if let Some(stderr) = stderr {
                scope.spawn(move || pass_on(stderr, workspace, tally));
            }
        });
        Ok(child.wait()?)
    }

    fn check(&self, status: ExitStatus) -> anyhow::Result<()> {
        if !status.success() {
            bail!("{} failed ({status}): {} {}", self.name, self.program, self.arguments.join(" "));
        }
        Ok(())
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let mut command = if workspace.journal.is_lane() {
            let mut nice = Command::new("nice");
            nice.args(["-n", BACKGROUND, &self.program]);
            nice
        } else {
            Command::new(&self.program)
        };
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&workspace.root);
        command
    }
}

/// Prints each line, and counts what it says.
fn pass_on(from: impl Read, workspace: &Workspace, tally: &Mutex<Tally>) {
    for line in BufReader::new(from).split(b'\n') {
        // The program has ended; its exit code shows how.
        let Ok(line) = line else { return };
        let text = String::from_utf8_lossy(&line);
        tally.lock().unwrap_or_else(PoisonError::into_inner).read(&text);
        workspace.journal.print(format_args!("{text}"));
    }
    // So that a line without an end is seen before the next step's.
    let _ = std::io::stdout().flush();
}
