//! Why the pod of a task has not started, read from its `TaskRun`. Pure.
//!
//! Source: `updateIncompleteTaskRunStatus` and `getWaitingMessage` in `pkg/pod/status.go`, `handlePodCreationError` in
//! `pkg/reconciler/taskrun/taskrun.go` of Tekton 1.6

use tidegate_resources::{RunCondition, StepState, TaskRunStatus};

use super::checkout;

/// Why something can't start: the cluster or the host is the cause, never the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Why, as one word for a condition.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

impl Cause {
    /// A cause.
    pub fn new(reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into() }
    }
}

/// Tekton's reason of a pod that no node has room for. Its message doesn't repeat what the scheduler says: the pod does.
pub const NO_ROOM: &str = "ExceededNodeResources";

/// Tekton's reason of a task whose container is refused before it starts: a Secret or `ConfigMap` is missing.
pub const CONFIG_ERROR: &str = "CreateContainerConfigError";

/// Why a task's pod waits. `None` while it only starts. `image` is the job's; `scheduler` is what the pod says about its
/// place, if it was read.
pub fn cause(
    status: &TaskRunStatus,
    condition: &RunCondition,
    image: &str,
    scheduler: Option<&str>,
) -> Option<Cause> {
    let message = condition.message.as_str();
    match condition.reason.as_str() {
        NO_ROOM => {
            let said = scheduler.unwrap_or(message);
            Some(Cause::new("Unschedulable", format!("no node has room for its pod: {said}")))
        }
        "ExceededResourceQuota" => {
            let said = message.strip_prefix("TaskRun Pod exceeded available resources: ").unwrap_or(message);
            Some(Cause::new(
                "QuotaExceeded",
                format!("the quota of the namespace has no room for its pod: {said}"),
            ))
        }
        "PullImageFailed" => Some(not_pulled(&status.steps, message, image)),
        "Pending" => pending(&status.steps, message),
        _ => None,
    }
}

/// Why a task's container was refused before it started: the kubelet names the Secret or the `ConfigMap`.
pub fn config_error(steps: &[StepState]) -> Option<String> {
    let waiting = steps.iter().filter_map(|step| step.waiting.as_ref());
    let said = waiting.filter(|waiting| waiting.reason == CONFIG_ERROR).find(|w| !w.message.is_empty())?;
    Some(format!("its container can't be made: {}", said.message))
}

/// Why an image can't be pulled, for a message of Tekton, which leaves out the image's name.
pub fn image_error(message: &str, image: &str) -> String {
    let of_checkout = message.contains(&format!("the step {:?} ", checkout::STEP));
    let said = message.split_once("The pod errored with the message: ").map_or(message, |(_, said)| said);
    let said = said.strip_prefix('"').and_then(|said| said.strip_suffix(".\"")).unwrap_or(said);
    let image = if of_checkout { "of the checkout" } else { image };
    format!("image {image} can't be pulled: {said}")
}

fn not_pulled(steps: &[StepState], message: &str, image: &str) -> Cause {
    let waits = |step: &&StepState| step.waiting.as_ref().is_some_and(|w| w.reason.contains("Image"));
    let image = match steps.iter().find(waits) {
        Some(step) if step.name == checkout::STEP => "of the checkout",
        _ => image,
    };
    let said = container_message(message).unwrap_or_else(|| message.to_owned());
    Cause::new("ImagePullFailed", format!("image {image} can't be pulled: {said}"))
}

fn pending(steps: &[StepState], message: &str) -> Option<Cause> {
    if let Some(said) = container_message(message) {
        let reason = steps.iter().find_map(|step| step.waiting.as_ref()).map(|waiting| &*waiting.reason);
        let reason = reason.filter(|reason| !reason.is_empty()).unwrap_or("ContainerWaiting");
        return Some(Cause::new(reason, format!("its container can't start: {said}")));
    }
    let said = quoted(message.strip_prefix("pod status \"PodScheduled\":\"False\"; message: ")?)?;
    (!said.is_empty()).then(|| Cause::new("Unschedulable", format!("no node can take its pod: {said}")))
}

/// What a container says of itself in `build step "step-x" is pending with reason "…"`.
fn container_message(message: &str) -> Option<String> {
    let (_, said) = message.strip_prefix("build step ")?.split_once(" is pending with reason ")?;
    quoted(said)
}

/// The text in quotes of Go, which are those of JSON but for rare characters.
fn quoted(text: &str) -> Option<String> {
    serde_json::from_str(text).ok().or_else(|| Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::fixture::task_run;

    /// The reason and the message of a `TaskRun` whose condition is Unknown for this reason.
    fn cause_of(
        reason: &str,
        message: &str,
        steps: &Value,
        scheduler: Option<&str>,
    ) -> Option<(String, String)> {
        let condition =
            json!({"type": "Succeeded", "status": "Unknown", "reason": reason, "message": message});
        let status = task_run(&json!({"conditions": [condition], "steps": steps})).status.expect("a status");
        let cause = cause(&status, &status.conditions[0], "docker.io/library/busybox:1", scheduler)?;
        Some((cause.reason, cause.message))
    }

    #[test]
    fn a_pod_that_only_starts_has_no_cause() {
        for (reason, message) in [
            ("Started", ""),
            ("Pending", "Pending"),
            ("Pending", "pod status \"PodScheduled\":\"False\"; message: \"\""),
            (
                "Pending",
                "pod status \"Initialized\":\"False\"; message: \"containers with incomplete status: [prepare]\"",
            ),
            ("Pending", "pod status \"PodReadyToStartContainers\":\"False\"; message: \"\""),
            ("Pending", "tried to create pod, but it failed with ResourceQuotaConflictError"),
            ("ToBeRetried", "anything"),
        ] {
            assert_eq!(cause_of(reason, message, &json!([]), None), None, "{reason}: {message}");
        }
    }

    #[test]
    fn each_cause_of_the_cluster_is_named() {
        let waits = |reason: &str| json!([{"name": "run", "waiting": {"reason": reason, "message": ""}}]);
        for (reason, message, steps, scheduler, expected) in [
            (
                "Pending",
                "pod status \"PodScheduled\":\"False\"; message: \"0/1 nodes are available: 1 node(s) had untolerated taint {\\\"a\\\": \\\"b\\\"}.\"",
                json!([]),
                None,
                (
                    "Unschedulable",
                    "no node can take its pod: 0/1 nodes are available: 1 node(s) had untolerated taint {\"a\": \"b\"}.",
                ),
            ),
            (
                "Pending",
                "pod status \"PodScheduled\":\"False\"; message: \"persistentvolumeclaim \\\"x\\\" not found\"",
                json!([]),
                None,
                ("Unschedulable", "no node can take its pod: persistentvolumeclaim \"x\" not found"),
            ),
            (
                "ExceededNodeResources",
                "TaskRun Pod exceeded available resources",
                json!([]),
                Some("0/1 nodes are available: 1 Insufficient cpu."),
                (
                    "Unschedulable",
                    "no node has room for its pod: 0/1 nodes are available: 1 Insufficient cpu.",
                ),
            ),
            (
                "ExceededNodeResources",
                "TaskRun Pod exceeded available resources",
                json!([]),
                None,
                ("Unschedulable", "no node has room for its pod: TaskRun Pod exceeded available resources"),
            ),
            (
                "ExceededResourceQuota",
                "TaskRun Pod exceeded available resources: pods \"x\" is forbidden: exceeded quota: small",
                json!([]),
                None,
                (
                    "QuotaExceeded",
                    "the quota of the namespace has no room for its pod: pods \"x\" is forbidden: exceeded quota: small",
                ),
            ),
            (
                "PullImageFailed",
                "build step \"step-run\" is pending with reason \"rpc error: no such host\"",
                waits("ErrImagePull"),
                None,
                (
                    "ImagePullFailed",
                    "image docker.io/library/busybox:1 can't be pulled: rpc error: no such host",
                ),
            ),
            (
                "PullImageFailed",
                "build step \"step-checkout\" is pending with reason \"no such host\"",
                json!([{"name": "checkout", "waiting": {"reason": "ErrImagePull", "message": ""}}]),
                None,
                ("ImagePullFailed", "image of the checkout can't be pulled: no such host"),
            ),
            (
                "Pending",
                "build step \"step-run\" is pending with reason \"failed to create subPath directory\"",
                waits("CreateContainerConfigError"),
                None,
                (
                    "CreateContainerConfigError",
                    "its container can't start: failed to create subPath directory",
                ),
            ),
        ] {
            let found = cause_of(reason, message, &steps, scheduler);
            let expected = (expected.0.to_owned(), expected.1.to_owned());
            assert_eq!(found, Some(expected), "{reason}: {message}");
        }
    }

    #[test]
    fn an_image_that_tekton_gave_up_is_named() {
        let of = |step: &str| {
            let message = format!(
                "the step \"{step}\" in TaskRun \"r-unit\" failed to pull the image \"\". The pod errored with the message: \"Back-off pulling image \"x.invalid/y:1\".\""
            );
            image_error(&message, "x.invalid/y:1")
        };
        assert_eq!(
            of("run"),
            "image x.invalid/y:1 can't be pulled: Back-off pulling image \"x.invalid/y:1\""
        );
        assert!(of("checkout").starts_with("image of the checkout can't be pulled: "), "{}", of("checkout"));
        assert_eq!(image_error("no such image", "a:1"), "image a:1 can't be pulled: no such image");
    }
}
