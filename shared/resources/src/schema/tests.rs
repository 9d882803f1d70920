//! What Kubernetes asks of every CRD, and what we ask of ours.

use kube::CustomResourceExt;
use serde_json::Value;

use crate::{IntegrationConfig, IntegrationJob, IntegrationLedger};

mod accepted;
mod readable;

/// Formats that the API server checks or knows for a type.
const FORMATS: [&str; 2] = ["int32", "int64"];

fn schema<K: CustomResourceExt>() -> Value {
    let crd = serde_json::to_value(K::crd()).expect("a CRD is JSON");
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema").expect("a CRD has a schema").clone()
}

/// Each flaw of a schema, behind the path of the field it is at.
fn flaws(schema: &Value, path: &str, found: &mut Vec<String>) {
    let has = |key: &str| schema.get(key).is_some();
    let mut flaw = |text: &str| found.push(format!("{path}: {text}"));
    match schema.get("type").and_then(Value::as_str) {
        Some("string") if !has("maxLength") && !has("enum") => flaw("a string without maxLength"),
        Some("array") if !has("maxItems") => flaw("an array without maxItems"),
        Some("object") if !has("properties") && !has("maxProperties") => flaw("a map without maxProperties"),
        None => flaw("no type"),
        Some(_) => {}
    }
    // Elements have the description of their list.
    if !path.ends_with("[]") && !has("description") {
        flaw("no description");
    }
    // kube's derive wraps the whole status in an Option; the API server always writes it as an object.
    if path != ".status" && has("nullable") {
        flaw("nullable: a null would be kept, and has() be true");
    }
    if let Some(format) = schema.get("format")
        && !FORMATS.iter().any(|known| format == known)
    {
        flaw(&format!("unknown format {format}"));
    }
    for junctor in ["anyOf", "oneOf", "allOf", "not", "$ref"] {
        if has(junctor) {
            flaw(&format!("{junctor} is not structural here"));
        }
    }
    for key in schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten() {
        let required = schema.pointer("/items/required").and_then(Value::as_array);
        if !required.is_some_and(|names| names.contains(key)) {
            flaw(&format!("the list map key {key} isn't required"));
        }
    }
    for (name, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        flaws(child, &format!("{path}.{name}"), found);
    }
    if let Some(items) = schema.get("items") {
        flaws(items, &format!("{path}[]"), found);
    }
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        flaws(values, &format!("{path}{{}}"), found);
    }
}

#[test]
fn every_field_is_described_and_bounded() {
    for schema in [schema::<IntegrationConfig>(), schema::<IntegrationJob>(), schema::<IntegrationLedger>()] {
        let mut found = Vec::new();
        flaws(&schema, "", &mut found);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn both_have_a_status_subresource() {
    for crd in [IntegrationConfig::crd(), IntegrationJob::crd()] {
        let status =
            crd.spec.versions[0].subresources.as_ref().and_then(|subresources| subresources.status.as_ref());
        assert!(status.is_some(), "{:?}", crd.metadata.name);
    }
}
