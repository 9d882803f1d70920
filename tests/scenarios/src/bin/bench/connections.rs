//! The controller's port under half-sent requests.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_model::Host;
use tidegate_scenarios::{
    Scene, WorldSpec,
    process::{peak_mib, resident_mib},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime,
    task::JoinSet,
    time::timeout,
};

use crate::{controller, work};

/// The chart's limit, in MiB.
const LIMIT: f64 = 256.0;
/// As much of a head as a server may keep: then it is left unfinished.
const HALF: usize = 12 * 1024;

/// How long a stranger waits before they open a closed connection again.
const AGAIN: Duration = Duration::from_secs(10);

/// Keeps so many half-sent requests open for so long, each opened again when it is closed, and probes meanwhile.
pub async fn measure(connections: usize, seconds: u64) -> Result<()> {
    let scene = Scene::set(WorldSpec::new(Host::Gitea), &work()).await?;
    let pid = controller(&scene)?.pid()?;
    let address = scene.world.controller_address().await?;
    let before = resident_mib(pid)?;
    // Thousands of tasks are not to delay the probe's own.
    let elsewhere = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut strangers = JoinSet::new();
    for _ in 0..connections {
        strangers.spawn_on(half_send(address.clone()), elsewhere.handle());
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
    let (mut slowest, mut probes) = (Duration::ZERO, 0);
    while Instant::now() < end {
        let start = Instant::now();
        let answer = timeout(Duration::from_secs(10), client.get(format!("http://{address}/healthz")).send());
        ensure!(answer.await??.status().is_success(), "a probe failed");
        slowest = slowest.max(start.elapsed());
        probes += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (now, peak) = (resident_mib(pid)?, peak_mib(pid)?);
    strangers.shutdown().await;
    elsewhere.shutdown_background();
    println!("{connections} half-sent requests of {HALF} bytes for {seconds} s:");
    println!("  controller: {before:.1} MiB before, {now:.1} MiB at the end, {peak:.1} MiB at its peak");
    println!("  slowest of {probes} probes: {:.3} s", slowest.as_secs_f64());
    ensure!(peak < LIMIT, "more than the chart's limit of {LIMIT} MiB");
    ensure!(slowest < Duration::from_secs(1), "a probe took more than a second");
    scene.end().await
}

/// Sends half a request again and again, each time until the server closes the connection.
async fn half_send(address: String) {
    let half = format!("GET /healthz HTTP/1.1\r\nx: {}", "x".repeat(HALF));
    loop {
        if let Ok(mut stream) = TcpStream::connect(&*address).await
            && stream.write_all(half.as_bytes()).await.is_ok()
        {
            let mut nothing = [0; 1];
            // Closed or reset: both end it.
            drop(stream.read(&mut nothing).await);
        }
        tokio::time::sleep(AGAIN).await;
    }
}
