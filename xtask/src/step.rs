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
        let status =
            self.command(workspace).status().with_context(|| format!("failed to start {}", self.program))?;
        if !status.success() {
            bail!("{} failed ({status}): {} {}", self.name, self.program, self.arguments.join(" "));
        }
        Ok(start.elapsed())
    }

    /// Runs it in the repository and returns what it prints; where it fails, its output is part of the error.
    pub(crate) fn output(&self, workspace: &Workspace) -> anyhow::Result<String> {
        println!("── {}", self.name);
        let output =
            self.command(workspace).output().with_context(|| format!("failed to start {}", self.program))?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("{} failed ({}): {}\n{stdout}{stderr}", self.name, output.status, self.program);
        }
        Ok(stdout.into_owned())
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&workspace.root);
        command
    }
}
