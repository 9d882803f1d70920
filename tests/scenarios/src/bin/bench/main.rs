//! How fast and how heavy Tidegate is: on the sandbox, or with `TIDEGATE_WORLD=cluster` on real Kubernetes and Gitea.
//!
//! Every figure is of a world of its own, and comes with the machine's load. Nothing here passes or fails by speed.
#![expect(clippy::print_stdout, reason = "this is a program for a terminal")]

mod burst;
mod connections;
mod figures;
mod finished;
mod host_calls;
mod latency;
mod memory;
mod tekton;
mod verdict;
mod watch;

use anyhow::{Context as _, Result};
use clap::Parser;
use serde_json::{Value, json};
use tidegate_scenarios::{Controller, Scene, is_real};

/// Measures Tidegate.
#[derive(Parser)]
struct Arguments {
    /// How many deliveries are timed one after another.
    #[arg(long, default_value_t = 60)]
    deliveries: usize,
    /// How many deliveries come within one second.
    #[arg(long, default_value_t = 200)]
    burst: usize,
    /// How many runs' verdicts are timed until the host shows them.
    #[arg(long, default_value_t = 30)]
    verdicts: usize,
    /// After how many finished `IntegrationJob`s the controller's memory is read; on the sandbox alone.
    #[arg(long, default_value_t = 1000)]
    jobs: usize,
    /// In a cluster with so many finished `IntegrationJob`s the controller starts, and nothing else is measured; on the sandbox
    /// alone.
    #[arg(long)]
    finished: Option<usize>,
    /// How many half-sent requests are kept open at the controller's port, and nothing else is measured; on the sandbox alone.
    #[arg(long)]
    half_open: Option<usize>,
    /// For how many seconds.
    #[arg(long, default_value_t = 60)]
    half_open_seconds: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let world = if is_real() { "real Kubernetes, Tekton and Gitea" } else { "the sandbox" };
    println!("on {world}; load average {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    if let Some(runs) = arguments.finished {
        return Box::pin(finished::measure(runs)).await;
    }
    if let Some(connections) = arguments.half_open {
        return Box::pin(connections::measure(connections, arguments.half_open_seconds)).await;
    }
    Box::pin(latency::measure(arguments.deliveries)).await?;
    Box::pin(burst::measure(arguments.burst, false)).await?;
    Box::pin(burst::measure(arguments.burst, true)).await?;
    Box::pin(verdict::measure(arguments.verdicts)).await?;
    if !is_real() {
        Box::pin(memory::measure(arguments.jobs)).await?;
    }
    println!("load average at the end {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}

/// One preSubmit job that does nothing.
fn work() -> Value {
    let job = json!({
        "name": "unit", "image": "docker.io/library/busybox:1", "command": ["true"], "skipCheckout": true,
    });
    json!({"preSubmit": [job]})
}

fn controller(scene: &Scene) -> Result<&Controller> {
    scene.world.controller.as_ref().context("the controller is down")
}
