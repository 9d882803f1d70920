//! Writing a run's status into the store.

use serde_json::{Value, json};

use crate::api::{object, served::Key, store::Store};

/// Changes the status of an object that is still the one with this uid. Returns whether it is.
pub(crate) fn update_status(store: &Store, key: &Key, uid: &str, change: impl FnOnce(&mut Value)) -> bool {
    store.write(|state| {
        let Some(current) = state.get(key) else {
            return false;
        };
        if object::text(current, "/metadata/uid") != uid {
            return false;
        }
        let mut object = current.as_ref().clone();
        if !object["status"].is_object() {
            object["status"] = json!({});
        }
        change(&mut object["status"]);
        match state.update(key, object, true) {
            Ok(_) => true,
            Err(failure) => {
                tracing::error!(object = %key, status = %failure.status(), "failed to write a status");
                false
            }
        }
    })
}
