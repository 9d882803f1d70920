//! What a command comes to, given the facts. Pure: the same facts give the same plan.

use kube::ResourceExt;
use tidegate_hosts::client::PullRequestFacts;
use tidegate_model::{Command, CommitSha, GitRef, Intention, JobSpec, PullRequestNumber};
use tidegate_resources::{
    Base, Cancel, CancelReason, ConfigReference, IntegrationConfig, IntegrationConfigSpec, IntegrationJob,
    IntegrationJobSpec, Pull, SkippedJob, Trigger, pull_request_trigger_digest, push_trigger_digest,
    skipped_trigger_digest,
};
use tidegate_rules::{
    filters::{self, PatternError},
    ledger, skip,
    trust::{Proof, Rights, Standing},
};

use super::facts::{Facts, Place};
use crate::config::{conflict::conflict, validate};

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
    /// What waits for a slot for a branch or tag that was deleted should not run.
    Forget {
        /// The branch or tag.
        reference: GitRef,
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
    /// Whether the branch or tag points to this commit now, so that it is built again if another was built in between.
    pub may_repeat: bool,
    /// When the branch or tag was seen to come to this commit again, in milliseconds since 1970: an older run of it was made for
    /// another push.
    pub renewed_at_ms: Option<i64>,
}

/// Plans a command for one config. `earlier` is what its ledger remembers about a pull request's head.
pub fn plan(command: &Command, config: &IntegrationConfig, facts: &Facts, earlier: Option<&Proof>) -> Plan {
    let needs_config =
        matches!(command.intention, Intention::RunPullRequest { .. } | Intention::RunPush { .. });
    if let Some(reason) = unfit(config).filter(|_| needs_config) {
        return Plan::Nothing(format!("nothing runs before the config can be followed: {reason}"));
    }
    match (&command.intention, facts) {
        (Intention::RunPullRequest { .. }, Facts::PullRequest { pull_request, .. }) if !pull_request.open => {
            Plan::Nothing(format!("pull request {} is not open", pull_request.number))
        }
        (Intention::RunPullRequest { .. }, Facts::PullRequest { pull_request, head }) => {
            match run_pull_request(config, pull_request, &head.standing(earlier, None)) {
                Ok(run) => Plan::Run(Box::new(run)),
                Err(error) => Plan::Nothing(format!("the config is not valid: {error}")),
            }
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
        (Intention::RunPush { .. }, Facts::Push { reference, sha, place: Some(place) }) => {
            run_push(config, reference, sha, *place)
        }
        (Intention::RunPush { reference, sha }, Facts::Push { place: None, .. }) => {
            Plan::Nothing(format!("{} is not on {reference} (any more)", sha.short()))
        }
        (Intention::RecordRef { .. }, Facts::Ref { reference, shown: None, target: None }) => {
            forget(reference)
        }
        (Intention::RecordRef { .. }, Facts::Ref { reference, shown, target }) => {
            Plan::Nothing(if shown == target {
                format!("{reference} is recorded, and runs nothing")
            } else {
                format!("{reference} is elsewhere by now: nothing is recorded")
            })
        }
        (_, Facts::NoPullRequest(number)) => Plan::Refuse(format!("there is no pull request {number}")),
        (
            Intention::RunPullRequest { .. } | Intention::Cancel { .. },
            Facts::Push { .. } | Facts::Ref { .. },
        )
        | (Intention::RunPush { .. }, Facts::PullRequest { .. } | Facts::Ref { .. })
        | (Intention::RecordRef { .. }, Facts::PullRequest { .. } | Facts::Push { .. })
        | (_, Facts::CommitComment)
        | (Intention::FollowComment { .. } | Intention::FollowCommitComment { .. }, _) => {
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
    if let Some(reason) = unfit(config) {
        return match &command.intention {
            Intention::FollowComment { .. } | Intention::FollowCommitComment { .. } => {
                Err(Plan::Nothing(reason))
            }
            // What they say is recorded.
            Intention::RunPullRequest { .. }
            | Intention::RunPush { .. }
            | Intention::RecordRef { .. }
            | Intention::Cancel { .. } => Ok(()),
        };
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
        Intention::RunPullRequest { .. }
        | Intention::RecordRef { .. }
        | Intention::Cancel { .. }
        | Intention::FollowComment { .. }
        | Intention::FollowCommitComment { .. } => Ok(()),
    }
}

/// Why nothing can run under a config, whatever the command.
pub fn unfit(config: &IntegrationConfig) -> Option<String> {
    if let Err(invalid) = validate::spec(&config.spec) {
        return Some(format!("the config is not valid: {invalid}"));
    }
    conflict(config).map(|conflict| conflict.message.clone())
}

fn cancel(pull_request: PullRequestNumber, message: &str) -> Plan {
    let order =
        Cancel { reason: CancelReason::PullRequestClosed, message: message.to_owned(), comment: None };
    Plan::Cancel { pull_request, order }
}

fn forget(reference: &GitRef) -> Plan {
    let (kind, name) = match reference {
        GitRef::Branch(name) => ("branch", name),
        GitRef::Tag(name) => ("tag", name),
    };
    let message = format!("{kind} {name} was deleted").chars().take(140).collect();
    let order = Cancel { reason: CancelReason::RefDeleted, message, comment: None };
    Plan::Forget { reference: reference.clone(), order }
}

/// The run of a pull request's head. What its author leaves out by the title waits for a comment; a head that somebody has to
/// approve first is no less looked at for its title.
fn run_pull_request(
    config: &IntegrationConfig,
    pull_request: &PullRequestFacts,
    standing: &Standing,
) -> Result<Run, PatternError> {
    let mut run = head_run(config, pull_request, standing)?;
    if !run.spec.awaits_approval
        && let Some(mark) = skip::mark(&pull_request.title)
    {
        let reason = format!("{mark} in the title");
        let left_out = std::mem::take(&mut run.spec.jobs).into_iter();
        run.spec.skipped.extend(left_out.map(|job| SkippedJob {
            name: job.name,
            reason: reason.clone(),
            undecided: true,
        }));
        run.digest = skipped_trigger_digest(
            &uid(config),
            pull_request.number,
            &pull_request.base,
            &pull_request.head.sha,
        );
    }
    Ok(run)
}

/// The run of every job that applies to a pull request's head.
pub fn head_run(
    config: &IntegrationConfig,
    pull_request: &PullRequestFacts,
    standing: &Standing,
) -> Result<Run, PatternError> {
    let head = &pull_request.head;
    let pull = Pull {
        number: pull_request.number,
        sha: head.sha.clone(),
        author: pull_request.author.clone(),
        fork: standing.rights == Rights::WithoutSecrets,
    };
    let base = Base { reference: GitRef::Branch(pull_request.base.clone()), sha: None };
    let rights = if standing.may_run() {
        standing.rights.as_str().to_owned()
    } else {
        // What nobody has approved is not shared.
        format!("after approval of {}", pull_request.number)
    };
    let digest = pull_request_trigger_digest(&uid(config), &pull_request.base, &head.sha, &rights);
    let spec = IntegrationJobSpec {
        pulls: vec![pull],
        awaits_approval: !standing.may_run(),
        ..spec_of(config, Trigger::PullRequest, base)
    };
    select(Run { spec, digest, may_repeat: false, renewed_at_ms: None }, &config.spec.jobs.pre_submit)
}

fn run_push(config: &IntegrationConfig, reference: &GitRef, sha: &CommitSha, place: Place) -> Plan {
    let base = Base { reference: reference.clone(), sha: Some(sha.clone()) };
    let run = Run {
        digest: push_trigger_digest(&uid(config), reference, sha),
        spec: spec_of(config, Trigger::Push, base),
        may_repeat: place == Place::Head,
        renewed_at_ms: None,
    };
    match select(run, &config.spec.jobs.post_submit) {
        Ok(run) => Plan::Run(Box::new(run)),
        Err(error) => Plan::Nothing(format!("the config is not valid: {error}")),
    }
}

fn select(mut run: Run, jobs: &[JobSpec]) -> Result<Run, PatternError> {
    let selection = filters::select(jobs, &run.spec.base.reference)?;
    run.spec.jobs = selection.run;
    let skipped = selection.skipped.into_iter().map(|(name, reason)| SkippedJob {
        name,
        reason: reason.chars().take(140).collect(),
        undecided: false,
    });
    run.spec.skipped = skipped.collect();
    Ok(run)
}

/// What the ledger is to remember of a pull request, and why its head is trusted.
pub fn seen(pull_request: &PullRequestFacts, standing: &Standing) -> (ledger::PullRequest, Option<Proof>) {
    let state = match (pull_request.open, pull_request.merged) {
        (true, _) => ledger::PullRequestState::Open,
        (false, true) => ledger::PullRequestState::Merged,
        (false, false) => ledger::PullRequestState::Closed,
    };
    let seen = ledger::PullRequest {
        state,
        head: pull_request.head.sha.clone(),
        base: pull_request.base.clone(),
        mark: skip::mark(&pull_request.title).map(|mark| format!("{mark} in the title")),
        is_draft: pull_request.draft,
        rights: standing.rights,
        labels: None,
    };
    (seen, standing.trust.proof().cloned())
}

/// Whether a run goes on, or waits, and nobody has told it to stop.
pub fn goes_on(job: &IntegrationJob) -> bool {
    job.spec.cancel.is_none() && !job.status.as_ref().is_some_and(|status| status.phase.is_final())
}

/// The runs of a pull request that go on though their head or base is not the present one, or that wait for the approval of a
/// head that is trusted now.
pub fn outdated(spec: &IntegrationJobSpec, jobs: &[IntegrationJob]) -> Vec<String> {
    let commit = |spec: &IntegrationJobSpec| spec.pulls.first().map(|pull| pull.sha.clone());
    let is_other = |job: &&IntegrationJob| {
        commit(&job.spec) != commit(spec)
            || job.spec.base.reference != spec.base.reference
            || (job.spec.awaits_approval && !spec.awaits_approval)
    };
    jobs.iter().filter(|job| goes_on(job)).filter(is_other).map(ResourceExt::name_any).collect()
}

/// The spec of a run that holds nothing yet.
pub fn spec_of(config: &IntegrationConfig, trigger: Trigger, base: Base) -> IntegrationJobSpec {
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
        approved: None,
        comment: None,
        cancel: None,
    }
}

/// The config's uid, part of every identity.
pub fn uid(config: &IntegrationConfig) -> String {
    config.uid().unwrap_or_default()
}

#[cfg(test)]
mod tests;
