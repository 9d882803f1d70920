//! One command of ours that is run, timed and told about.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::workspace::{Workspace, cargo};

/// One command.
pub(crate) struct Step {
    name: String,
    program: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Step {
    /// A call of cargo.
    pub(crate) fn cargo(name: &str, arguments: &[&str]) -> Self {
        Self::new(name, &cargo(), arguments)
    }

    /// A call of a program by its path.
    pub(crate) fn binary(name: &str, path: &Path, arguments: &[&str]) -> Self {
        Self::new(name, &path.display().to_string(), arguments)
    }

    fn new(name: &str, program: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { name: name.to_owned(), program: program.to_owned(), arguments, environment: Vec::new() }
    }

    /// The same with an environment variable.
    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// What it does, for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs it in the repository, its output going where ours goes. Returns how long it took.
    pub(crate) fn run(&self, workspace: &Workspace) -> anyhow::Result<Duration> {
        println!("── {}", self.name);
        let start = Instant::now();
        let status = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&workspace.root)
            .status()
            .with_context(|| format!("failed to start {}", self.program))?;
        if !status.success() {
            bail!("{} failed ({status}): {} {}", self.name, self.program, self.arguments.join(" "));
        }
        Ok(start.elapsed())
    }
}
