//! The controller's process.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinSet,
};

/// How long the controller may take to start, or to stop when asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A line of the controller's log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// `INFO`, `WARN`, `ERROR`; empty where the line is no JSON (a panic's message).
    pub level: String,
    /// The whole line.
    pub text: String,
}

/// A running controller.
pub struct Controller {
    child: Child,
    reader: JoinSet<()>,
    lines: Arc<Mutex<Vec<LogLine>>>,
    address: watch::Receiver<Option<String>>,
}

impl Controller {
    /// Starts the binary with these variables and nothing else of our environment but PATH and HOME.
    pub fn start(binary: &Path, environment: &BTreeMap<String, String>) -> Result<Self> {
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
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (found, address) = watch::channel(None);
        let kept = Arc::clone(&lines);
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let mut stream = BufReader::new(stderr).lines();
            while let Ok(Some(text)) = stream.next_line().await {
                let json: Value = serde_json::from_str(&text).unwrap_or_default();
                if let Some(address) = json["http.address"].as_str() {
                    found.send_replace(Some(address.to_owned()));
                }
                let level = json["level"].as_str().unwrap_or_default().to_owned();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(LogLine { level, text });
            }
        });
        Ok(Self { child, reader, lines, address })
    }

    /// The address of `/metrics`, as soon as the controller serves it.
    pub async fn address(&self) -> Result<String> {
        let mut address = self.address.clone();
        let found = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        let found = found.with_context(|| format!("the controller did not start:\n{}", self.log_text()))?;
        let found = found.with_context(|| format!("the controller ended:\n{}", self.log_text()))?;
        found.clone().context("no address")
    }

    /// The process id.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn log_text(&self) -> String {
        self.log().into_iter().map(|line| line.text + "\n").collect()
    }

    /// Stops it as Kubernetes does: SIGTERM, and time to finish. Returns its log.
    pub async fn stop(mut self) -> Result<Vec<LogLine>> {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).context("failed to stop the controller")?;
        }
        let status = self.ended().await?;
        ensure!(status.success(), "the controller ended with {status}:\n{}", self.log_text());
        Ok(self.log())
    }

    /// Kills it where it stands, as a lost node does.
    pub async fn kill(mut self) -> Result<Vec<LogLine>> {
        self.child.start_kill().context("failed to kill the controller")?;
        self.ended().await?;
        Ok(self.log())
    }

    async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = tokio::time::timeout(PATIENCE, async {
            let status = self.child.wait().await?;
            while let Some(ended) = self.reader.join_next().await {
                ended?;
            }
            anyhow::Ok(status)
        });
        ended.await.with_context(|| format!("the controller did not end:\n{}", self.log_text()))?
    }
}
