//! How many requests the controller made to the host's API, as the host counts them.

use std::fmt;

use anyhow::{Context as _, Result};
use tidegate_scenarios::{Forge, Scene};

use crate::controller;

/// Requests so far.
#[derive(Debug, Clone, Copy)]
pub struct HostCalls {
    reads: usize,
    writes: usize,
}

impl HostCalls {
    /// What has come since then.
    pub fn since(self, before: &Self) -> Self {
        Self { reads: self.reads - before.reads, writes: self.writes - before.writes }
    }
}

impl fmt::Display for HostCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} reads, {} writes", self.reads, self.writes)
    }
}

/// Counts the requests to the scene's host.
pub async fn count(scene: &Scene) -> Result<HostCalls> {
    let methods: Vec<String> = match &scene.world.forge {
        Forge::Sandbox(forge) => forge.api_calls().into_iter().map(|call| call.method).collect(),
        Forge::Gitea(_) => {
            let address = controller(scene)?.address().await?;
            let (own, _) = address.rsplit_once(':').context("an address without a port")?;
            let path = std::env::var("GITEA_LOG").context("GITEA_LOG is not set")?;
            let log = std::fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
            log.lines().filter_map(|line| method_of(line, own)).map(str::to_owned).collect()
        }
    };
    let reads = methods.iter().filter(|method| *method == "GET").count();
    Ok(HostCalls { reads, writes: methods.len() - reads })
}

/// The method in a line of Gitea's router log about an answered API request from an address:
/// `… router: completed GET /api/v1/… for ADDRESS:PORT, 200 OK in 3.1ms @ …`
fn method_of<'a>(line: &'a str, from: &str) -> Option<&'a str> {
    let (_, request) = line.split_once("router: completed ")?;
    let (method, rest) = request.split_once(' ')?;
    let (path, rest) = rest.split_once(" for ")?;
    let peer = rest.split_once(',')?.0;
    let is_ours = path.starts_with("/api/v1/") && peer.rsplit_once(':')?.0 == from;
    is_ours.then_some(method)
}
