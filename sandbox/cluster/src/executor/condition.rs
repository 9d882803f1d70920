//! The `Succeeded` condition of runs, as Knative writes it, and the status around it.

use serde_json::{Value, json};

use crate::api::{object, served::Key, store::Store};

/// Whether a run succeeded; unknown while it is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Succeeded {
    True,
    False,
    Unknown,
}

impl Succeeded {
    const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) succeeded: Succeeded,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Verdict {
    pub(crate) fn new(succeeded: Succeeded, reason: &'static str, message: impl Into<String>) -> Self {
        Self { succeeded, reason, message: message.into() }
    }

    /// A run that ended badly.
    pub(crate) fn failed(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Succeeded::False, reason, message)
    }

    /// Writes it into a run's status. The transition time stays while the condition's status does.
    pub(crate) fn write(&self, status: &mut Value) {
        let old = &status["conditions"][0];
        let since = if old["status"] == self.succeeded.as_str() {
            object::text(old, "/lastTransitionTime").to_owned()
        } else {
            object::now()
        };
        status["conditions"] = json!([{
            "type": "Succeeded",
            "status": self.succeeded.as_str(),
            "reason": self.reason,
            "message": self.message,
            "lastTransitionTime": since,
        }]);
    }
}

/// The status and the reason of a run's condition, once it has one.
pub(crate) fn succeeded(run: &Value) -> Option<(Succeeded, &str)> {
    let condition = run.pointer("/status/conditions/0")?;
    let succeeded = match object::text(condition, "/status") {
        "True" => Succeeded::True,
        "False" => Succeeded::False,
        _ => Succeeded::Unknown,
    };
    Some((succeeded, object::text(condition, "/reason")))
}

/// Whether a run has ended.
pub(crate) fn is_done(run: &Value) -> bool {
    succeeded(run).is_some_and(|(succeeded, _)| succeeded != Succeeded::Unknown)
}

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
