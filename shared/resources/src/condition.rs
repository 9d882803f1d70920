//! Conditions in a status, as Kubernetes writes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One observation of the controller about an object.
///
/// Source: <https://kubernetes.io/docs/reference/using-api/api-concepts/> (`metav1.Condition`)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Condition {
    /// What is observed, in `CamelCase`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 64))]
    pub type_: String,
    /// True, False or Unknown.
    pub status: ConditionStatus,
    /// Why, as one word for machines.
    #[schemars(length(min = 1, max = 64))]
    pub reason: String,
    /// Why, for people.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When the status last changed (RFC 3339).
    #[schemars(length(max = 40))]
    pub last_transition_time: String,
    /// The generation of the object that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It doesn't.
    False,
    /// Nobody knows yet.
    Unknown,
}

/// Puts a condition among others: one per type, its transition time kept while the status stays the same.
pub fn set_condition(conditions: &mut Vec<Condition>, mut new: Condition) {
    new.message = new.message.chars().take(1024).collect();
    match conditions.iter_mut().find(|old| old.type_ == new.type_) {
        Some(old) => {
            if old.status == new.status {
                new.last_transition_time = std::mem::take(&mut old.last_transition_time);
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(status: ConditionStatus, reason: &str, at: &str) -> Condition {
        Condition {
            type_: "Ready".to_owned(),
            status,
            reason: reason.to_owned(),
            message: String::new(),
            last_transition_time: at.to_owned(),
            observed_generation: None,
        }
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = vec![ready(ConditionStatus::False, "A", "1")];
        set_condition(&mut conditions, ready(ConditionStatus::False, "B", "2"));
        assert_eq!(conditions, [ready(ConditionStatus::False, "B", "1")]);
        set_condition(&mut conditions, ready(ConditionStatus::True, "C", "3"));
        assert_eq!(conditions, [ready(ConditionStatus::True, "C", "3")]);
    }
}
