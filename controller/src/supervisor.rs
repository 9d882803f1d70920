//! Runs loops side by side and joins them. When one ends by itself, all end.

use std::time::Instant;

use tidegate_telemetry::field;
use tokio::task::{JoinError, JoinSet};

/// Loops that run side by side, each with its name.
#[derive(Default)]
pub struct Supervisor(JoinSet<(&'static str, anyhow::Result<()>)>);

impl Supervisor {
    /// Starts a loop.
    pub fn start<E>(
        &mut self,
        name: &'static str,
        future: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Into<anyhow::Error>,
    {
        self.0.spawn(async move { (name, future.await.map_err(Into::into)) });
    }

    /// Waits until a loop ends. One that ends before it was stopped is a failure, whatever it returned; `None` when no loop runs.
    pub async fn failure(&mut self) -> Option<anyhow::Error> {
        self.0.join_next().await.map(describe)
    }

    /// Waits until all loops have ended after they were stopped. Returns the first failure.
    pub async fn join(&mut self) -> Option<anyhow::Error> {
        let mut first = None;
        while let Some(ended) = self.0.join_next().await {
            if matches!(ended, Ok((_, Ok(())))) {
                continue;
            }
            let failure = describe(ended);
            tracing::error!({ field::ERROR } = format!("{failure:#}"), "a loop failed while it was stopping");
            first.get_or_insert(failure);
        }
        first
    }

    /// Joins until then, and ends by force what still runs.
    pub async fn join_until(&mut self, deadline: Instant) {
        if tokio::time::timeout_at(deadline.into(), self.join()).await.is_err() {
            self.0.shutdown().await;
        }
    }
}

fn describe(ended: Result<(&'static str, anyhow::Result<()>), JoinError>) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow::anyhow!("the {name} loop ended"),
        Ok((name, Err(error))) => error.context(format!("the {name} loop failed")),
        Err(error) => anyhow::Error::new(error).context("a loop panicked"),
    }
}
