//! What the API server would refuse or silently drop: the CRD's schema and CEL rules.

use anyhow::{Context, Result};
use jsonschema::{
    Draft, ValidationError,
    error::{TypeKind, ValidationErrorKind},
    paths::LocationSegment,
};
use kube::{CustomResourceExt, core::cel};
use serde_json::{Value, json};
use tidegate_resources::IntegrationConfig;

use super::finding::Finding;

/// The checks of `IntegrationConfig`s, ready for many objects.
pub(super) struct Schema {
    crd: Value,
    validator: jsonschema::Validator,
    rules: cel::Validator,
}

impl Schema {
    pub(super) fn new() -> Result<Self> {
        let crd = serde_json::to_value(IntegrationConfig::crd()).context("failed to write the CRD")?;
        let schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        let mut closed = schema.clone();
        closed["properties"]["apiVersion"] = json!({"type": "string"});
        closed["properties"]["kind"] = json!({"type": "string"});
        closed["properties"]["metadata"] = metadata();
        closed["required"] = json!(["metadata", "spec"]);
        close(&mut closed);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(false)
            .build(&closed)
            .context("failed to compile the CRD's schema")?;
        Ok(Self { crd: schema, validator, rules: cel::Validator::new() })
    }

    /// The faults of an object, by path. The API server drops unknown fields first, so this evaluates the CEL rules only for
    /// an object that otherwise matches the schema.
    pub(super) fn check(&self, object: &Value) -> Vec<Finding> {
        let errors: Vec<_> = self.validator.iter_errors(object).collect();
        let fits =
            errors.iter().all(|e| matches!(e.kind(), ValidationErrorKind::AdditionalProperties { .. }));
        let mut findings: Vec<Finding> = errors.iter().flat_map(describe).collect();
        duplicates(&self.crd, object, "", &mut findings);
        if fits {
            let broken = self.rules.validate(&self.crd, object, None).err().into_iter().flatten();
            findings.extend(broken.map(|error| {
                // The only rule of the whole object is about its name, which the schema of a CRD can't restrict.
                let path =
                    if error.field_path.is_empty() { "metadata.name".to_owned() } else { error.field_path };
                Finding { path, message: error.message }
            }));
        }
        findings
    }
}

/// The fields of `ObjectMeta`. Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>
fn metadata() -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "labels": texts,
        "annotations": texts,
        "generateName": {}, "finalizers": {}, "ownerReferences": {}, "managedFields": {}, "selfLink": {},
        "uid": {}, "resourceVersion": {}, "generation": {}, "creationTimestamp": {},
        "deletionTimestamp": {}, "deletionGracePeriodSeconds": {},
    }})
}

/// Refuses fields that aren't in the schema. The API server drops them: a misspelt `preSubmit` would run nothing.
fn close(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close);
        schema["additionalProperties"] = false.into();
    }
    if let Some(items) = schema.get_mut("items") {
        close(items);
    }
}

/// The findings in one error of the validator. Values are never shown: they can be whole scripts.
fn describe(error: &ValidationError<'_>) -> Vec<Finding> {
    let path = path_of(error);
    let message = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let unknown =
                |name: &String| Finding { path: field(&path, name), message: "unknown field".to_owned() };
            return unexpected.iter().map(unknown).collect();
        }
        ValidationErrorKind::Required { property } => {
            format!("{} is missing", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Type { kind: TypeKind::Single(expected) } => {
            format!("expected {expected}, found {}", type_of(error.instance()))
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten().filter_map(Value::as_str);
            format!("expected one of: {}", options.collect::<Vec<_>>().join(", "))
        }
        ValidationErrorKind::Pattern { pattern } => format!("doesn't match {pattern}"),
        ValidationErrorKind::MaxLength { limit } => format!("has more than {limit} characters"),
        ValidationErrorKind::MinLength { limit } => format!("has fewer than {limit} characters"),
        ValidationErrorKind::MaxItems { limit } => format!("has more than {limit} items"),
        ValidationErrorKind::MinItems { limit } => format!("has fewer than {limit} items"),
        ValidationErrorKind::Maximum { limit } => format!("is more than {}", number(limit)),
        ValidationErrorKind::Minimum { limit } => format!("is less than {}", number(limit)),
        // The CRD uses no other keyword; for a new one the library's own text is shown.
        _ => error.masked().to_string(),
    };
    vec![Finding { path, message }]
}

fn path_of(error: &ValidationError<'_>) -> String {
    error.instance_path().segments().fold(String::new(), |path, segment| match segment {
        LocationSegment::Property(name) => field(&path, &name),
        LocationSegment::Index(index) => format!("{path}[{index}]"),
    })
}

fn field(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A bound without a fraction: the CRD contains floats.
fn number(limit: &Value) -> String {
    limit.as_f64().map_or_else(|| limit.to_string(), |limit| limit.to_string())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Finds duplicates in lists that Kubernetes treats as sets or maps.
///
/// Source: <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy>
fn duplicates(schema: &Value, value: &Value, path: &str, findings: &mut Vec<Finding>) {
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        duplicates(child, &value[name], &field(path, name), findings);
    }
    let keys = schema["x-kubernetes-list-map-keys"].as_array();
    let identity = |item: &Value| match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => Some(vec![item.clone()]),
        Some("map") => keys?.iter().map(|key| item.get(key.as_str()?).cloned()).collect(),
        _ => None,
    };
    let mut seen: Vec<Vec<Value>> = Vec::new();
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}[{index}]");
        if let Some(own) = identity(item) {
            if seen.contains(&own) {
                let own = own.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
                findings.push(Finding { path: path.clone(), message: format!("{own} is there already") });
            } else {
                seen.push(own);
            }
        }
        duplicates(&schema["items"], item, &path, findings);
    }
}
