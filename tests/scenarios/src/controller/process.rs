//! The controller as a process of this machine.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinSet,
};

use super::Log;

pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(
        binary: &Path,
        environment: &BTreeMap<String, String>,
        log: &Log,
        reader: &mut JoinSet<()>,
    ) -> Result<Self> {
        let kept = ["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new(binary)
            .env_clear()
            .envs(kept)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start {}: is it built?", binary.display()))?;
        let stderr = child.stderr.take().context("the controller has no stderr")?;
        let log = log.clone();
        reader.spawn(async move {
            let mut stream = BufReader::new(stderr).lines();
            while let Ok(Some(text)) = stream.next_line().await {
                log.push(text);
            }
        });
        Ok(Self(child))
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.0.id()
    }

    pub(super) async fn end(&mut self, kill: bool) -> Result<()> {
        let pid = self.0.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, if kill { Signal::KILL } else { Signal::TERM })
                .context("failed to send a signal")?;
        }
        let status = self.0.wait().await?;
        ensure!(kill || status.success(), "it ended with {status}");
        Ok(())
    }
}
