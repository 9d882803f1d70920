//! From schemars' JSON Schema to what Kubernetes takes in a CRD.

use schemars::{Schema, transform::transform_subschemas};
use serde_json::Value;

/// Makes optional fields plain instead of `nullable`, and names only number formats that Kubernetes knows.
///
/// The API server keeps an explicit null of a `nullable` field: `has()` would then be true in a CEL rule although our
/// types read the field as absent. It drops the null when the field isn't `nullable`.
///
/// Source: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable>
pub(crate) fn structural(schema: &mut Schema) {
    transform_subschemas(&mut structural, schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(variants)) = object.get_mut("anyOf") {
        variants.retain(|variant| variant.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = variants.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
    if object.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        object.insert("format".to_owned(), "int64".into());
    }
}

#[cfg(test)]
mod tests;
