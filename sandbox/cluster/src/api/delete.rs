//! Deletion: finalizers, owners, namespaces.
//!
//! Source: <https://kubernetes.io/docs/concepts/architecture/garbage-collection/>

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    failure::Failure,
    object,
    selector::Filter,
    served::{Key, Resource},
    store::State,
    write::bump_generation,
};

/// The body of a DELETE.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteOptions {
    #[serde(default)]
    preconditions: Preconditions,
    propagation_policy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

/// What became of an object.
pub(crate) enum Deleted {
    /// It is gone.
    Gone(Arc<Value>),
    /// It waits for its finalizers.
    Terminating(Arc<Value>),
}

impl DeleteOptions {
    /// Reads the body; it may be empty.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let options: Self = serde_json::from_slice(body)
            .map_err(|error| Failure::bad_request(format!("failed to read DeleteOptions: {error}")))?;
        match options.propagation_policy.as_deref() {
            None | Some("Background") => Ok(options),
            Some(other) => Err(Failure::not_served(&format!("propagationPolicy {other}"))),
        }
    }
}

impl Preconditions {
    /// Whether the object is still the one that the caller means.
    ///
    /// Source: `k8s.io/apiserver/pkg/registry/rest/delete.go`
    fn check(&self, key: &Key, current: &Value) -> Result<(), Failure> {
        let uid = object::text(current, "/metadata/uid");
        if let Some(wanted) = self.uid.as_deref().filter(|wanted| *wanted != uid) {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
            );
            return Err(Failure::other_object(key, &why));
        }
        let version = object::text(current, "/metadata/resourceVersion");
        if let Some(wanted) = self.resource_version.as_deref().filter(|wanted| *wanted != version) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
            );
            return Err(Failure::other_object(key, &why));
        }
        Ok(())
    }
}

impl State {
    /// Deletes an object; what it owned follows.
    pub(crate) fn delete(&mut self, key: &Key, options: &DeleteOptions) -> Result<Deleted, Failure> {
        let current = Arc::clone(self.find(key)?);
        options.preconditions.check(key, &current)?;
        if key.resource == Resource::Namespace {
            return Ok(self.delete_namespace(key, &current));
        }
        if object::list(&current, "/metadata/finalizers").is_empty() {
            return Ok(Deleted::Gone(self.remove_and_collect(key, current.as_ref().clone())));
        }
        if object::is_terminating(&current) {
            return Ok(Deleted::Terminating(current));
        }
        let mut marked = terminating(&current);
        if key.resource.row().generation {
            bump_generation(&mut marked);
        }
        Ok(Deleted::Terminating(self.put(key, marked)))
    }

    /// Deletes the objects of a collection and returns them.
    pub(crate) fn delete_collection(
        &mut self,
        resource: Resource,
        namespace: &str,
        filter: &Filter,
    ) -> Result<Vec<Arc<Value>>, Failure> {
        let keys: Vec<Key> = self.list(resource, namespace, filter).map(|(key, _)| key.clone()).collect();
        let mut deleted = Vec::new();
        for key in keys {
            // An earlier one may have owned it.
            if self.get(&key).is_some() {
                let (Deleted::Gone(object) | Deleted::Terminating(object)) =
                    self.delete(&key, &DeleteOptions::default())?;
                deleted.push(object);
            }
        }
        Ok(deleted)
    }

    /// Removes an object for good, then what it owned and, when it was the last one, its terminating namespace.
    pub(super) fn remove_and_collect(&mut self, key: &Key, last: Value) -> Arc<Value> {
        let removed = self.remove(key, last);
        let uid = object::text(&removed, "/metadata/uid");
        let dependents: Vec<Key> = self
            .all()
            .filter(|(_, object)| object::owner_uids(object).any(|owner| owner == uid))
            .map(|(key, _)| key.clone())
            .collect();
        for dependent in dependents {
            self.collect_if_orphaned(&dependent);
        }
        self.finish_namespace(&key.namespace);
        removed
    }

    /// Deletes an object that names owners none of which exists, as the garbage collector does.
    pub(super) fn collect_if_orphaned(&mut self, key: &Key) {
        let Some(object) = self.get(key) else { return };
        let owners = object::list(object, "/metadata/ownerReferences");
        if owners.is_empty() || owners.iter().any(|owner| self.is_alive(owner, &key.namespace)) {
            return;
        }
        // It was found above, and without preconditions nothing else can refuse.
        if let Err(failure) = self.delete(key, &DeleteOptions::default()) {
            tracing::error!(object = %key, status = %failure.status(), "failed to collect an orphan");
        }
    }

    fn is_alive(&self, owner: &Value, namespace: &str) -> bool {
        let resource = Resource::ALL.into_iter().find(|resource| {
            let row = resource.row();
            row.kind == object::text(owner, "/kind")
                && row.api_version() == object::text(owner, "/apiVersion")
        });
        // Of a kind that is not served nothing is known, so its objects count as alive.
        resource.is_none_or(|resource| {
            let namespace = if resource.row().namespaced { namespace } else { "" };
            self.get(&Key::new(resource, namespace, object::text(owner, "/name")))
                .is_some_and(|found| object::text(found, "/metadata/uid") == object::text(owner, "/uid"))
        })
    }

    fn delete_namespace(&mut self, key: &Key, current: &Value) -> Deleted {
        let mut marked = terminating(current);
        marked["status"] = json!({"phase": "Terminating"});
        let marked = self.put(key, marked);
        for resource in Resource::ALL.into_iter().filter(|resource| resource.row().namespaced) {
            if let Err(failure) = self.delete_collection(resource, &key.name, &Filter::default()) {
                tracing::error!(namespace = key.name, status = %failure.status(), "failed to empty a namespace");
            }
        }
        self.finish_namespace(&key.name);
        Deleted::Terminating(marked)
    }

    fn finish_namespace(&mut self, name: &str) {
        let key = Key::new(Resource::Namespace, "", name);
        let Some(namespace) = self.get(&key).map(Arc::clone) else {
            return;
        };
        if object::is_terminating(&namespace) && !self.all().any(|(key, _)| key.namespace == name) {
            self.remove(&key, namespace.as_ref().clone());
        }
    }
}

fn terminating(object: &Value) -> Value {
    let mut marked = object.clone();
    let metadata = object::metadata_mut(&mut marked);
    metadata.insert("deletionTimestamp".to_owned(), object::now().into());
    metadata.insert("deletionGracePeriodSeconds".to_owned(), 0.into());
    marked
}
