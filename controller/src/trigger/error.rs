//! Why an act or a comment could not be carried out yet, and what it waits for.

use std::time::Duration;

use kube::core::Status;
use tidegate_hosts::client::{ErrorClass, HostError};
use tidegate_model::RepositoryPath;

use super::reader::FactsError;
use crate::{
    host::{CallError, CredentialError},
    ledger::LedgerError,
    runs::ApplyError,
};

/// Why an act or a comment could not be carried out yet.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// Reading the facts or answering failed.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Writing a run failed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Recording it in the ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It was carried out, but not answered: the credential's budget is used up, or its host asked for a pause.
    #[error("the credential's budget of writes is used up")]
    Busy(Duration),
    /// The host has the config's repository under another path. The command waits for a config of this name with the new path.
    #[error("the host has {own} as {shown} now, but the config says {own}")]
    Renamed {
        /// The config's path.
        own: RepositoryPath,
        /// The host's.
        shown: RepositoryPath,
    },
}

impl From<CallError> for TriggerError {
    fn from(error: CallError) -> Self {
        FactsError::from(error).into()
    }
}

/// What a failed command waits for, in the order of the time that it is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitsFor {
    /// Nothing: the API server will never accept it.
    Nothing,
    /// A few more tries: an unreadable response, or a refusal that isn't about a right.
    MoreTries,
    /// A person: a right, a Secret or a config is missing or wrong. A condition of the config shows it.
    Person,
    /// The host, or its limits.
    Host,
    /// The API server.
    Cluster,
}

impl TriggerError {
    /// The label in metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Facts(error) => error.category(),
            Self::Apply(_) | Self::Ledger(_) => "cluster",
            Self::Busy(_) => "busy",
            Self::Renamed { .. } => "renamed",
        }
    }

    /// The pause before the next try, if it is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Facts(error) => error.retry_after(),
            Self::Apply(_) | Self::Ledger(_) | Self::Renamed { .. } => None,
            // SQS counts in whole seconds.
            Self::Busy(wait) => Some(*wait + Duration::from_secs(1)),
        }
    }

    /// What it waits for.
    pub fn waits_for(&self) -> WaitsFor {
        match self {
            Self::Facts(error) => error.waits_for(),
            Self::Apply(ApplyError::Job { source: error, .. })
            | Self::Ledger(LedgerError::Api { source: error, .. }) => of_cluster(error),
            Self::Ledger(_) => WaitsFor::MoreTries,
            Self::Apply(ApplyError::NoOwner | ApplyError::Attempts(_)) => WaitsFor::Nothing,
            Self::Busy(_) => WaitsFor::Host,
            Self::Renamed { .. } => WaitsFor::Person,
        }
    }

    /// Whether a check of the config will show the cause in its conditions: its credential, or the right that it gives.
    pub fn concerns_config(&self) -> bool {
        matches!(self, Self::Facts(FactsError::Credential(_) | FactsError::Host(_) | FactsError::Hidden(_)))
            && self.waits_for() == WaitsFor::Person
    }
}

impl FactsError {
    /// What a command with this error waits for.
    pub fn waits_for(&self) -> WaitsFor {
        match self {
            Self::Configs(error)
            | Self::Jobs(error)
            | Self::Credential(CredentialError::Read { source: error, .. }) => of_cluster(error),
            Self::Config { .. }
            | Self::Unproven(_)
            | Self::Namespace(_)
            | Self::Credential(_)
            | Self::Hidden(_) => WaitsFor::Person,
            Self::Host(error) => of_host(&error.source),
        }
    }
}

fn of_cluster(error: &kube::Error) -> WaitsFor {
    let status = match error {
        kube::Error::Api(status) => status,
        // It answered, but not as requested.
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) | kube::Error::BuildRequest(_) => {
            return WaitsFor::MoreTries;
        }
        _ => return WaitsFor::Cluster,
    };
    match status.code {
        // Our own token is refused: so is every other request.
        401 | 408 | 429 | 500.. => WaitsFor::Cluster,
        403 if lacks_right(status) => WaitsFor::Person,
        422 => WaitsFor::Nothing,
        _ => WaitsFor::MoreTries,
    }
}

/// Whether a 403 is about our right, and not about a quota, a policy or a namespace that is being deleted.
///
/// Source: `k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go` (`forbiddenMessage`)
fn lacks_right(status: &Status) -> bool {
    let (_, why) = status.message.split_once(" is forbidden: ").unwrap_or_default();
    why.starts_with("User \"") && why.contains("\" cannot ")
}

fn of_host(error: &HostError) -> WaitsFor {
    match error.class() {
        ErrorClass::Transient | ErrorClass::RateLimited => WaitsFor::Host,
        ErrorClass::Setup | ErrorClass::Credential | ErrorClass::Right => WaitsFor::Person,
        ErrorClass::Missing | ErrorClass::Refused | ErrorClass::Rejected | ErrorClass::Unreadable => {
            WaitsFor::MoreTries
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Operation;

    fn refused(code: u16, reason: &str, message: &str) -> TriggerError {
        let status =
            Status { code, reason: reason.to_owned(), message: message.to_owned(), ..Status::default() };
        TriggerError::Apply(ApplyError::Job {
            operation: "create",
            name: "shop-1".to_owned(),
            source: kube::Error::Api(Box::new(status)),
        })
    }

    #[test]
    fn a_refusal_of_the_api_server_waits_for_the_end_of_its_cause() {
        let forbidden = |why: &str| {
            refused(403, "Forbidden", &format!("integrationjobs.tidegate.dev \"shop-1\" is forbidden: {why}"))
        };
        for (error, expected) in [
            (
                forbidden("exceeded quota: runs, requested: count/integrationjobs.tidegate.dev=1"),
                WaitsFor::MoreTries,
            ),
            (
                forbidden("unable to create new content in namespace ci because it is being terminated"),
                WaitsFor::MoreTries,
            ),
            (
                forbidden(
                    "User \"system:serviceaccount:t:c\" cannot create resource \"integrationjobs\" in API group \"tidegate.dev\" in the namespace \"ci\"",
                ),
                WaitsFor::Person,
            ),
            (refused(422, "Invalid", "IntegrationJob is invalid"), WaitsFor::Nothing),
            (refused(404, "NotFound", "namespaces \"ci\" not found"), WaitsFor::MoreTries),
            (refused(413, "RequestEntityTooLarge", ""), WaitsFor::MoreTries),
            (refused(503, "ServiceUnavailable", ""), WaitsFor::Cluster),
            (refused(429, "TooManyRequests", ""), WaitsFor::Cluster),
        ] {
            assert_eq!(error.waits_for(), expected, "{error:?}");
        }
    }

    #[test]
    fn an_answer_of_a_host_waits_for_the_host_a_person_or_a_few_tries() {
        let of = |source| {
            TriggerError::from(CallError { operation: Operation::ReadPullRequest, source }).waits_for()
        };
        assert_eq!(of(HostError::Unreadable { reason: String::new() }), WaitsFor::MoreTries);
        assert_eq!(of(HostError::RateLimited { retry_after: None }), WaitsFor::Host);
        assert_eq!(of(HostError::Unauthorized), WaitsFor::Person);
        let missing = FactsError::Credential(CredentialError::MissingSecret("git".to_owned()));
        let missing = TriggerError::Facts(missing);
        assert!(missing.waits_for() == WaitsFor::Person && missing.concerns_config());
        let hidden = TriggerError::Facts(FactsError::Hidden("acme/shop".parse().expect("a repository")));
        assert!(hidden.waits_for() == WaitsFor::Person && hidden.concerns_config());
    }

    #[test]
    fn an_object_that_cannot_be_read_is_no_outage_of_the_cluster() {
        let unreadable = serde_json::from_str::<u8>("x").expect_err("no number");
        let error = TriggerError::Facts(FactsError::Jobs(kube::Error::SerdeError(unreadable)));
        assert_eq!(error.waits_for(), WaitsFor::MoreTries);
        let config = FactsError::Config { config: "ci/shop".to_owned(), error: String::new() };
        assert_eq!(TriggerError::Facts(config).waits_for(), WaitsFor::Person);
    }
}
