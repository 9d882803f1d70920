//! Merge patches (RFC 7396) and JSON patches (RFC 6902).

use std::sync::Arc;

use http::HeaderValue;
use json_patch::PatchOperation;
use serde_json::Value;

use super::{failure::Failure, served::Key, store::State};

/// A patch that was read.
#[derive(Debug)]
pub(crate) enum Patch {
    Merge(Value),
    Json(json_patch::Patch),
}

impl Patch {
    /// Reads a body by its content type.
    pub(crate) fn parse(content_type: Option<&HeaderValue>, body: &[u8]) -> Result<Self, Failure> {
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let unreadable =
            |error: serde_json::Error| Failure::bad_request(format!("error decoding patch: {error}"));
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/merge-patch+json" => {
                serde_json::from_slice(body).map(Self::Merge).map_err(unreadable)
            }
            "application/json-patch+json" => serde_json::from_slice(body).map(Self::Json).map_err(unreadable),
            "application/apply-patch+yaml" => Err(Failure::not_served("server-side apply")),
            other => Err(Failure::new(
                415,
                "UnsupportedMediaType",
                format!(
                    "the body of the request was in an unknown format {other:?} - accepted media types include: \
                     application/json-patch+json, application/merge-patch+json"
                ),
            )),
        }
    }
}

impl State {
    /// Patches an object, or with `status` its status alone.
    pub(crate) fn patch(&mut self, key: &Key, patch: &Patch, status: bool) -> Result<Arc<Value>, Failure> {
        let mut patched = self.find(key)?.as_ref().clone();
        match patch {
            Patch::Merge(patch) => json_patch::merge(&mut patched, patch),
            Patch::Json(patch) => {
                for operation in &patch.0 {
                    if !tests_absence(operation, &patched) {
                        json_patch::patch(&mut patched, std::slice::from_ref(operation))
                            .map_err(|error| Failure::unprocessable_patch(&error))?;
                    }
                }
            }
        }
        self.update(key, patched, status)
    }
}

/// Whether the operation tests a missing field for null: true to Kubernetes, an invalid path to RFC 6902. Clients that
/// add a first finalizer rely on it.
fn tests_absence(operation: &PatchOperation, object: &Value) -> bool {
    match operation {
        PatchOperation::Test(test) => test.value.is_null() && object.pointer(test.path.as_str()).is_none(),
        _ => false,
    }
}
