//! `/runs/NAMESPACE/NAME`: the page of one `IntegrationJob`, for whoever has its address.
//!
//! The address is unguessable (ADR 27): it holds a digest over the config's uid, which nobody outside the cluster knows, and
//! only the commit status shows it.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use tidegate_model::ObjectName;
use tidegate_resources::IntegrationJob;
use tidegate_telemetry::field;
use tokio::{sync::Semaphore, time::timeout};

use super::page;
use crate::{context::Context, error_chain};

/// Pages that may be made at once: each reads one object from the Kubernetes API.
const AT_ONCE: usize = 16;
/// How long the Kubernetes API may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A page loads nothing, is not cached, and sends no referrer.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Serves the pages.
pub(super) fn router(context: &Context) -> Router {
    let pages = Pages { context: context.clone(), at_once: Arc::new(Semaphore::new(AT_ONCE)) };
    Router::new().route("/runs/{namespace}/{name}", get(show).with_state(pages))
}

#[derive(Clone)]
struct Pages {
    context: Context,
    at_once: Arc<Semaphore>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("There is no such run, or it has been removed.")]
    Unknown,
    #[error("Too many pages are asked for. Try again in a moment.")]
    Busy,
    #[error("The Kubernetes API can't be read. Try again in a moment.")]
    Unavailable,
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

async fn show(State(pages): State<Pages>, Path((namespace, name)): Path<(String, String)>) -> Response {
    match pages.html(&namespace, &name).await {
        Ok(html) => (HEADERS, Html(html)).into_response(),
        Err(refusal) => (refusal.status(), HEADERS, format!("{refusal}\n")).into_response(),
    }
}

impl Pages {
    async fn html(&self, namespace: &str, name: &str) -> Result<String, PageError> {
        let (namespace, name): (ObjectName, ObjectName) = match (namespace.parse(), name.parse()) {
            (Ok(namespace), Ok(name)) => (namespace, name),
            _ => return Err(PageError::Unknown),
        };
        if !self.context.serves(namespace.as_str()) {
            return Err(PageError::Unknown);
        }
        let _permit = self.at_once.try_acquire().map_err(|_| PageError::Busy)?;
        let api = self.context.namespaced::<IntegrationJob>(namespace.as_str());
        let unavailable = |error: &dyn std::error::Error| {
            tracing::warn!(
                { field::JOB } = %format_args!("{namespace}/{name}"),
                { field::ERROR } = error_chain(error),
                "failed to show the page of a run"
            );
            PageError::Unavailable
        };
        let job = timeout(PATIENCE, api.get_opt(name.as_str())).await.map_err(|late| unavailable(&late))?;
        let job = job.map_err(|error| unavailable(&error))?.ok_or(PageError::Unknown)?;
        page::html(&job).map_err(|error| unavailable(&error))
    }
}
