//! One command for each config that it concerns. What one of them can't do, or refuses, delays none of the others.

use std::time::Duration;

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tidegate_model::{Command, Envelope, Intention};
use tidegate_resources::{Cancel, CancelReason, IntegrationConfig, Trigger};

use super::{
    Drain, apply,
    chat::{Comment, Followed},
    deleted_ref,
    error::{CommandError, WaitsFor},
    facts::{self, FactsError},
    lacking, log,
    plan::{self, Plan},
    proof::Proof,
    record,
    turns::Subject,
};
use crate::{context::Context, error_chain};

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
        let _turn = match configs.first() {
            Some(config) => Some(self.turns.take(Subject::of(config, &command.intention)).await),
            None => None,
        };
        if let Some(comment) = Comment::of(&command.intention) {
            self.follow(comment, &configs, envelope, &mut outcome).await;
            return outcome;
        }
        for config in &configs {
            let result = carry_out_for(config, envelope, proof, &self.context).await;
            note(&result, config, envelope, &self.context);
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

    /// Follows a comment once, for all configs of its repository together: any of them leads to the others, so the first whose
    /// credential works is enough. Where no config can run anything, the author of the comment gets the reason.
    async fn follow(
        &self,
        comment: Comment<'_>,
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
                Err(Plan::Run(_) | Plan::Cancel { .. } | Plan::Forget { .. }) => (),
            }
        }
        let able = if fit.is_empty() { unfit } else { fit };
        let mut failures = Outcome::default();
        for config in able {
            let result = match comment {
                Comment::OnPullRequest(comment) => {
                    self.chat.follow(comment, config, envelope, &self.context).await
                }
                Comment::OnCommit(comment) => {
                    self.chat.follow_on_commit(comment, config, &self.context, &self.turns).await
                }
            };
            let result = result.map(|followed| match followed {
                Followed::Done(what) => {
                    log(envelope, Some(config), &what);
                    None
                }
                Followed::Refused(reason) => Some(reason),
            });
            note(&result, config, envelope, &self.context);
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
}

/// Carries a command out for one config. `Some` is the reason why it is refused for good.
pub(super) async fn carry_out_for(
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
    proof: Proof,
    context: &Context,
) -> Result<Option<String>, CommandError> {
    let command = &envelope.body;
    let plan = match plan::admit(command, config) {
        Ok(()) => {
            let facts = facts::read(&command.intention, config, context).await?;
            if let Some(lack) = proof.lack(&facts) {
                log(envelope, Some(config), &lack);
                return Ok(None);
            }
            let earlier = record::record(config, &facts, context).await?;
            plan::plan(command, config, &facts, earlier.as_ref())
        }
        Err(plan) => {
            look_for_waiting_head(config, envelope, proof, context).await?;
            plan
        }
    };
    match plan {
        Plan::Run(run) => self::run(*run, config, envelope, context).await?,
        Plan::Cancel { pull_request, order } => {
            let mut jobs = facts::jobs_of(config, pull_request, context).await?;
            jobs.retain(plan::goes_on);
            let book = context.ledgers.open(config, context).await?;
            let going = record::names(&record::unshared(jobs, pull_request, &book));
            let count = apply::stop(config, &going, &order, context).await?;
            log(envelope, Some(config), &format!("{}: stopped {count} runs", order.message));
        }
        Plan::Forget { reference, order } => {
            let count = deleted_ref::stop_queued(&reference, &order, config, context).await?;
            log(envelope, Some(config), &format!("{}: stopped {count} queued runs", order.message));
        }
        Plan::Nothing(reason) => log(envelope, Some(config), &reason),
        Plan::Refuse(reason) => return Ok(Some(reason)),
    }
    Ok(None)
}

/// Logs what one config could not do or refuses, and has its conditions say so.
pub(super) fn note(
    result: &Result<Option<String>, CommandError>,
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
    context: &Context,
) {
    match result {
        Ok(None) => (),
        Ok(Some(refusal)) => log(envelope, Some(config), &format!("refused: {refusal}")),
        Err(error) => {
            log(envelope, Some(config), &format!("not carried out yet: {}", error_chain(error)));
            if error.concerns_config() {
                let namespace = config.namespace().unwrap_or_default();
                context.configs.request_check(ObjectRef::new(&config.name_any()).within(&namespace));
            }
        }
    }
}

async fn run(
    mut run: plan::Run,
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
    context: &Context,
) -> Result<(), CommandError> {
    let book = context.ledgers.open(config, context).await?;
    if let (Trigger::Push, Some(sha)) = (run.spec.trigger, &run.spec.base.sha) {
        run.renewed_at_ms = book.renewed_at_ms(&run.spec.base.reference, sha);
    }
    let what = lacking::make(&run, &book, config, envelope, context).await?;
    log(envelope, Some(config), &what);
    if run.spec.pulls.is_empty() && book.settle_ref(&run.spec.base.reference) {
        book.save(context).await?;
    }
    if let Some(pull) = run.spec.pulls.first() {
        let order = Cancel {
            reason: CancelReason::Superseded,
            message: format!("superseded by {}", pull.sha.short()),
            comment: None,
        };
        let jobs = facts::jobs_of(config, pull.number, context).await?;
        let jobs = record::unshared(jobs, pull.number, &book);
        apply::stop(config, &plan::outdated(&run.spec, &jobs), &order, context).await?;
    }
    Ok(())
}

/// A push that runs nothing can still show that a head which waits for approval is at a branch or tag now.
async fn look_for_waiting_head(
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
    proof: Proof,
    context: &Context,
) -> Result<(), CommandError> {
    let command = &envelope.body;
    let Intention::RunPush { sha, .. } = &command.intention else { return Ok(()) };
    let own = &config.spec.git.repository;
    if !own.is_same_as(&command.repository) || config.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let book = context.ledgers.open(config, context).await?;
    if book.is_waiting(sha) {
        let facts = facts::read(&command.intention, config, context).await?;
        if let Some(lack) = proof.lack(&facts) {
            log(envelope, Some(config), &lack);
            return Ok(());
        }
        record::record(config, &facts, context).await?;
        log(envelope, Some(config), &format!("looked whether {} is trusted now", sha.short()));
    }
    Ok(())
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
