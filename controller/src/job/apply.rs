//! Writes `PipelineRun`s.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tidegate_resources::{IntegrationJob, PipelineRun};

/// The spec status that makes Tekton stop the tasks, and run those in `finally`.
const CANCELLED: &str = "CancelledRunFinally";

/// A `PipelineRun` that was not written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A `PipelineRun` of this name belongs to somebody else.
    #[error("a PipelineRun {0} exists already and belongs to another owner")]
    NameTaken(String),
    /// The API server, or Tekton's webhook, refuses it for good.
    #[error("PipelineRun {name} was refused: {message}")]
    Refused {
        /// The run.
        name: String,
        /// What the server says.
        message: String,
    },
    /// The Kubernetes API was not reached, or had a fault.
    #[error("failed to {operation} PipelineRun {name}")]
    Api {
        /// The operation.
        operation: &'static str,
        /// The run.
        name: String,
        /// Why.
        source: kube::Error,
    },
}

/// Creates a run. That it exists already is success, if it is this `IntegrationJob`'s own: then it is returned.
pub async fn create(
    api: &Api<PipelineRun>,
    run: &PipelineRun,
    owner: &IntegrationJob,
) -> Result<Option<PipelineRun>, ApplyError> {
    let name = run.name_any();
    match api.create(&PostParams::default(), run).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(error)) if error.is_already_exists() => {
            let existing = api.get(&name).await.map_err(|source| failed("read", &name, source))?;
            if is_owned(&existing, owner) { Ok(Some(existing)) } else { Err(ApplyError::NameTaken(name)) }
        }
        Err(kube::Error::Api(error)) if matches!(error.code, 400 | 422) => {
            Err(ApplyError::Refused { name, message: error.message.clone() })
        }
        Err(source) => Err(failed("create", &name, source)),
    }
}

/// Cancels an active `PipelineRun`. Not found counts as success.
pub async fn cancel(api: &Api<PipelineRun>, run: &PipelineRun) -> Result<(), ApplyError> {
    if run.spec.status.is_some() {
        return Ok(());
    }
    let name = run.name_any();
    let patch = Patch::Merge(json!({"spec": {"status": CANCELLED}}));
    match api.patch(&name, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(error)) if error.is_not_found() => Ok(()),
        Err(source) => Err(failed("cancel", &name, source)),
    }
}

/// Whether a run is this `IntegrationJob`'s own.
pub fn is_owned(run: &PipelineRun, owner: &IntegrationJob) -> bool {
    let uid = owner.metadata.uid.as_deref();
    run.owner_references().iter().any(|reference| Some(reference.uid.as_str()) == uid)
}

fn failed(operation: &'static str, name: &str, source: kube::Error) -> ApplyError {
    ApplyError::Api { operation, name: name.to_owned(), source }
}
