//! Merge patches of statuses.

use serde::Serialize;
use serde_json::{Value, json};

/// The merge patch that makes one status of another: what is gone is null, as a merge patch keeps what it doesn't name.
pub fn between<S: Serialize>(old: Option<&S>, new: &S) -> Value {
    let mut patch = json!(new);
    if let (Value::Object(old), Value::Object(patch)) = (json!(old), &mut patch) {
        for field in old.into_iter().map(|(field, _)| field) {
            patch.entry(field).or_insert(Value::Null);
        }
    }
    patch
}
