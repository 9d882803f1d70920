//! The running controller: a process of this machine, or a pod of a real cluster.

mod chart;
mod pod;
mod process;

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context as _, Result};
pub use pod::Installation;
use pod::Pod;
use process::Process;
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

/// How long the controller may take to start, or to stop when asked to.
const PATIENCE: Duration = Duration::from_mins(1);

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
    running: Running,
    reader: JoinSet<()>,
    log: Log,
}

enum Running {
    Process(Process),
    Pod(Box<Pod>),
}

/// What the controller has logged, and the address that it logged.
#[derive(Clone)]
struct Log {
    lines: watch::Sender<Vec<LogLine>>,
    address: watch::Sender<Option<String>>,
}

impl Controller {
    /// Starts the binary with these variables and nothing else of our environment but PATH and HOME.
    pub async fn start(binary: &Path, environment: &BTreeMap<String, String>) -> Result<Self> {
        let (log, mut reader) = (Log::new(), JoinSet::new());
        let process = Process::start(binary, environment, &log, &mut reader)?;
        let controller = Self { running: Running::Process(process), reader, log };
        controller.address().await?;
        Ok(controller)
    }

    /// Runs a pod of an installation, and waits until it is ready.
    pub async fn deploy(installation: &Installation) -> Result<Self> {
        let (log, mut reader) = (Log::new(), JoinSet::new());
        let pod = Pod::start(installation, &log, &mut reader).await?;
        Ok(Self { running: Running::Pod(Box::new(pod)), reader, log })
    }

    /// The address of `/metrics`, as soon as the controller serves it.
    pub async fn address(&self) -> Result<String> {
        let mut address = self.log.address.subscribe();
        let found = tokio::time::timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        let found = found.with_context(|| format!("the controller did not start:\n{}", self.log_text()))?;
        let found = found.with_context(|| format!("the controller ended:\n{}", self.log_text()))?;
        found.clone().context("no address")
    }

    /// The process id, as we see it: a pod's processes run on the node that we share.
    pub fn pid(&self) -> Result<u32> {
        match &self.running {
            Running::Process(process) => process.pid().context("the controller has ended"),
            Running::Pod(pod) => pod.pid(),
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> Vec<LogLine> {
        self.log.lines.borrow().clone()
    }

    /// Waits until it has logged a text. A pod's log arrives a moment after the event.
    pub async fn logged(&self, text: &str) -> Result<()> {
        self.logged_line(&format!("{text:?}"), |line| line.text.contains(text)).await
    }

    /// Waits until it has logged such a line; `what` describes it.
    pub async fn logged_line(&self, what: &str, is_it: impl Fn(&LogLine) -> bool) -> Result<()> {
        let mut lines = self.log.lines.subscribe();
        let logged = lines.wait_for(|lines| lines.iter().any(&is_it));
        let logged = tokio::time::timeout(PATIENCE, logged).await.map(drop);
        logged.with_context(|| format!("no line with {what} in the log:\n{}", self.log_text()))
    }

    fn log_text(&self) -> String {
        self.log().into_iter().map(|line| line.text + "\n").collect()
    }

    /// Stops it as Kubernetes does: SIGTERM, and time to finish. Returns its log.
    pub async fn stop(self) -> Result<Vec<LogLine>> {
        self.end(false).await
    }

    /// Kills it where it stands, as a lost node does.
    pub async fn kill(self) -> Result<Vec<LogLine>> {
        self.end(true).await
    }

    async fn end(mut self, kill: bool) -> Result<Vec<LogLine>> {
        let ended = tokio::time::timeout(PATIENCE, async {
            match &mut self.running {
                Running::Process(process) => process.end(kill).await?,
                Running::Pod(pod) => pod.end(kill).await?,
            }
            while let Some(ended) = self.reader.join_next().await {
                ended?;
            }
            anyhow::Ok(())
        });
        let ended = ended.await.context("it did not end in time").and_then(|ended| ended);
        ended.with_context(|| format!("failed to stop the controller:\n{}", self.log_text()))?;
        Ok(self.log())
    }
}

impl Log {
    fn new() -> Self {
        Self { lines: watch::Sender::default(), address: watch::Sender::new(None) }
    }

    fn push(&self, text: String) {
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some(address) = json["http.address"].as_str() {
            self.address.send_if_modified(|known| {
                let new = known.is_none();
                known.get_or_insert_with(|| address.to_owned());
                new
            });
        }
        let level = json["level"].as_str().unwrap_or_default().to_owned();
        self.lines.send_modify(|lines| lines.push(LogLine { level, text }));
    }
}
