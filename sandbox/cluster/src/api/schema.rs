//! The part of structural schemas that Tidegate's CRDs use: pruning and checking values.
//!
//! Source: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

use super::failure::Cause;

/// Every `pattern` of a schema, compiled.
pub(crate) struct Patterns(HashMap<String, Regex>);

impl Patterns {
    pub(crate) fn of(schema: &Value) -> Self {
        let mut found = HashMap::new();
        collect(schema, &mut found);
        Self(found)
    }
}

fn collect(schema: &Value, found: &mut HashMap<String, Regex>) {
    if let Some(pattern) = schema["pattern"].as_str() {
        let compiled = Regex::new(pattern).expect("the CRD's pattern is a regular expression");
        found.insert(pattern.to_owned(), compiled);
    }
    for (_, child) in properties(schema) {
        collect(child, found);
    }
    if schema["items"].is_object() {
        collect(&schema["items"], found);
    }
}

/// Removes what the schema doesn't name, and nulls: no field of ours is nullable.
pub(crate) fn prune(schema: &Value, object: &mut Value) {
    // At the root apiVersion, kind and metadata belong to Kubernetes.
    for (name, child) in properties(schema) {
        if let Some(value) = object.get_mut(name) {
            prune_value(child, value);
        }
    }
    if let Some(object) = object.as_object_mut() {
        object.retain(|name, value| {
            matches!(name.as_str(), "apiVersion" | "kind" | "metadata")
                || schema["properties"].get(name).is_some() && !value.is_null()
        });
    }
}

fn prune_value(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| schema["properties"].get(name).is_some() && !value.is_null());
            for (name, value) in fields {
                prune_value(&schema["properties"][name], value);
            }
        }
        Value::Array(items) => {
            for item in items {
                prune_value(&schema["items"], item);
            }
        }
        _ => {}
    }
}

/// One look at an object.
struct Check<'a> {
    patterns: &'a Patterns,
    causes: Vec<Cause>,
}

/// What is wrong with a pruned and completed object.
pub(crate) fn check(schema: &Value, patterns: &Patterns, object: &Value) -> Vec<Cause> {
    let mut check = Check { patterns, causes: Vec::new() };
    check_object(schema, object, "", &mut check);
    check.causes
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

fn check_value(schema: &Value, value: &Value, path: &str, check: &mut Check<'_>) {
    let expected = schema["type"].as_str().unwrap_or_default();
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if found != expected {
        let message = format!("{found:?}: {path} in body must be of type {expected}: {found:?}");
        check.causes.push(Cause { reason: "FieldValueTypeInvalid", ..Cause::invalid(path, message) });
        return;
    }
    match value {
        Value::String(text) => check_text(schema, text, path, check),
        Value::Number(_) => check_number(schema, value, path, check),
        Value::Array(items) => check_list(schema, items, path, check),
        Value::Object(_) => check_object(schema, value, path, check),
        Value::Null | Value::Bool(_) => {}
    }
}

fn check_object(schema: &Value, object: &Value, path: &str, check: &mut Check<'_>) {
    let at = |name: &str| {
        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
    };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if object.get(name).is_none() {
            check.causes.push(Cause {
                reason: "FieldValueRequired",
                field: at(name),
                message: "Required value".to_owned(),
            });
        }
    }
    for (name, child) in properties(schema) {
        if let Some(value) = object.get(name) {
            check_value(child, value, &at(name), check);
        }
    }
}

fn check_list(schema: &Value, items: &[Value], path: &str, check: &mut Check<'_>) {
    if let Some(max) = limit(schema, "maxItems")
        && items.len() > max
    {
        check.causes.push(Cause {
            reason: "FieldValueTooMany",
            field: path.to_owned(),
            message: format!("Too many: {}: must have at most {max} items", items.len()),
        });
    }
    if let Some(min) = limit(schema, "minItems")
        && items.len() < min
    {
        let message = format!("{}: {path} in body should have at least {min} items", items.len());
        check.causes.push(Cause::invalid(path, message));
    }
    for (index, item) in items.iter().enumerate() {
        let at = format!("{path}[{index}]");
        check_value(&schema["items"], item, &at, check);
        let identity = |item: &Value| match schema["x-kubernetes-list-type"].as_str() {
            Some("set") => Some(vec![item.clone()]),
            Some("map") => schema["x-kubernetes-list-map-keys"]
                .as_array()
                .map(|keys| keys.iter().map(|key| item[key.as_str().unwrap_or_default()].clone()).collect()),
            _ => None,
        };
        let own = identity(item);
        if own.is_some() && items[..index].iter().any(|earlier| identity(earlier) == own) {
            check.causes.push(Cause {
                reason: "FieldValueDuplicate",
                field: at,
                message: format!("Duplicate value: {}", Value::from(own)),
            });
        }
    }
}

fn check_text(schema: &Value, text: &str, path: &str, check: &mut Check<'_>) {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.iter().any(|value| value == text)
    {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        check.causes.push(Cause {
            reason: "FieldValueNotSupported",
            field: path.to_owned(),
            message: format!("Unsupported value: {text:?}: supported values: {}", allowed.join(", ")),
        });
    }
    let length = text.chars().count();
    if let Some(max) = limit(schema, "maxLength")
        && length > max
    {
        check.causes.push(Cause {
            reason: "FieldValueTooLong",
            field: path.to_owned(),
            message: format!("Too long: may not be more than {max} bytes"),
        });
    }
    if let Some(min) = limit(schema, "minLength")
        && length < min
    {
        let message = format!("{text:?}: {path} in body should be at least {min} chars long");
        check.causes.push(Cause::invalid(path, message));
    }
    if let Some(pattern) = schema["pattern"].as_str()
        && !check.patterns.0.get(pattern).is_some_and(|regex| regex.is_match(text))
    {
        let message = format!("{text:?}: {path} in body should match '{pattern}'");
        check.causes.push(Cause::invalid(path, message));
    }
}

fn check_number(schema: &Value, value: &Value, path: &str, check: &mut Check<'_>) {
    let number = value.as_f64().unwrap_or_default();
    if let Some(max) = schema["maximum"].as_f64()
        && number > max
    {
        let message = format!("{value}: {path} in body should be less than or equal to {max}");
        check.causes.push(Cause::invalid(path, message));
    }
    if let Some(min) = schema["minimum"].as_f64()
        && number < min
    {
        let message = format!("{value}: {path} in body should be greater than or equal to {min}");
        check.causes.push(Cause::invalid(path, message));
    }
}

fn limit(schema: &Value, key: &str) -> Option<usize> {
    schema[key].as_u64().and_then(|limit| limit.try_into().ok())
}
