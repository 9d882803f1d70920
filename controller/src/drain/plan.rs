//! What a command comes to, given the facts. Pure: the same facts give the same plan.

use kube::ResourceExt;
use tidegate_hosts::client::PullRequestFacts;
use tidegate_model::{Command, CommitSha, GitRef, Intention, JobSpec, Permission, PullRequestNumber};
use tidegate_resources::{
    Base, Cancel, CancelReason, ConditionStatus, ConfigReference, IntegrationConfig, IntegrationConfigSpec,
    IntegrationJobSpec, Pull, SkippedJob, Trigger, pull_request_trigger_digest, push_trigger_digest,
};
use tidegate_rules::{
    filters,
    trust::{self, Trust},
};

use super::facts::Facts;
use crate::config::validate;

/// What a command comes to for one config.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// An `IntegrationJob` should exist, and older ones of the same pull request should stop.
    Run(Box<Run>),
    /// What runs for a pull request should stop.
    Cancel {
        /// The pull request.
        pull_request: PullRequestNumber,
        /// The order, with its reason.
        order: Cancel,
    },
    /// Nothing: the world has moved on, or nothing is configured.
    Nothing(String),
    /// The command claims something that isn't so.
    Refuse(String),
}

/// An `IntegrationJob` that should exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What it runs.
    pub spec: IntegrationJobSpec,
    /// The identity of its trigger.
    pub digest: String,
}

/// Plans a command for one config.
pub fn plan(command: &Command, config: &IntegrationConfig, facts: &Facts) -> Plan {
    match (&command.intention, facts) {
        (Intention::RunPullRequest { .. }, Facts::PullRequest { pull_request, .. }) if !pull_request.open => {
            Plan::Nothing(format!("pull request {} is not open", pull_request.number))
        }
        (Intention::RunPullRequest { .. }, Facts::PullRequest { pull_request, author }) => {
            run_pull_request(config, pull_request, *author)
        }
        (Intention::Cancel { .. }, Facts::PullRequest { pull_request, .. }) if pull_request.open => {
            Plan::Nothing(format!("pull request {} is open", pull_request.number))
        }
        (Intention::Cancel { pull_request: number }, Facts::PullRequest { pull_request, .. }) => {
            let how = if pull_request.merged { "merged" } else { "closed" };
            cancel(*number, &format!("pull request {number} was {how}"))
        }
        (Intention::Cancel { pull_request: number }, Facts::NoPullRequest(_)) => {
            cancel(*number, &format!("pull request {number} does not exist any more"))
        }
        (Intention::RunPush { .. }, Facts::Push { reference, sha, reachable: true }) => {
            run_push(config, reference, sha)
        }
        (Intention::RunPush { reference, sha }, Facts::Push { reachable: false, .. }) => {
            Plan::Nothing(format!("{} is not on {reference} (any more)", sha.short()))
        }
        (_, Facts::NoPullRequest(number)) => Plan::Refuse(format!("there is no pull request {number}")),
        (Intention::RunPullRequest { .. } | Intention::Cancel { .. }, Facts::Push { .. })
        | (Intention::RunPush { .. }, Facts::PullRequest { .. }) => {
            Plan::Refuse("the facts are of another kind than the command".to_owned())
        }
    }
}

/// Whether a config has anything to do with a command, as far as that is known without asking the host.
pub fn admit(command: &Command, config: &IntegrationConfig) -> Result<(), Plan> {
    let own = &config.spec.git.repository;
    if !own.is_same_as(&command.repository) {
        return Err(Plan::Refuse(format!("the config is for {own}, not for {}", command.repository)));
    }
    if config.metadata.deletion_timestamp.is_some() {
        return Err(Plan::Nothing("the config is being deleted".to_owned()));
    }
    if let Err(invalid) = validate::spec(&config.spec) {
        return Err(Plan::Nothing(format!("the config is not valid: {invalid}")));
    }
    let conditions = config.status.iter().flat_map(|status| &status.conditions);
    let mut conflicts = conditions.filter(|c| {
        c.type_ == "Ready" && c.status == ConditionStatus::False && c.reason == "ContextConflict"
    });
    if let Some(conflict) = conflicts.next() {
        return Err(Plan::Nothing(conflict.message.clone()));
    }
    // Known without asking the host: most pushes run nothing.
    match &command.intention {
        Intention::RunPullRequest { .. } if config.spec.jobs.pre_submit.is_empty() => {
            Err(Plan::Nothing("the config has no preSubmit jobs".to_owned()))
        }
        Intention::RunPush { reference, .. } => {
            match filters::select(&config.spec.jobs.post_submit, reference) {
                Ok(selection) if selection.run.is_empty() => {
                    Err(Plan::Nothing(format!("no postSubmit job runs for {reference}")))
                }
                Ok(_) => Ok(()),
                Err(error) => Err(Plan::Nothing(format!("the config is not valid: {error}"))),
            }
        }
        Intention::RunPullRequest { .. } | Intention::Cancel { .. } => Ok(()),
    }
}

fn cancel(pull_request: PullRequestNumber, message: &str) -> Plan {
    let order = Cancel { reason: CancelReason::PullRequestClosed, message: message.to_owned() };
    Plan::Cancel { pull_request, order }
}

fn run_pull_request(config: &IntegrationConfig, pull_request: &PullRequestFacts, author: Permission) -> Plan {
    let reference = GitRef::Branch(pull_request.base.clone());
    let head = &pull_request.head;
    let own = &config.spec.git.repository;
    let pull = Pull {
        number: pull_request.number,
        sha: head.sha.clone(),
        author: pull_request.author.clone(),
        fork: !head.repository.as_ref().is_some_and(|repository| repository.is_same_as(own)),
    };
    let digest = pull_request_trigger_digest(
        &uid(config),
        pull_request.number,
        &pull_request.base,
        &pull_request.head.sha,
    );
    let run = Run {
        digest,
        spec: IntegrationJobSpec {
            pulls: vec![pull],
            awaits_approval: trust::judge(author) == Trust::AwaitingApproval,
            ..spec_of(config, Trigger::PullRequest, Base { reference, sha: None })
        },
    };
    select(run, &config.spec.jobs.pre_submit)
}

fn run_push(config: &IntegrationConfig, reference: &GitRef, sha: &CommitSha) -> Plan {
    let base = Base { reference: reference.clone(), sha: Some(sha.clone()) };
    let run = Run {
        digest: push_trigger_digest(&uid(config), reference, sha),
        spec: spec_of(config, Trigger::Push, base),
    };
    select(run, &config.spec.jobs.post_submit)
}

fn select(mut run: Run, jobs: &[JobSpec]) -> Plan {
    match filters::select(jobs, &run.spec.base.reference) {
        Err(error) => Plan::Nothing(format!("the config is not valid: {error}")),
        Ok(selection) => {
            run.spec.jobs = selection.run;
            run.spec.skipped = selection
                .skipped
                .into_iter()
                .map(|(name, reason)| SkippedJob { name, reason: reason.chars().take(140).collect() })
                .collect();
            Plan::Run(Box::new(run))
        }
    }
}

fn spec_of(config: &IntegrationConfig, trigger: Trigger, base: Base) -> IntegrationJobSpec {
    IntegrationJobSpec {
        config: ConfigReference { name: config.name_any(), uid: uid(config) },
        host: config.spec.git.type_,
        repository: config.spec.git.repository.clone(),
        trigger,
        base,
        pulls: Vec::new(),
        jobs: Vec::new(),
        skipped: Vec::new(),
        timeout: config.spec.timeout.unwrap_or(IntegrationConfigSpec::DEFAULT_TIMEOUT),
        awaits_approval: false,
        cancel: None,
    }
}

fn uid(config: &IntegrationConfig) -> String {
    config.uid().unwrap_or_default()
}

#[cfg(test)]
mod tests;
