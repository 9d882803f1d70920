//! The root spans of the loops: what every line of a round has in common.

use kube::ResourceExt;
use tidegate_model::TraceParent;
use tidegate_resources::{IntegrationConfig, IntegrationJob, annotation};
use tidegate_telemetry::field;
use tracing::Span;

use crate::key::Key;

/// Of a round about a run. The trace is that of the delivery that the run comes from.
pub fn of_run(job: &IntegrationJob) -> Span {
    let trace =
        job.annotations().get(annotation::TRACEPARENT).and_then(|text| text.parse::<TraceParent>().ok());
    tracing::info_span!(
        "run",
        { field::JOB } = %Key::of(job),
        { field::REPO } = %job.spec.repository,
        { field::TRACE } = trace.as_ref().map(TraceParent::trace_id),
    )
}

/// Of a round about a config.
pub fn of_config(config: &IntegrationConfig) -> Span {
    tracing::info_span!(
        "config",
        { field::CONFIG } = config.display_name(),
        { field::REPO } = %config.spec.git.repository,
    )
}
