//! Why the cluster did not take an action.

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An object could not be read or written.
    #[error("failed to {operation} IntegrationJob {name}")]
    Job {
        /// What was tried.
        operation: &'static str,
        /// The object or the selector.
        name: String,
        /// Why it failed.
        source: kube::Error,
    },
    /// The config has no uid: it didn't come from a cluster.
    #[error("the config has no owner reference")]
    NoOwner,
    /// The runs of one trigger were cancelled too often.
    #[error("trigger {0} has used up its attempts")]
    Attempts(String),
}

/// The error of an object that could not be read or written.
pub fn failed(operation: &'static str, name: &str) -> impl FnOnce(kube::Error) -> ApplyError {
    let name = name.to_owned();
    move |source| ApplyError::Job { operation, name, source }
}
