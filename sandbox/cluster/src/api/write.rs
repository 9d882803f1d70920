//! What the API server does around a write: metadata, versions, generations, status apart from the rest.
//!
//! Source: `k8s.io/apiserver/pkg/registry/rest` (create.go, update.go, meta.go)

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    admission,
    failure::{Cause, Failure},
    names, object,
    served::{Key, Resource},
    store::State,
};

/// Fields of the metadata that only the server writes.
const SYSTEM_FIELDS: [&str; 6] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
];

impl State {
    /// Creates an object. The name may be generated from `metadata.generateName`.
    pub(crate) fn create(
        &mut self,
        resource: Resource,
        namespace: &str,
        mut body: Value,
    ) -> Result<Arc<Value>, Failure> {
        let row = resource.row();
        check_envelope(resource, namespace, &body)?;
        if !object::text(&body, "/metadata/resourceVersion").is_empty() {
            return Err(Failure::new(500, "", "resourceVersion should not be set on objects to be created"));
        }
        let metadata = object::metadata_mut(&mut body);
        for field in SYSTEM_FIELDS.into_iter().chain(["managedFields", "selfLink"]) {
            metadata.remove(field);
        }
        if let (None, Some(prefix)) =
            (metadata.get("name"), metadata.get("generateName").and_then(Value::as_str))
        {
            let name = names::generated(prefix);
            metadata.insert("name".to_owned(), name.into());
        }
        metadata.insert("uid".to_owned(), names::uid().into());
        metadata.insert("creationTimestamp".to_owned(), object::now().into());
        if row.generation {
            metadata.insert("generation".to_owned(), 1.into());
        }
        if row.namespaced {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        if row.status
            && let Some(body) = body.as_object_mut()
        {
            body.remove("status");
        }

        let name = object::text(&body, "/metadata/name").to_owned();
        let key = Key::new(resource, namespace, name.as_str());
        let causes = names::check(resource, &body);
        if !causes.is_empty() {
            return Err(Failure::invalid(resource, &name, &causes));
        }
        if row.namespaced {
            let space = self.find(&Key::new(Resource::Namespace, "", namespace))?;
            if object::is_terminating(space) {
                return Err(Failure::forbidden(
                    &key,
                    &format!(
                        "unable to create new content in namespace {namespace} because it is being terminated"
                    ),
                ));
            }
        }
        if self.get(&key).is_some() {
            return Err(Failure::already_exists(&key));
        }
        admission::admit(&key, &mut body, None)?;
        let created = self.put(&key, body);
        self.collect_if_orphaned(&key);
        Ok(created)
    }

    /// Replaces an object, or with `status` its status alone.
    pub(crate) fn update(&mut self, key: &Key, mut body: Value, status: bool) -> Result<Arc<Value>, Failure> {
        let row = key.resource.row();
        let current = Arc::clone(self.find(key)?);
        check_envelope(key.resource, &key.namespace, &body)?;
        let name = object::text(&body, "/metadata/name");
        if name != key.name {
            return Err(Failure::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                key.name
            )));
        }
        check_preconditions(
            key,
            &current,
            object::text(&body, "/metadata/uid"),
            object::text(&body, "/metadata/resourceVersion"),
        )?;

        let mut new = if status {
            let mut new = current.as_ref().clone();
            copy_field(&mut new, &body, "status");
            new
        } else {
            let kept = current["metadata"].as_object();
            let metadata = object::metadata_mut(&mut body);
            metadata.remove("managedFields");
            for field in SYSTEM_FIELDS {
                match kept.and_then(|kept| kept.get(field)) {
                    Some(value) => metadata.insert(field.to_owned(), value.clone()),
                    None => metadata.remove(field),
                };
            }
            if row.namespaced {
                metadata.insert("namespace".to_owned(), key.namespace.as_str().into());
            }
            if row.status {
                copy_field(&mut body, &current, "status");
            }
            body
        };
        let mut causes = names::check(key.resource, &new);
        causes.extend(new_finalizers_while_terminating(&current, &new));
        if !causes.is_empty() {
            return Err(Failure::invalid(key.resource, &key.name, &causes));
        }
        admission::admit(key, &mut new, Some(current.as_ref()))?;
        if new == *current {
            return Ok(current);
        }
        if row.generation && !status && rest_of(&new) != rest_of(&current) {
            bump_generation(&mut new);
        }
        if object::is_terminating(&new) && object::list(&new, "/metadata/finalizers").is_empty() {
            return Ok(self.remove_and_collect(key, new));
        }
        Ok(self.put(key, new))
    }
}

/// Adds one to `metadata.generation`.
pub(super) fn bump_generation(object: &mut Value) {
    let metadata = object::metadata_mut(object);
    let generation = metadata.get("generation").and_then(Value::as_u64).unwrap_or(0);
    metadata.insert("generation".to_owned(), (generation + 1).into());
}

/// Whether the object is still the one that the caller means. Empty means: any.
fn check_preconditions(key: &Key, current: &Value, uid: &str, resource_version: &str) -> Result<(), Failure> {
    let present = object::text(current, "/metadata/uid");
    if !uid.is_empty() && uid != present {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {present}");
        return Err(Failure::conflict(key, &why));
    }
    if !resource_version.is_empty() && resource_version != object::text(current, "/metadata/resourceVersion")
    {
        return Err(Failure::conflict(
            key,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    Ok(())
}

/// Whether the body is an object of this kind and namespace.
fn check_envelope(resource: Resource, namespace: &str, body: &Value) -> Result<(), Failure> {
    let row = resource.row();
    let metadata = &body["metadata"];
    let map = |value: &Value| value.is_null() || value.is_object();
    let list = |value: &Value| value.is_null() || value.is_array();
    let maps = map(metadata) && map(&metadata["labels"]) && map(&metadata["annotations"]);
    let lists = list(&metadata["finalizers"]) && list(&metadata["ownerReferences"]);
    if !(body.is_object() && maps && lists) {
        return Err(Failure::bad_request("the body is not a Kubernetes object"));
    }
    for (field, expected) in [("apiVersion", row.api_version()), ("kind", row.kind.to_owned())] {
        let found = object::text(body, &format!("/{field}"));
        if found != expected {
            return Err(Failure::bad_request(format!(
                "the {field} in the data ({found}) does not match the expected {field} ({expected})"
            )));
        }
    }
    let own = object::text(body, "/metadata/namespace");
    if !own.is_empty() && own != namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn copy_field(to: &mut Value, from: &Value, field: &str) {
    let Some(to) = to.as_object_mut() else { return };
    match from.get(field) {
        Some(value) => to.insert(field.to_owned(), value.clone()),
        None => to.remove(field),
    };
}

/// All but metadata and status: what the generation counts.
fn rest_of(object: &Value) -> Map<String, Value> {
    let mut rest = object.as_object().cloned().unwrap_or_default();
    rest.remove("metadata");
    rest.remove("status");
    rest
}

fn new_finalizers_while_terminating(current: &Value, new: &Value) -> Option<Cause> {
    let had = object::list(current, "/metadata/finalizers");
    let added: Vec<String> = object::list(new, "/metadata/finalizers")
        .iter()
        .filter(|finalizer| !had.contains(finalizer))
        .map(ToString::to_string)
        .collect();
    (object::is_terminating(current) && !added.is_empty()).then(|| Cause {
        reason: "FieldValueForbidden",
        field: "metadata.finalizers".to_owned(),
        message: format!(
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.join(", ")
        ),
    })
}
