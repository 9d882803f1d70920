//! The emulator of AWS: one process on a free port of 127.0.0.1.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use crate::{deploy::tools::Tools, step::Step};

/// How long it may take to start, or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running emulator. Dropping it kills it.
pub(crate) struct Ministack {
    process: Child,
    endpoint: String,
}

impl Ministack {
    /// Starts it and waits until it listens. Its log goes into a file of the folder.
    pub(crate) fn start(tools: &Tools, folder: &Path) -> anyhow::Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to find a free port")?;
        let address = free.local_addr()?;
        drop(free);
        let log = folder.join("ministack.log");
        let file = File::create(&log).context("failed to create the emulator's log")?;
        let process = Command::new(&tools.ministack)
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", address.port().to_string())
            // Its functions inherit this; they would ask AWS itself otherwise.
            .env("AWS_ENDPOINT_URL", format!("http://{address}"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // Where it unpacks the functions.
            .env("TMPDIR", folder)
            // Else it listens for MQTT on a port of its own.
            .env("IOT_MTLS_ENABLED", "0")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("failed to start {}", tools.ministack.display()))?;
        let mut emulator = Self { process, endpoint: format!("http://{address}") };
        emulator.listens(address).with_context(|| format!("see {}", log.display()))?;
        Ok(emulator)
    }

    fn listens(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        within_patience("listen", || {
            if let Some(status) = self.process.try_wait()? {
                bail!("the emulator ended with {status}");
            }
            Ok(TcpStream::connect(address).is_ok())
        })
    }

    /// Its address.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Points a command that uses AWS at it.
    pub(crate) fn tell(&self, step: Step) -> Step {
        step.env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// Asks it to end, as its functions' processes end with it then, and waits for that.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.process.id().to_string();
        ensure!(Command::new("kill").arg(&pid).status()?.success(), "failed to signal the emulator");
        within_patience("end", || Ok(self.process.try_wait()?.is_some()))
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Polls until the emulator has reached a state: it sends no notifications.
#[expect(clippy::disallowed_methods, reason = "nothing here is asynchronous")]
fn within_patience(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let start = Instant::now();
    while !holds()? {
        ensure!(start.elapsed() < PATIENCE, "the emulator doesn't {what}");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
