//! Refusals, as the API server words them.
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/api-concepts/>, `k8s.io/apimachinery/pkg/api/errors`

use serde_json::{Value, json};

use super::served::{Key, Resource, Row};

/// A refused request: a `Status` object and its HTTP code.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Kubernetes' word for it, like `FieldValueRequired`.
    pub(crate) reason: &'static str,
    /// The field's path, like `spec.jobs[0].name`.
    pub(crate) field: String,
    /// What is wrong, without the path.
    pub(crate) message: String,
}

impl Cause {
    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            reason: "FieldValueInvalid",
            field: field.into(),
            message: format!("Invalid value: {}", message.into()),
        }
    }
}

impl Failure {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn about(mut self, row: &Row, name: &str) -> Self {
        self.details = json!({"group": row.group, "kind": row.plural, "name": name});
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn not_found(key: &Key) -> Self {
        let row = key.resource.row();
        let message = format!("{} \"{}\" not found", row.qualified_plural(), key.name);
        Self::new(404, "NotFound", message).about(&row, &key.name)
    }

    pub(crate) fn already_exists(key: &Key) -> Self {
        let row = key.resource.row();
        let message = format!("{} \"{}\" already exists", row.qualified_plural(), key.name);
        Self::new(409, "AlreadyExists", message).about(&row, &key.name)
    }

    pub(crate) fn conflict(key: &Key, why: &str) -> Self {
        let row = key.resource.row();
        let message =
            format!("Operation cannot be fulfilled on {} \"{}\": {why}", row.qualified_plural(), key.name);
        Self::new(409, "Conflict", message).about(&row, &key.name)
    }

    /// A deletion that means another object than the one of this name. The server names the kind here, not its plural.
    pub(crate) fn other_object(key: &Key, why: &str) -> Self {
        let row = key.resource.row();
        let message =
            format!("Operation cannot be fulfilled on {} \"{}\": {why}", row.qualified_kind(), key.name);
        Self::new(409, "Conflict", message).about(&row, &key.name)
    }

    pub(crate) fn forbidden(key: &Key, why: &str) -> Self {
        let row = key.resource.row();
        let message = format!("{} \"{}\" is forbidden: {why}", row.qualified_plural(), key.name);
        Self::new(403, "Forbidden", message).about(&row, &key.name)
    }

    /// The object was understood, but its fields are not right.
    pub(crate) fn invalid(resource: Resource, name: &str, causes: &[Cause]) -> Self {
        let row = resource.row();
        let list: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let list = match list.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let mut failure =
            Self::new(422, "Invalid", format!("{} \"{name}\" is invalid: {list}", row.qualified_kind()));
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        failure.details = json!({"group": row.group, "kind": row.kind, "name": name, "causes": causes});
        failure
    }

    /// A JSON patch that can't be applied, a failed `test` among them.
    pub(crate) fn unprocessable_patch(error: &json_patch::PatchError) -> Self {
        let mut failure =
            Self::new(422, "Invalid", "the server rejected our request due to an error in our request");
        failure.details =
            json!({"causes": [{"reason": "UnexpectedServerResponse", "message": error.to_string()}]});
        failure
    }

    /// A watch can't continue from its resource version.
    pub(crate) fn expired(wanted: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {wanted} ({oldest})"))
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    }

    /// The sandbox has no such thing, though a cluster may.
    pub(crate) fn not_served(what: &str) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("the sandbox does not serve {what}; see sandbox/cluster/src/api/served.rs"),
        )
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}
