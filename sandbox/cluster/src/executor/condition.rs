//! The `Succeeded` condition of runs, as Knative writes it.

use serde_json::{Value, json};

use crate::api::object;

/// Whether a run succeeded; unknown while it goes on.
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
        Self {
            succeeded,
            reason,
            message: message.into(),
        }
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
