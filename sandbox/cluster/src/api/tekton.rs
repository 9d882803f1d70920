//! Tekton's admission, as far as Tidegate can run into it.
//!
//! Source: `pkg/apis/pipeline/v1/*_validation.go` of Tekton 1.6

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_resources::{EmbeddedTask, Pipeline, PipelineRunSpec};

use super::{failure::Failure, object};
use crate::executor::{condition, duration::GoDuration};

fn denied(why: &str) -> Failure {
    Failure::bad_request(format!(
        "admission webhook \"validation.webhook.pipeline.tekton.dev\" denied the request: validation failed: {why}"
    ))
}

/// Checks a `PipelineRun`, and that a started one only changes its `spec.status`.
pub(crate) fn admit_pipeline_run(new: &Value, old: Option<&Value>) -> Result<(), Failure> {
    check_name(new)?;
    if let Some(old) = old.filter(|old| old["spec"] != new["spec"]) {
        let mut allowed = old["spec"].clone();
        allowed["status"] = new["spec"]["status"].clone();
        let mut wanted = new["spec"].clone();
        wanted["status"] = allowed["status"].clone();
        if condition::is_done(old) {
            return Err(denied(
                "invalid value: Once the PipelineRun is complete, no updates are allowed: spec",
            ));
        }
        if condition::succeeded(old).is_some() && allowed != wanted {
            return Err(denied(
                "invalid value: Once the PipelineRun has started, only status updates are allowed: spec",
            ));
        }
    }
    let spec: PipelineRunSpec =
        serde_json::from_value(new["spec"].clone()).map_err(|error| denied(&error.to_string()))?;
    match spec.status.as_deref() {
        None | Some("" | "Cancelled" | "CancelledRunFinally") => {}
        Some(other) => return Err(denied(&format!("invalid value: {other}: spec.status"))),
    }
    if let Some(timeouts) = &spec.timeouts {
        check_duration(&timeouts.pipeline, "spec.timeouts.pipeline")?;
    }
    check_pipeline(&spec.pipeline_spec)
}

/// Checks a `TaskRun`.
pub(crate) fn admit_task_run(new: &Value) -> Result<(), Failure> {
    check_name(new)?;
    let task: EmbeddedTask = serde_json::from_value(new["spec"]["taskSpec"].clone())
        .map_err(|error| denied(&error.to_string()))?;
    check_task(&task, "spec.taskSpec")
}

fn check_name(object: &Value) -> Result<(), Failure> {
    let name = object::text(object, "/metadata/name");
    if name.contains('.') {
        return Err(denied("Invalid resource name: special character . can't be present: metadata.name"));
    }
    if name.len() > 63 {
        return Err(denied(
            "Invalid resource name: length must be no more than 63 characters: metadata.name",
        ));
    }
    Ok(())
}

fn check_duration(text: &str, field: &str) -> Result<(), Failure> {
    text.parse::<GoDuration>()
        .map(|_| ())
        .map_err(|_| denied(&format!("time: invalid duration {text:?}: {field}")))
}

fn check_pipeline(pipeline: &Pipeline) -> Result<(), Failure> {
    if pipeline.tasks.is_empty() {
        return Err(denied("missing field(s): spec.pipelineSpec.tasks"));
    }
    let mut parents = BTreeMap::new();
    for (index, task) in pipeline.tasks.iter().enumerate() {
        let field = format!("spec.pipelineSpec.tasks[{index}]");
        if parents.insert(task.name.as_str(), &task.run_after).is_some() {
            return Err(denied(&format!("expected exactly one, got both: {field}.name")));
        }
        if let Some(timeout) = &task.timeout {
            check_duration(timeout, &format!("{field}.timeout"))?;
        }
        match task.on_error.as_deref() {
            None | Some("continue" | "stopAndFail") => {}
            Some(other) => return Err(denied(&format!("invalid value: {other}: {field}.onError"))),
        }
        check_task(&task.task_spec, &format!("{field}.taskSpec"))?;
    }
    for task in &pipeline.tasks {
        if let Some(unknown) = task.run_after.iter().find(|parent| !parents.contains_key(parent.as_str())) {
            let name = &task.name;
            return Err(denied(&format!(
                "invalid value: couldn't add link between {name} and {unknown}: task {name} depends on {unknown} \
                 but {unknown} wasn't present in Pipeline: spec.pipelineSpec.tasks"
            )));
        }
    }
    // Take away, again and again, the tasks that wait for none: what stays is a cycle.
    while !parents.is_empty() {
        let before = parents.len();
        let waiting: BTreeSet<&str> = parents.keys().copied().collect();
        parents.retain(|_, after| after.iter().any(|parent| waiting.contains(parent.as_str())));
        if parents.len() == before {
            let names: Vec<&str> = parents.into_keys().collect();
            return Err(denied(&format!(
                "invalid value: cycle detected among tasks {}: spec.pipelineSpec.tasks",
                names.join(", ")
            )));
        }
    }
    Ok(())
}

fn check_task(task: &EmbeddedTask, field: &str) -> Result<(), Failure> {
    if task.steps.is_empty() {
        return Err(denied(&format!("missing field(s): {field}.steps")));
    }
    for (index, step) in task.steps.iter().enumerate() {
        match (step.command.is_empty(), step.script.is_some()) {
            (true, true) | (false, false) => {}
            (false, true) => {
                return Err(denied(&format!(
                    "script cannot be used with command: {field}.steps[{index}].script"
                )));
            }
            // Tekton would ask the image's registry for an entrypoint.
            (true, false) => {
                return Err(denied(&format!(
                    "the sandbox needs a command or a script, as it does not use images: {field}.steps[{index}]"
                )));
            }
        }
    }
    Ok(())
}
