//! One command for each config that it concerns. What one of them can't do, or refuses, delays none of the others.

use std::time::Duration;

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tidegate_model::{Command, Envelope, Intention};
use tidegate_resources::{Cancel, CancelReason, IntegrationConfig};

use super::{
    Drain, age_seconds,
    apply::{self, Applied},
    chat::{CommentRef, Followed},
    error::{CommandError, WaitsFor},
    facts::{self, FactsError},
    log,
    plan::{self, Plan},
    proof::Proof,
    record,
    turns::PullRequest,
};
use crate::error_chain;

/// What became of a command for all of its configs.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many configs carried it out, or have nothing to do with it.
    served: usize,
    /// Why configs refuse it for good.
    refusals: Vec<String>,
    /// Why it could not be carried out yet for others.
    errors: Vec<CommandError>,
}

impl Outcome {
    fn add(&mut self, result: Result<Option<String>, CommandError>) {
        match result {
            Ok(None) => self.served += 1,
            Ok(Some(refusal)) => self.refusals.push(refusal),
            Err(error) => self.errors.push(error),
        }
    }

    /// The error that leaves the most hope: as long as it does, the command is tried again.
    fn most_patient(&self) -> Option<&CommandError> {
        self.errors.iter().max_by_key(|error| error.waits_for())
    }

    /// What the command waits for; `None` when nothing is left to do.
    pub fn waits_for(&self) -> Option<WaitsFor> {
        self.most_patient().map(CommandError::waits_for)
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
        self.most_patient().map_or("none", CommandError::category)
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
        let mut outcome = Outcome::default();
        let concerned = match facts::configs(envelope.host, &envelope.source, command, &self.context).await {
            Ok(concerned) => concerned,
            Err(error) => {
                outcome.add(Err(error.into()));
                return outcome;
            }
        };
        outcome.errors.extend(concerned.unreadable.into_iter().map(CommandError::from));
        let configs = concerned.configs;
        let proof = match self.proof(envelope, &configs).await {
            Ok(Proof::OtherSalt) => {
                // Its former holder may send as many as they like: none of them becomes a dead letter. What the host itself
                // sent under this salt, the ledger's look at the repository finds.
                self.context.metrics.event_dropped("other_salt");
                log(envelope, configs.first(), "dropped: its hook was replaced");
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
            log(envelope, None, "nothing is configured for it");
        }
        // All of them name one repository of one site.
        let _turn = match (configs.first(), command.intention.pull_request()) {
            (Some(config), Some(number)) => Some(self.turns.take(PullRequest::of(config, number)).await),
            _ => None,
        };
        if let Intention::FollowComment { pull_request, comment } = &command.intention {
            let comment = CommentRef { pull_request: *pull_request, pointer: comment };
            self.follow(comment, &configs, envelope, &mut outcome).await;
            return outcome;
        }
        for config in &configs {
            let result = self.carry_out_for(config, envelope, proof).await;
            self.note(&result, config, envelope);
            outcome.add(result);
        }
        outcome
    }

    /// What the event behind a command proves. A hook speaks for one config, and the App for all of them.
    async fn proof(
        &self,
        envelope: &Envelope<Command>,
        configs: &[IntegrationConfig],
    ) -> Result<Proof, FactsError> {
        match configs.first() {
            Some(config) => Proof::look(envelope, self.inlet.is_of_plugin(), config, &self.context).await,
            None => Ok(Proof::Unsigned),
        }
    }

    /// Carries a command out for one config. `Some` is the reason why it is refused for good.
    async fn carry_out_for(
        &self,
        config: &IntegrationConfig,
        envelope: &Envelope<Command>,
        proof: Proof,
    ) -> Result<Option<String>, CommandError> {
        let command = &envelope.body;
        let plan = match plan::admit(command, config) {
            Ok(()) => {
                let facts = facts::read(&command.intention, config, &self.context).await?;
                if let Some(lack) = proof.lack(&facts) {
                    log(envelope, Some(config), &lack);
                    return Ok(None);
                }
                record::record(config, &facts, &self.context).await?;
                plan::plan(command, config, &facts)
            }
            Err(plan) => plan,
        };
        match plan {
            Plan::Run(run) => self.run(*run, config, envelope).await?,
            Plan::Cancel { pull_request, order } => {
                let mut jobs = facts::jobs_of(config, pull_request, &self.context).await?;
                jobs.retain(plan::goes_on);
                let book = self.context.ledgers.open(config, &self.context).await?;
                let going = record::names(&record::unshared(jobs, pull_request, &book));
                let count = apply::stop(config, &going, &order, &self.context).await?;
                log(envelope, Some(config), &format!("{}: stopped {count} runs", order.message));
            }
            Plan::Nothing(reason) => log(envelope, Some(config), &reason),
            Plan::Refuse(reason) => return Ok(Some(reason)),
        }
        Ok(None)
    }

    /// Follows a comment once, for all configs of its repository together: any of them leads to the others, so the first whose
    /// credential works is enough. Where no config can run anything, the author of the comment gets the reason.
    async fn follow(
        &self,
        comment: CommentRef<'_>,
        configs: &[IntegrationConfig],
        envelope: &Envelope<Command>,
        outcome: &mut Outcome,
    ) {
        let (mut fit, mut unfit) = (Vec::new(), Vec::new());
        for config in configs {
            match plan::admit(&envelope.body, config) {
                Ok(()) => fit.push(config),
                Err(Plan::Refuse(reason)) => outcome.refusals.push(reason),
                Err(Plan::Nothing(reason)) => {
                    log(envelope, Some(config), &reason);
                    unfit.extend(plan::unfit(config).map(|_| config));
                }
                Err(Plan::Run(_) | Plan::Cancel { .. }) => (),
            }
        }
        let able = if fit.is_empty() { unfit } else { fit };
        let mut failures = Outcome::default();
        for config in able {
            let result = self.chat.follow(comment, config, envelope, &self.context).await;
            let result = result.map(|followed| match followed {
                Followed::Done(what) => {
                    log(envelope, Some(config), &what);
                    None
                }
                Followed::Refused(reason) => Some(reason),
            });
            self.note(&result, config, envelope);
            if matches!(result, Ok(None)) {
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

    /// Logs what one config could not do or refuses, and has its conditions say so.
    fn note(
        &self,
        result: &Result<Option<String>, CommandError>,
        config: &IntegrationConfig,
        envelope: &Envelope<Command>,
    ) {
        match result {
            Ok(None) => (),
            Ok(Some(refusal)) => log(envelope, Some(config), &format!("refused: {refusal}")),
            Err(error) => {
                log(envelope, Some(config), &format!("not carried out yet: {}", error_chain(error)));
                if error.concerns_config() {
                    let namespace = config.namespace().unwrap_or_default();
                    self.context.configs.request_check(ObjectRef::new(&config.name_any()).within(&namespace));
                }
            }
        }
    }

    async fn run(
        &self,
        mut run: plan::Run,
        config: &IntegrationConfig,
        envelope: &Envelope<Command>,
    ) -> Result<(), CommandError> {
        let book = self.context.ledgers.open(config, &self.context).await?;
        // Trust is a property of the commit: what another pull request has proved holds for this one.
        let is_trusted = run.spec.pulls.first().is_some_and(|pull| book.is_trusted(&pull.sha));
        run.spec.awaits_approval &= run.spec.approved.is_some() || !is_trusted;
        if record::has_run(&run, &book) {
            log(envelope, Some(config), "another pull request with this head and base has its run");
        } else {
            let what = match apply::run(&run, config, envelope, &self.context).await? {
                Applied::Created(name) => {
                    self.context.metrics.accepted_to_job(age_seconds(envelope.received_at_ms));
                    format!("created IntegrationJob {name}")
                }
                Applied::Existed(name) => format!("IntegrationJob {name} exists already"),
                Applied::Unreadable(name, why) => {
                    format!("IntegrationJob {name} is left alone, it can't be read: {why}")
                }
            };
            log(envelope, Some(config), &what);
        }
        if let Some(pull) = run.spec.pulls.first() {
            let order = Cancel {
                reason: CancelReason::Superseded,
                message: format!("superseded by {}", pull.sha.short()),
                comment: None,
            };
            let jobs = facts::jobs_of(config, pull.number, &self.context).await?;
            let jobs = record::unshared(jobs, pull.number, &book);
            apply::stop(config, &plan::outdated(&run.spec, &jobs), &order, &self.context).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tidegate_hosts::client::HostError;

    use super::*;

    fn host(source: HostError) -> CommandError {
        FactsError::Host { operation: "read", source }.into()
    }

    #[test]
    fn a_refusal_counts_only_where_no_config_took_the_command() {
        let mut outcome = Outcome::default();
        outcome.add(Ok(Some("no such pull request".to_owned())));
        assert_eq!(outcome.refusal().as_deref(), Some("no such pull request"));
        outcome.add(Ok(None));
        assert_eq!((outcome.refusal(), outcome.waits_for()), (None, None));
    }

    #[test]
    fn a_command_waits_as_long_as_one_config_has_hope() {
        let mut outcome = Outcome::default();
        outcome.add(Ok(None));
        outcome.add(Err(host(HostError::Unreadable { reason: "no JSON".to_owned() })));
        assert_eq!(outcome.waits_for(), Some(WaitsFor::MoreTries));
        outcome.add(Err(host(HostError::RateLimited { retry_after: Some(Duration::from_secs(7)) })));
        outcome.add(Err(host(HostError::Unauthorized)));
        assert_eq!(outcome.waits_for(), Some(WaitsFor::Host));
        assert_eq!(outcome.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(outcome.category(), "rate_limited");
        assert!(outcome.errors_text().contains("no JSON"), "{}", outcome.errors_text());
        outcome.add(Ok(Some("refused".to_owned())));
        assert_eq!(outcome.refusal(), None, "it is tried again");
    }
}
