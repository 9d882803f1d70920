//! What became of a command.

use std::time::Duration;

use crate::{
    error_chain,
    trigger::{
        Followed,
        error::{TriggerError, WaitsFor},
    },
};

/// The result of a command for all its configs.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many configs carried it out, or need nothing from it.
    pub served: usize,
    /// Why configs refuse it for good.
    pub refusals: Vec<String>,
    /// Why it could not be carried out yet for the other configs.
    pub errors: Vec<TriggerError>,
}

impl Outcome {
    pub fn add(&mut self, result: Result<Followed, TriggerError>) {
        match result {
            Ok(Followed::Done(_)) => self.served += 1,
            Ok(Followed::Refused(reason)) => self.refusals.push(reason),
            Err(error) => self.errors.push(error),
        }
    }

    /// The error that is retried for the longest time: it decides how long the command is.
    fn most_patient(&self) -> Option<&TriggerError> {
        self.errors.iter().max_by_key(|error| error.waits_for())
    }

    /// What the command waits for; `None` when nothing is left to do.
    pub fn waits_for(&self) -> Option<WaitsFor> {
        self.most_patient().map(TriggerError::waits_for)
    }

    /// Why the command is refused for good: nobody carried it out, and each config refuses it. If one config carried it out, a
    /// refusal of another only means that its credential sees less.
    pub fn refusal(&self) -> Option<String> {
        (self.served == 0 && self.errors.is_empty() && !self.refusals.is_empty())
            .then(|| self.refusals.join("; "))
    }

    /// The pause that the host of the decisive error asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        self.most_patient()?.retry_after()
    }

    /// The category of the decisive error, for metrics.
    pub fn category(&self) -> &'static str {
        self.most_patient().map_or("none", TriggerError::category)
    }

    /// All errors in one line.
    pub fn errors_text(&self) -> String {
        let errors: Vec<_> = self.errors.iter().map(|error| error_chain(error)).collect();
        errors.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use tidegate_hosts::client::HostError;

    use super::*;
    use crate::host::{CallError, Operation};

    fn host(source: HostError) -> TriggerError {
        CallError { operation: Operation::ReadPullRequest, source }.into()
    }

    #[test]
    fn a_refusal_counts_only_where_no_config_took_the_command() {
        let mut outcome = Outcome::default();
        outcome.add(Ok(Followed::Refused("no such pull request".to_owned())));
        assert_eq!(outcome.refusal().as_deref(), Some("no such pull request"));
        outcome.add(Ok(Followed::Done(String::new())));
        assert_eq!((outcome.refusal(), outcome.waits_for()), (None, None));
    }

    #[test]
    fn a_command_waits_as_long_as_one_config_has_hope() {
        let mut outcome = Outcome::default();
        outcome.add(Ok(Followed::Done(String::new())));
        outcome.add(Err(host(HostError::Unreadable { reason: "no JSON".to_owned() })));
        assert_eq!(outcome.waits_for(), Some(WaitsFor::MoreTries));
        outcome.add(Err(host(HostError::RateLimited { retry_after: Some(Duration::from_secs(7)) })));
        outcome.add(Err(host(HostError::Unauthorized)));
        assert_eq!(outcome.waits_for(), Some(WaitsFor::Host));
        assert_eq!(outcome.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(outcome.category(), "rate_limited");
        assert!(outcome.errors_text().contains("no JSON"), "{}", outcome.errors_text());
        outcome.add(Ok(Followed::Refused("refused".to_owned())));
        assert_eq!(outcome.refusal(), None, "it is tried again");
    }
}
