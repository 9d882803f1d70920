//! Whether the pod of a failed task was deleted under it. Then its steps were killed, and Tekton, which tells of their exit
//! codes alone, makes that look like a failure of the code.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::{
    api::core::v1::Pod,
    jiff::{SignedDuration, Timestamp},
};
use kube::ResourceExt;
use tidegate_resources::{IntegrationJob, JobStatus, TaskRunStatus};

use super::{
    store::Tasks,
    task::{self, TaskState},
};
use crate::context::Context;

/// The jobs whose pod was deleted before they ended, by their names. Each failure is looked into once: what a job's status
/// says already stays.
pub async fn deleted(
    job: &IntegrationJob,
    tasks: &Tasks,
    context: &Context,
) -> Result<BTreeSet<String>, kube::Error> {
    let api = context.namespaced::<Pod>(&job.namespace().unwrap_or_default());
    let known: HashMap<&str, &JobStatus> =
        job.status.iter().flat_map(|status| &status.jobs).map(|of| (of.name.as_str(), of)).collect();
    let mut deleted = BTreeSet::new();
    for (name, task_run) in tasks {
        let Ok(task_run) = &task_run.0 else { continue };
        let (TaskState::Ended(end), Some(status)) = (task::read(task_run), &task_run.status) else {
            continue;
        };
        if !end.is_by_a_step() {
            continue;
        }
        let is_deleted = match (known.get(name.as_str()), &status.pod_name) {
            (Some(known), _) if known.phase.is_final() => known.message.as_deref() == Some(task::POD_DELETED),
            (_, Some(pod)) => was_deleted(api.get_opt(pod).await?.as_ref(), status),
            (_, None) => false,
        };
        if is_deleted {
            deleted.insert(name.clone());
        }
    }
    Ok(deleted)
}

/// Whether a failed task's pod was told to go before the task ended. One that is gone altogether can't be asked; then a step
/// that a signal ended tells.
fn was_deleted(pod: Option<&Pod>, status: &TaskRunStatus) -> bool {
    let Some(pod) = pod else {
        let ends = status.steps.iter().filter_map(|step| step.terminated.as_ref());
        return ends.into_iter().any(|end| end.exit_code > 128 && end.reason != "OOMKilled");
    };
    // The timestamp is the end of the time of grace.
    let told_to_go = pod.metadata.deletion_timestamp.as_ref().map(|time| {
        time.0 - SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or_default())
    });
    let ended = status.completion_time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    told_to_go.zip(ended).is_some_and(|(told_to_go, ended)| told_to_go <= ended)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::fixture::{failed_step, task_run};

    /// Whether the pod of a step that ended with this code was deleted, if the pod is like that. The task ended at 00:00:07.
    fn is_deleted(exit_code: i32, pod: Option<Value>) -> bool {
        let status = task_run(&failed_step("run", exit_code, &json!([]))).status.expect("a status");
        let pod: Option<Pod> =
            pod.map(|metadata| serde_json::from_value(json!({"metadata": metadata})).expect("a pod"));
        was_deleted(pod.as_ref(), &status)
    }

    #[test]
    fn a_pod_that_was_told_to_go_before_its_task_ended_was_deleted_under_it() {
        let told_at_6 =
            json!({"deletionTimestamp": "2026-01-01T00:00:36Z", "deletionGracePeriodSeconds": 30});
        assert!(is_deleted(143, Some(told_at_6.clone())));
        assert!(is_deleted(1, Some(told_at_6)), "whatever a step makes of the signal");
    }

    #[test]
    fn a_pod_that_stays_or_is_removed_later_failed_by_itself() {
        assert!(!is_deleted(137, Some(json!({}))));
        let told_at_9 = json!({"deletionTimestamp": "2026-01-01T00:00:09Z", "deletionGracePeriodSeconds": 0});
        assert!(!is_deleted(1, Some(told_at_9)));
    }

    #[test]
    fn the_signal_decides_whether_a_missing_pod_was_deleted() {
        assert!(is_deleted(137, None));
        assert!(!is_deleted(1, None));
    }
}
