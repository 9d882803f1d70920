//! What the pods of a run's tasks say that their `TaskRun`s don't: that a pod was taken away, so that its steps were killed,
//! which Tekton makes look like a failure of the code (ADR 24); and why no node has room for one.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::{
    api::core::v1::{Pod, PodCondition},
    jiff::{SignedDuration, Timestamp},
};
use kube::{Api, ResourceExt};
use tidegate_resources::{IntegrationJob, JobPhase, JobStatus, TaskRunStatus};

use super::{
    checkout,
    task::{self, TaskState},
    waiting,
};
use crate::{context::Context, stores::tekton::Tasks};

/// What the pods say, by the jobs' names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodFacts {
    /// How a pod was taken away before its job ended.
    pub lost: BTreeMap<String, String>,
    /// What the scheduler says of a pod that no node has room for.
    pub scheduler: BTreeMap<String, String>,
}

/// Reads the pods that have something to say. Each failure is looked into once: what a job's status says already stays.
pub async fn read(job: &IntegrationJob, tasks: &Tasks, context: &Context) -> Result<PodFacts, kube::Error> {
    let api: Api<Pod> = context.namespaced(&job.namespace().unwrap_or_default());
    let known: HashMap<&str, &JobStatus> =
        job.status.iter().flat_map(|status| &status.jobs).map(|of| (of.name.as_str(), of)).collect();
    let mut facts = PodFacts::default();
    for (name, task_run) in tasks {
        let Ok(task_run) = &task_run.0 else { continue };
        let Some((status, pod)) = task_run.status.as_ref().and_then(|s| Some((s, s.pod_name.as_ref()?)))
        else {
            continue;
        };
        match task::read(task_run, "", None) {
            TaskState::Ended(end) if end.is_by_a_step() => {
                let lost = match known.get(name.as_str()) {
                    Some(known) if known.phase.is_final() => said_to_be_lost(known),
                    _ => lost(api.get_opt(pod).await?.as_ref(), status),
                };
                facts.lost.extend(lost.map(|lost| (name.clone(), lost)));
            }
            TaskState::Waiting(_) if waits_for_room(status) => {
                let pod = api.get_opt(pod).await?;
                let said = pod.as_ref().and_then(|pod| condition(pod, "PodScheduled")?.message.clone());
                facts.scheduler.extend(said.map(|said| (name.clone(), said)));
            }
            _ => (),
        }
    }
    Ok(facts)
}

fn said_to_be_lost(known: &JobStatus) -> Option<String> {
    let message = known.message.clone()?;
    (known.phase == JobPhase::Error && message.starts_with(task::POD_LOST)).then_some(message)
}

fn waits_for_room(status: &TaskRunStatus) -> bool {
    task::succeeded(&status.conditions).is_some_and(|condition| condition.reason == waiting::NO_ROOM)
}

/// How a failed task's pod was taken away before the task ended: somebody deleted it, or Kubernetes disrupted it. If the pod no
/// longer exists, a step that a signal ended shows it.
///
/// Source: <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions>
fn lost(pod: Option<&Pod>, status: &TaskRunStatus) -> Option<String> {
    let Some(pod) = pod else {
        let ends = status.steps.iter().filter_map(|step| Some((step, step.terminated.as_ref()?)));
        let is_killed = ends.into_iter().any(|(step, end)| {
            let by_signal = end.exit_code > 128 && end.reason != "OOMKilled";
            // The checkout's shell ends by itself when its git is killed. Where it fails of its own accord, it says how.
            let is_silent = step.name == checkout::STEP && end.exit_code != 0 && step.results.is_empty();
            by_signal || is_silent
        });
        return is_killed.then(|| task::POD_DELETED.to_owned());
    };
    let ended = status.completion_time.as_deref()?.parse::<Timestamp>().ok()?;
    // Both times are in whole seconds.
    let disrupted = condition(pod, "DisruptionTarget").filter(|condition| condition.status == "True");
    let disrupted =
        disrupted.filter(|of| of.last_transition_time.as_ref().is_none_or(|time| time.0 <= ended));
    if let Some(PodCondition { reason, message, .. }) = disrupted {
        let reason = reason.as_deref().unwrap_or("unknown reason");
        let message = message.as_deref().unwrap_or_default();
        return Some(format!("{}disrupted: {reason}: {message}", task::POD_LOST));
    }
    // The timestamp is the end of the grace period.
    let deletion_began = pod.metadata.deletion_timestamp.as_ref().map(|time| {
        time.0 - SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or_default())
    });
    deletion_began.filter(|deletion_began| *deletion_began <= ended).map(|_| task::POD_DELETED.to_owned())
}

fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == type_)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::fixture::{failed_step, task_run};

    /// How the pod of a step that ended with this code was lost, if the pod is like that. The task ended at 00:00:07.
    fn lost_of(exit_code: i32, pod: Option<Value>) -> Option<String> {
        let status = task_run(&failed_step("run", exit_code, &json!([]))).status.expect("a status");
        let pod: Option<Pod> = pod.map(|pod| serde_json::from_value(pod).expect("a pod"));
        lost(pod.as_ref(), &status)
    }

    fn deleted(exit_code: i32, metadata: Option<Value>) -> bool {
        lost_of(exit_code, metadata.map(|metadata| json!({"metadata": metadata}))).as_deref()
            == Some(task::POD_DELETED)
    }

    #[test]
    fn a_pod_whose_deletion_began_before_its_task_ended_was_deleted() {
        let told_at_6 =
            json!({"deletionTimestamp": "2026-01-01T00:00:36Z", "deletionGracePeriodSeconds": 30});
        assert!(deleted(143, Some(told_at_6.clone())));
        assert!(deleted(1, Some(told_at_6)), "whatever a step makes of the signal");
    }

    #[test]
    fn a_pod_that_stays_or_is_removed_later_failed_by_itself() {
        assert_eq!(lost_of(137, Some(json!({"metadata": {}}))), None);
        let told_at_9 = json!({"deletionTimestamp": "2026-01-01T00:00:09Z", "deletionGracePeriodSeconds": 0});
        assert!(!deleted(1, Some(told_at_9)));
    }

    #[test]
    fn a_checkout_of_a_missing_pod_that_says_nothing_was_killed() {
        let lost_of = |results| {
            let status = task_run(&failed_step("checkout", 2, &results)).status.expect("a status");
            lost(None, &status)
        };
        assert_eq!(lost_of(json!([])).as_deref(), Some(task::POD_DELETED));
        assert_eq!(lost_of(json!([{"name": "outcome", "value": "conflict"}])), None);
    }

    #[test]
    fn the_signal_decides_whether_a_missing_pod_was_deleted() {
        assert!(deleted(137, None));
        assert!(!deleted(1, None));
    }

    #[test]
    fn a_pod_that_kubernetes_disrupted_is_lost_for_its_reason() {
        let pod = |status: &str, time: &str| {
            json!({"metadata": {}, "status": {"conditions": [{
                "type": "DisruptionTarget", "status": status, "reason": "TerminationByKubelet",
                "message": "the node shuts down", "lastTransitionTime": time,
            }]}})
        };
        let text = "its pod was disrupted: TerminationByKubelet: the node shuts down";
        assert_eq!(lost_of(143, Some(pod("True", "2026-01-01T00:00:07Z"))).as_deref(), Some(text));
        assert_eq!(lost_of(1, Some(pod("False", "2026-01-01T00:00:01Z"))), None);
        // Its node went away after the job had failed.
        assert_eq!(lost_of(1, Some(pod("True", "2026-01-01T00:00:08Z"))), None);
    }
}
