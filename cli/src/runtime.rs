//! Runs what waits for the network.

use anyhow::{Context as _, Result};

/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.context("failed to start")?.block_on(future))
}
