//! What is asked of the controller over HTTP: `/healthz`, `/readyz` and `/metrics` by the cluster, `/runs/…` by people.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::{Router, extract::State, http::StatusCode, http::header, response::IntoResponse, routing::get};
use tokio_util::sync::CancellationToken;

use tidegate_telemetry::field;

use crate::{context::Context, metrics::Metrics};

mod page;
mod runs;
mod server;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address can't be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A connection's task panicked.
    #[error("the task of an HTTP connection failed")]
    Serve(#[source] tokio::task::JoinError),
}

/// Whether the controller can do its work: set when its CRDs are there and it leads or stands by.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on the controller does its work, or does so no more.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Serves until `stop` is cancelled.
pub async fn run(context: Context, readiness: Readiness, stop: CancellationToken) -> Result<(), WebError> {
    let address = context.settings.listen;
    let listener = server::listen(address).map_err(|source| WebError::Listen { address, source })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!({ field::ADDRESS } = %address, "serving /healthz, /readyz and /metrics on {address}");
    }
    let pages = if context.settings.report_url.is_some() { runs::router(&context) } else { Router::new() };
    let app = pages
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(metrics).with_state(context.metrics.clone()));
    let bounds = server::Bounds::default();
    server::serve(listener, app, bounds, context.metrics, stop).await.map_err(WebError::Serve)
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.is_ready() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping")
    }
}

async fn metrics(State(metrics): State<Metrics>) -> axum::response::Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!({ field::ERROR } = %error, "failed to encode the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
