//! A fault of an object.

/// A fault of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Where, like `spec.jobs.preSubmit[0].name`; empty for the whole object.
    pub path: String,
    /// What.
    pub message: String,
}
