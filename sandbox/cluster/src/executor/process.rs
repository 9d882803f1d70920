//! One step as a local process.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process::Command, time::Instant};

/// A process to run.
#[derive(Debug)]
pub(crate) struct Process {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// The whole environment.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) directory: PathBuf,
    /// Gets standard output and standard error.
    pub(crate) log: PathBuf,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this code; 128 and the signal when it was killed.
    Exited(i32),
    /// It was stopped.
    Stopped,
    /// It took too long.
    TimedOut,
}

impl Process {
    /// Runs it to its end. Whatever it started ends with it.
    pub(crate) async fn run(&self, deadline: Instant, stop: impl Future<Output = ()>) -> io::Result<Ended> {
        let mut log = File::create(&self.log)?;
        let (program, arguments) = self.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let spawned = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            // Tekton's entrypoint writes this to the step's log, too.
            Err(error) => {
                writeln!(log, "Error executing command: {program}: {error}")?;
                return Ok(Ended::Exited(1));
            }
        };
        let group = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let ended = tokio::select! {
            status = child.wait() => Ended::Exited(exit_code(status?)),
            () = stop => Ended::Stopped,
            () = tokio::time::sleep_until(deadline) => Ended::TimedOut,
        };
        if let Some(group) = group {
            // No such group: the process had left nothing behind.
            match kill_process_group(group, Signal::KILL) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        child.wait().await?;
        Ok(ended)
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}
