//! One command for each config that it concerns. What one of them can't do, or refuses, delays none of the others.

use std::time::Duration;

use tidegate_model::{Command, Envelope};
use tidegate_resources::IntegrationConfig;
use tidegate_rules::ledger::Observation;

use super::{
    Drain,
    concerned::{self, Concerned},
    proof,
    work::Work,
};
use crate::{
    chat::{Asker, Comment},
    context::Context,
    error_chain,
    runs::{locks::Held, origin::Origin},
    trigger::{
        self, Followed, Follower,
        error::{TriggerError, WaitsFor},
        proof::EventProof,
        reader::FactsError,
        unfit,
    },
};

/// What became of a command for all of its configs.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many configs carried it out, or have nothing to do with it.
    served: usize,
    /// Why configs refuse it for good.
    refusals: Vec<String>,
    /// Why it could not be carried out yet for others.
    errors: Vec<TriggerError>,
}

impl Outcome {
    fn add(&mut self, result: Result<Followed, TriggerError>) {
        match result {
            Ok(Followed::Done(_)) => self.served += 1,
            Ok(Followed::Refused(reason)) => self.refusals.push(reason),
            Err(error) => self.errors.push(error),
        }
    }

    /// The error that leaves the most hope: as long as it does, the command is tried again.
    fn most_patient(&self) -> Option<&TriggerError> {
        self.errors.iter().max_by_key(|error| error.waits_for())
    }

    /// What the command waits for; `None` when nothing is left to do.
    pub fn waits_for(&self) -> Option<WaitsFor> {
        self.most_patient().map(TriggerError::waits_for)
    }

    /// Why the command is refused for good: nobody carried it out, and each config refuses it. A refusal beside a config that
    /// took the command says only that the other config's credential sees less.
    pub fn refusal(&self) -> Option<String> {
        (self.served == 0 && self.errors.is_empty() && !self.refusals.is_empty())
            .then(|| self.refusals.join("; "))
    }

    /// How long the host of the decisive error asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.most_patient()?.retry_after()
    }

    /// The decisive error's word for metrics.
    pub fn category(&self) -> &'static str {
        self.most_patient().map_or("none", TriggerError::category)
    }

    /// All errors in one line.
    pub fn errors_text(&self) -> String {
        let errors: Vec<_> = self.errors.iter().map(|error| error_chain(error)).collect();
        errors.join("; ")
    }
}

impl Drain {
    /// Carries a command out for every config that it concerns.
    pub(super) async fn carry_out(&self, envelope: &Envelope<Command>) -> Outcome {
        let command = &envelope.body;
        let origin = Origin::of(envelope);
        let mut outcome = Outcome::default();
        let found = concerned::configs(envelope.host, &envelope.source, command, &self.context).await;
        let Concerned { mut configs, unreadable } = match found {
            Ok(concerned) => concerned,
            Err(error) => {
                outcome.add(Err(error.into()));
                return outcome;
            }
        };
        outcome.errors.extend(unreadable.into_iter().map(TriggerError::from));
        let proof = match self.proof(envelope, &configs).await {
            Ok(EventProof::OtherSalt) => {
                // Its former holder may send as many as they like: none of them becomes a dead letter. What the host itself
                // sent under this salt, one look at the repository finds.
                self.context.metrics.event_dropped("other_salt");
                log(envelope, configs.first(), "dropped: its hook was replaced");
                outcome.errors.extend(note_dropped(configs.first(), &self.context).await.err());
                return outcome;
            }
            Ok(proof) => proof,
            Err(error) => {
                outcome.add(Err(error.into()));
                return outcome;
            }
        };
        if let Err(error) = self.renames.check(&configs, envelope, &self.context).await {
            outcome.add(Err(error));
            return outcome;
        }
        if configs.is_empty() && outcome.errors.is_empty() {
            log(envelope, None, "no matching IntegrationConfig");
        }
        configs.retain(|config| match of_other_repository(config, command) {
            Some(refusal) => {
                log(envelope, Some(config), &format!("refused: {refusal}"));
                outcome.refusals.push(refusal);
                false
            }
            None => true,
        });
        // All of them name one repository of one site.
        let Some(first) = configs.first() else { return outcome };
        let work = Work::of(&command.intention);
        let held = self.locks.lock(work.subject(first)).await;
        match work {
            Work::Comment(comment) => {
                self.follow(comment, &configs, &origin, &held, envelope, &mut outcome).await;
            }
            Work::Act(act) => {
                for config in &configs {
                    let (origin, held, context) = (&origin, &held, &self.context);
                    outcome.add(Follower { config, proof, origin, held, context }.follow(&act).await);
                }
            }
        }
        outcome
    }

    /// What the event behind a command proves. A hook speaks for one config, and the App for all of them.
    async fn proof(
        &self,
        envelope: &Envelope<Command>,
        configs: &[IntegrationConfig],
    ) -> Result<EventProof, FactsError> {
        match configs.first() {
            Some(config) => proof::find(envelope, self.inlet.is_of_plugin(), config, &self.context).await,
            None => Ok(EventProof::Unsigned),
        }
    }

    /// Follows a comment once, for all configs of its repository together: any of them leads to the others, so the first whose
    /// credential works is enough. Where no config can run anything, the author of the comment gets the reason.
    async fn follow(
        &self,
        comment: Comment<'_>,
        configs: &[IntegrationConfig],
        origin: &Origin,
        held: &Held,
        envelope: &Envelope<Command>,
        outcome: &mut Outcome,
    ) {
        let (mut fit, mut others) = (Vec::new(), Vec::new());
        for config in configs {
            if config.metadata.deletion_timestamp.is_some() {
                log(envelope, Some(config), "the config is being deleted");
            } else if let Some(reason) = unfit(config) {
                log(envelope, Some(config), &reason);
                others.push(config);
            } else {
                fit.push(config);
            }
        }
        let mut failures = Outcome::default();
        for config in if fit.is_empty() { others } else { fit } {
            let (locks, context) = (&self.locks, &self.context);
            let asker = Asker { config, origin, held, locks, context };
            let result = self.chat.follow(comment, asker).await;
            trigger::note(&result, envelope.body.intention.as_str(), config, &self.context);
            if matches!(result, Ok(Followed::Done(_))) {
                outcome.served += 1;
                return;
            }
            failures.add(result);
            if failures.waits_for() == Some(WaitsFor::Cluster) {
                break;
            }
        }
        outcome.refusals.append(&mut failures.refusals);
        outcome.errors.append(&mut failures.errors);
    }
}

fn log(envelope: &Envelope<Command>, config: Option<&IntegrationConfig>, happened: &str) {
    trigger::log(envelope.body.intention.as_str(), config, happened);
}

/// Why a command is not for a config: its repository is another one.
fn of_other_repository(config: &IntegrationConfig, command: &Command) -> Option<String> {
    let own = &config.spec.git.repository;
    (!own.is_same_as(&command.repository))
        .then(|| format!("the config is for {own}, not for {}", command.repository))
}

/// Notes that a config has lost an event.
async fn note_dropped(config: Option<&IntegrationConfig>, context: &Context) -> Result<(), TriggerError> {
    let Some(config) = config else { return Ok(()) };
    let book = context.ledgers.open(config, context).await?;
    book.record(&Observation::Dropped);
    Ok(book.save(context).await?)
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
