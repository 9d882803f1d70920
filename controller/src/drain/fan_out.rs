//! One command for each config that it concerns. A failure or refusal of one config delays no other.

use tidegate_model::{Command, Envelope};
use tidegate_resources::IntegrationConfig;
use tidegate_rules::ledger::Observation;

use super::{
    Drain,
    concerned::{self, Concerned},
    event_proof,
    outcome::Outcome,
    work::Work,
};
use crate::{
    chat::{Asker, Comment},
    context::Context,
    fitness::unfit,
    runs::{locks::Held, origin::Origin},
    trigger::{
        self, Followed, Follower,
        error::{TriggerError, WaitsFor},
        proof::EventProof,
        reader::FactsError,
    },
};

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
                // Whoever knows the old secret may send any number: none of them becomes a dead letter. What the host itself
                // sent under this salt is found by one look at the repository.
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
        // All name the same repository of the same host.
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

    /// What the event behind a command proves. A hook proves for one config, the App's for all of them.
    async fn proof(
        &self,
        envelope: &Envelope<Command>,
        configs: &[IntegrationConfig],
    ) -> Result<EventProof, FactsError> {
        match configs.first() {
            Some(config) => {
                event_proof::find(envelope, self.command_queue.is_of_plugin(), config, &self.context).await
            }
            None => Ok(EventProof::Unsigned),
        }
    }

    /// Handles a comment once, for all configs of its repository together: the first config whose credential works is enough.
    /// If no config can run anything, the author of the comment gets the reason.
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

/// Logs that an event was lost for a config.
async fn note_dropped(config: Option<&IntegrationConfig>, context: &Context) -> Result<(), TriggerError> {
    let Some(config) = config else { return Ok(()) };
    let book = context.ledgers.open(config).await?;
    book.record(&Observation::Dropped);
    Ok(book.save().await?)
}
