//! What is done and checked for one kind before it is stored.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    custom,
    failure::Failure,
    served::{Key, Resource},
    tekton,
};

/// Completes and checks an object. `old` is what it replaces.
pub(crate) fn admit(key: &Key, new: &mut Value, old: Option<&Value>) -> Result<(), Failure> {
    match key.resource {
        Resource::IntegrationConfig => custom::INTEGRATION_CONFIG.admit(key, new, old),
        Resource::IntegrationJob => custom::INTEGRATION_JOB.admit(key, new, old),
        Resource::IntegrationLedger => custom::INTEGRATION_LEDGER.admit(key, new, old),
        Resource::PipelineRun => tekton::admit_pipeline_run(new, old),
        Resource::TaskRun => tekton::admit_task_run(new),
        Resource::Secret => encode_string_data(new),
        Resource::Namespace => {
            new["status"] = json!({"phase": "Active"});
            new["metadata"]["labels"]["kubernetes.io/metadata.name"] = key.name.as_str().into();
            Ok(())
        }
        Resource::CustomResourceDefinition => {
            new["status"] = json!({
                "conditions": [
                    {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": ""},
                    {"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": ""},
                ],
            });
            Ok(())
        }
        Resource::ConfigMap | Resource::Event | Resource::Lease | Resource::Pod => Ok(()),
    }
}

/// Moves a Secret's `stringData` into its `data`.
fn encode_string_data(secret: &mut Value) -> Result<(), Failure> {
    let plain = secret.as_object_mut().and_then(|secret| secret.remove("stringData")).unwrap_or_default();
    if !(secret["data"].is_null() || secret["data"].is_object()) {
        return Err(Failure::bad_request("data is not a map"));
    }
    for (key, value) in plain.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .ok_or_else(|| Failure::bad_request(format!("stringData[{key}] is not a string")))?;
        secret["data"][key] = STANDARD.encode(text).into();
    }
    for (key, value) in secret["data"].as_object().into_iter().flatten() {
        if value.as_str().is_none_or(|text| STANDARD.decode(text).is_err()) {
            return Err(Failure::bad_request(format!("data[{key}] is not base64")));
        }
    }
    Ok(())
}
