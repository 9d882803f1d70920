//! What is counted, for Prometheus. Every label is of a closed set.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tidegate_model::Host;

/// What is counted. Cloning is cheap and counts into the same place.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    commands: Family<CommandLabels, Counter>,
    host_calls: Family<HostCallLabels, Counter>,
    reconcile_failures: Family<FailureLabels, Counter>,
    finished: Family<PhaseLabels, Counter>,
    connections_closed: Family<ReasonLabels, Counter>,
    events_dropped: Family<ReasonLabels, Counter>,
    leader: Gauge,
    queued: Gauge,
    running: Gauge,
    accepted_to_job: Histogram,
    accepted_to_run: Histogram,
    ended_to_status: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    intention: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HostCallLabels {
    host: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    r#loop: &'static str,
    category: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// Upper bounds in seconds: from 5 ms, what a sandbox needs, to the hour that a full queue may take.
const LATENCY_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 900.0, 3600.0];

impl Default for Metrics {
    fn default() -> Self {
        let latency = || Histogram::new(LATENCY_BUCKETS);
        let metrics = Self {
            registry: Arc::new(Mutex::new(Registry::with_prefix("tidegate"))),
            commands: Family::default(),
            host_calls: Family::default(),
            reconcile_failures: Family::default(),
            finished: Family::default(),
            connections_closed: Family::default(),
            events_dropped: Family::default(),
            leader: Gauge::default(),
            queued: Gauge::default(),
            running: Gauge::default(),
            accepted_to_job: latency(),
            accepted_to_run: latency(),
            ended_to_status: latency(),
        };
        let mut registry = metrics.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let r = &mut *registry;
        r.register(
            "commands",
            "Commands taken from the queues, by what became of them",
            metrics.commands.clone(),
        );
        r.register("host_calls", "Requests to git hosts, by what became of them", metrics.host_calls.clone());
        r.register("reconcile_failures", "Failed rounds of a loop", metrics.reconcile_failures.clone());
        r.register("integration_jobs_finished", "IntegrationJobs that ended", metrics.finished.clone());
        r.register(
            "http_connections_closed",
            "Connections to this port that ended without a whole request and its answer",
            metrics.connections_closed.clone(),
        );
        r.register(
            "events_dropped",
            "Events that were dropped, as their hook's salt counts no more",
            metrics.events_dropped.clone(),
        );
        r.register("leader", "1 while this replica leads, 0 while it stands by", metrics.leader.clone());
        r.register("integration_jobs_queued", "IntegrationJobs that wait for a slot", metrics.queued.clone());
        r.register("integration_jobs_running", "IntegrationJobs that have a slot", metrics.running.clone());
        r.register(
            "accepted_to_integration_job_seconds",
            "From the webhook function's acceptance to the IntegrationJob",
            metrics.accepted_to_job.clone(),
        );
        r.register(
            "accepted_to_pipeline_run_seconds",
            "From the webhook function's acceptance to the PipelineRun",
            metrics.accepted_to_run.clone(),
        );
        r.register(
            "ended_to_status_seconds",
            "From the end of a task to its commit status on the host",
            metrics.ended_to_status.clone(),
        );
        drop(registry);
        metrics
    }
}

impl Metrics {
    /// Counts a command, and what became of it.
    pub fn command(&self, intention: &'static str, outcome: &'static str) {
        self.commands.get_or_create(&CommandLabels { intention, outcome }).inc();
    }

    /// Counts a request to a host; the outcome is `ok` or the error's category.
    pub fn host_call(&self, host: Host, operation: &'static str, outcome: &'static str) {
        self.host_calls.get_or_create(&HostCallLabels { host: host.as_str(), operation, outcome }).inc();
    }

    /// Counts a failed round of a loop by the error's category.
    pub fn reconcile_failure(&self, r#loop: &'static str, category: &'static str) {
        self.reconcile_failures.get_or_create(&FailureLabels { r#loop, category }).inc();
    }

    /// Counts an `IntegrationJob` that ended in a phase.
    pub fn finished(&self, phase: &'static str) {
        self.finished.get_or_create(&PhaseLabels { phase }).inc();
    }

    /// Counts a connection that ended without a whole request and its answer.
    pub fn connection_closed(&self, reason: &'static str) {
        self.connections_closed.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts an event that was dropped.
    pub fn event_dropped(&self, reason: &'static str) {
        self.events_dropped.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Sets whether this replica leads.
    pub fn set_leader(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// Sets how many `IntegrationJob`s wait, and how many have a slot.
    pub fn set_occupation(&self, queued: usize, running: usize) {
        self.queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
        self.running.set(i64::try_from(running).unwrap_or(i64::MAX));
    }

    /// Observes how long ago a delivery was accepted that has become an `IntegrationJob` now; in milliseconds since 1970.
    pub fn accepted_to_job(&self, accepted_at_ms: u64) {
        self.accepted_to_job.observe(seconds_since(accepted_at_ms));
    }

    /// Observes how long ago a delivery was accepted that has become a `PipelineRun` now; in milliseconds since 1970.
    pub fn accepted_to_run(&self, accepted_at_ms: u64) {
        self.accepted_to_run.observe(seconds_since(accepted_at_ms));
    }

    /// Observes how long the host had to wait for a status after its task had ended, in seconds.
    pub fn ended_to_status(&self, seconds: f64) {
        self.ended_to_status.observe(seconds);
    }

    /// Everything that was counted, in the `OpenMetrics` text format.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// How long ago that was, in seconds; zero for a clock that runs ahead.
fn seconds_since(milliseconds: u64) -> f64 {
    let then = UNIX_EPOCH + Duration::from_millis(milliseconds);
    SystemTime::now().duration_since(then).map_or(0.0, |age| age.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_encoded_with_its_labels() {
        let metrics = Metrics::default();
        metrics.command("run_push", "created");
        metrics.host_call(Host::Gitea, "set_status", "ok");
        let text = metrics.encode().expect("encodes");
        assert!(
            text.contains(r#"tidegate_commands_total{intention="run_push",outcome="created"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"host="gitea",operation="set_status",outcome="ok"} 1"#), "{text}");
    }
}
