//! Writing the status of an `IntegrationJob`.

use k8s_openapi::jiff::{Timestamp, Unit};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tidegate_model::JobName;
use tidegate_resources::{
    Condition, ConditionStatus, IntegrationJob, IntegrationJobStatus, JobPhase, JobStatus, Phase,
    set_condition,
};

use crate::{context::Context, merge_patch};

/// The condition that says how an `IntegrationJob` ended, and until then what it waits for.
pub const SUCCEEDED: &str = "Succeeded";

/// How an `IntegrationJob` stands as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The phase.
    pub phase: Phase,
    /// Why, as one word.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

impl Verdict {
    /// A verdict.
    pub fn new(phase: Phase, reason: &str, message: impl Into<String>) -> Self {
        // Tekton may give none, but a condition must have one.
        let reason = if reason.is_empty() { "Unknown" } else { reason };
        Self { phase, reason: reason.chars().take(64).collect(), message: message.into() }
    }

    /// Enters the verdict into a status: the phase, the condition, and when it is final the time.
    pub fn enter(self, status: &mut IntegrationJobStatus, now: Timestamp) {
        let time = rfc3339(now);
        status.phase = self.phase;
        if self.phase.is_final() && status.completed_at.is_none() {
            status.completed_at = Some(time.clone());
        }
        let condition = Condition {
            type_: SUCCEEDED.to_owned(),
            status: match self.phase {
                Phase::Queued | Phase::Running => ConditionStatus::Unknown,
                Phase::Succeeded => ConditionStatus::True,
                Phase::Failed | Phase::Cancelled | Phase::Error => ConditionStatus::False,
            },
            reason: self.reason,
            message: self.message,
            last_transition_time: time,
            observed_generation: None,
        };
        set_condition(&mut status.conditions, condition);
    }
}

/// The status of an `IntegrationJob` that ends before a `PipelineRun` exists: no job ran, each for the same reason.
pub fn finished_without_run(
    job: &IntegrationJob,
    verdict: Verdict,
    phase: JobPhase,
    message: &str,
    now: Timestamp,
) -> IntegrationJobStatus {
    let mut status = job.status.clone().unwrap_or_default();
    status.jobs = job.spec.jobs.iter().map(|entry| job_status(&entry.name, phase, Some(message))).collect();
    verdict.enter(&mut status, now);
    status
}

/// A job's state without times, its message cut to what the CRD allows.
pub fn job_status(name: &JobName, phase: JobPhase, message: Option<&str>) -> JobStatus {
    JobStatus {
        name: name.clone(),
        phase,
        message: message.map(|message| message.chars().take(256).collect()),
        started_at: None,
        completed_at: None,
    }
}

/// A time as statuses show it, in milliseconds.
pub fn rfc3339(time: Timestamp) -> String {
    time.round(Unit::Millisecond).unwrap_or(time).to_string()
}

/// Writes a status, provided that nobody has changed the object since it was read. A conflict is an error of its own:
/// the newer object is on its way through the watch.
pub async fn write(
    context: &Context,
    job: &IntegrationJob,
    status: &IntegrationJobStatus,
) -> Result<(), WriteError> {
    let patch = json!({
        "metadata": {"resourceVersion": job.resource_version()},
        "status": merge_patch::between(job.status.as_ref(), status),
    });
    let api = context.namespaced::<IntegrationJob>(&job.namespace().unwrap_or_default());
    match api.patch_status(&job.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(error)) if error.is_conflict() || error.is_not_found() => {
            Err(WriteError::Outdated)
        }
        Err(source) => Err(WriteError::Api(source)),
    }
}

/// A status that was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody changed or deleted the object meanwhile.
    #[error("the IntegrationJob has changed meanwhile")]
    Outdated,
    /// The Kubernetes API refused or was not reached.
    #[error("failed to write the status of the IntegrationJob")]
    Api(#[source] kube::Error),
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_field_that_is_gone_is_null_in_the_patch() {
        let mut old = IntegrationJobStatus {
            started_at: Some("2026-01-01T00:00:00Z".to_owned()),
            ..Default::default()
        };
        old.pipeline_run = Some("run".to_owned());
        let new = IntegrationJobStatus { started_at: None, ..old.clone() };
        let patch = merge_patch::between(Some(&old), &new);
        assert_eq!((&patch["startedAt"], &patch["pipelineRun"]), (&Value::Null, &json!("run")));
        assert!(patch.as_object().is_some_and(|fields| fields.contains_key("startedAt")));
    }
}
