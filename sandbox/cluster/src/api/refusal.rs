//! Requests that a test has the API refuse with 403, as a missing right, a quota or a policy does.

use std::sync::{Mutex, PoisonError};

use super::{failure::Failure, request::Request};

/// What is refused, and why.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Vec<(String, String, String)>>);

impl Refusals {
    /// Refuses a verb and a resource, like `create integrationjobs`, in a namespace; `None` ends that.
    pub(crate) fn set(&self, request: &str, namespace: &str, why: Option<&str>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(what, place, _)| (what.as_str(), place.as_str()) != (request, namespace));
        all.extend(why.map(|why| (request.to_owned(), namespace.to_owned(), why.to_owned())));
    }

    /// Refuses this request if a test wants so.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Failure> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let what = request.describe();
        let found =
            all.iter().find(|(wanted, namespace, _)| *wanted == what && *namespace == request.namespace);
        found.map_or(Ok(()), |(_, _, why)| Err(Failure::forbidden(&request.key(), why)))
    }
}
