//! The actions that follow from a comment's commands. Pure.

use std::collections::BTreeSet;

use kube::ResourceExt;
use tidegate_hosts::client::{CommentFacts, StatusFacts};
use tidegate_model::{GitRef, JobName};
use tidegate_resources::{
    Cancel, CancelReason, CommentReference, IntegrationJob, IntegrationJobSpec, JobPhase, Trigger,
    comment_trigger_digest,
};
use tidegate_rules::{
    chatops::{
        Decision, Line, LineVerdict, Wanted,
        facts::{Comment, CommentKey, ConfigFacts, Facts, JobState, RunFacts},
    },
    filters, status,
    trust::Standing,
};

use super::{
    admit::is_edited,
    facts::{Configured, Known},
};
use crate::{
    runs::{
        action::{Action, Run, order},
        existing::{is_active, outdated},
    },
    trigger::pull_request::head_run,
};

/// The actions, and the answers to the comment's author.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One for each config, in the order of the facts.
    pub configs: Vec<ConfigPlan>,
    /// One for each command.
    pub answers: Vec<LineVerdict>,
}

/// The actions under one config.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigPlan {
    /// What the pull request's code may do. It is recorded before anything runs.
    pub standing: Standing,
    /// In this order.
    pub actions: Vec<Action>,
    /// The jobs that a writer requested by `/test`, to be recorded after the actions; `None` for all jobs.
    pub tested: Vec<Option<BTreeSet<JobName>>>,
}

impl ConfigPlan {
    /// Whether an action creates a run.
    pub fn runs_something(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Ensure(_) | Action::EnsureJobs(_)))
    }
}

/// Decides about every command of a comment. `None` if the comment was carried out, and edited since.
pub fn plan(lines: &[Line], known: &Known) -> Option<Plan> {
    let facts = Facts {
        comment: comment(&known.comment),
        is_open: known.pull_request.open,
        head_sha: &known.pull_request.head.sha,
        base: &known.pull_request.base,
        commenter: &known.commenter,
        head: &known.head,
        configs: known.configs.iter().map(|of| config_facts(of, known)).collect(),
        unfit: &known.unfit,
    };
    let Decision { configs, answers } = tidegate_rules::chatops::decide(lines, &facts)?;
    let configs = known.configs.iter().zip(configs).map(|(of, wanted)| config_plan(of, wanted, known));
    Some(Plan { configs: configs.collect(), answers })
}

fn comment(comment: &CommentFacts) -> Comment<'_> {
    Comment {
        id: comment.id,
        kind: comment.kind,
        author: &comment.author,
        reviewed: comment.reviewed.as_ref(),
        is_edited: is_edited(comment),
    }
}

fn config_facts<'a>(of: &'a Configured, known: &'a Known) -> ConfigFacts<'a> {
    let context = status::Context::Config.name(&of.config.name_any());
    let is_of_config =
        |shown: &&StatusFacts| shown.context == context && shown.description == status::WAITS_FOR_APPROVAL;
    let shown_at = known.shown.iter().filter(is_of_config).map(|status| status.created_at).max();
    ConfigFacts {
        pre_submit: &of.config.spec.jobs.pre_submit,
        post_submit: &of.config.spec.jobs.post_submit,
        runs: of.runs.iter().map(|run| run_facts(run, Some(known))).collect(),
        is_shared: of.is_shared,
        earlier: of.earlier.as_ref(),
        approved: of.approved.as_ref(),
        was_shown_waiting: shown_at.is_some_and(|at| at < known.comment.created_at),
    }
}

/// The facts of a run. `known` is the pull request that it may belong to.
pub fn run_facts<'a>(run: &'a IntegrationJob, known: Option<&Known>) -> RunFacts<'a> {
    let is_present = known.is_none_or(|known| {
        let shown = &known.pull_request;
        run.spec.base.reference == GitRef::Branch(shown.base.clone())
            && run.spec.pulls.first().is_some_and(|pull| pull.sha == shown.head.sha)
    });
    let key = |reference: &CommentReference| -> CommentKey { (reference.kind, reference.id) };
    RunFacts {
        name: run.name_any(),
        created_at_ms: run.created_at_ms(),
        is_active: is_active(run),
        is_present,
        jobs: run.spec.jobs.iter().map(|job| (&job.name, state(run, &job.name))).collect(),
        asked_by: run.spec.trigger.comment().map(key),
        cancelled_by: run.spec.cancel.as_ref().and_then(|cancel| cancel.comment.as_ref()).map(key),
    }
}

fn state(run: &IntegrationJob, name: &JobName) -> JobState {
    let entry = run.status.iter().flat_map(|status| &status.jobs).find(|entry| entry.name == *name);
    match entry.map(|entry| entry.phase) {
        Some(JobPhase::Succeeded) => JobState::Succeeded,
        Some(JobPhase::Pending | JobPhase::Running) => JobState::Active,
        None if is_active(run) => JobState::Active,
        Some(JobPhase::Failed | JobPhase::NotRun | JobPhase::Cancelled | JobPhase::Error) | None => {
            JobState::Failed
        }
    }
}

/// The runs that a new run replaces are cancelled before it is created: see `runs`.
fn config_plan(of: &Configured, wanted: Wanted, known: &Known) -> ConfigPlan {
    let author = &known.comment.author;
    let mut actions = Vec::new();
    if !wanted.cancel.is_empty() {
        let order = order(CancelReason::Requested, &format!("stopped by {author}"));
        let order = Cancel { comment: Some(reference(&known.comment)), ..order };
        actions.push(Action::Cancel { runs: wanted.cancel.clone(), order });
    }
    // Patterns were checked when the config was read.
    if let Ok(all) = head_run(&of.config, &known.pull_request, &wanted.standing) {
        if wanted.is_approving {
            let message = format!("superseded by the run that {author} approved");
            actions.extend(supersede(waiting(&of.runs), &message));
            let mut run = Box::new(all.clone());
            run.spec.approved = Some(reference(&known.comment));
            actions.push(Action::Ensure(run));
        }
        actions.extend(asked_for(all, of, &wanted, known));
    }
    let Wanted { standing, tested, .. } = wanted;
    ConfigPlan { standing, actions, tested }
}

/// The run of the jobs that the comment requests, and the runs that it replaces.
fn asked_for(all: Run, of: &Configured, wanted: &Wanted, known: &Known) -> Vec<Action> {
    let is_of_comment = |run: &&IntegrationJob| known.is_named_by(run.spec.trigger.comment());
    let done = of.runs.iter().find(is_of_comment);
    let (spec, run) = match done {
        Some(done) => (done.spec.clone(), None),
        // An approved head runs every job.
        None if wanted.run.is_empty() || wanted.is_approving => return Vec::new(),
        None => {
            let CommentFacts { kind, id, .. } = known.comment;
            let spec = IntegrationJobSpec {
                trigger: Trigger::Comment { comment: reference(&known.comment) },
                jobs: filters::only(&all.spec.jobs, &wanted.run),
                skipped: Vec::new(),
                ..all.spec
            };
            let digest = comment_trigger_digest(&of.config.identity(), kind, id);
            (spec.clone(), Some(Action::Ensure(Box::new(Run::once(spec, digest)))))
        }
    };
    let replaced = superseded(&spec, done, of, wanted);
    let message = format!("superseded by what {} asked for", known.comment.author);
    supersede(replaced, &message).into_iter().chain(run).collect()
}

fn supersede(runs: Vec<String>, message: &str) -> Option<Action> {
    let order = order(CancelReason::Superseded, message);
    (!runs.is_empty()).then_some(Action::Cancel { runs, order })
}

/// The runs that wait for an approval: the approved head gets a run of its own.
fn waiting(runs: &[IntegrationJob]) -> Vec<String> {
    let waiting = runs.iter().filter(|run| is_active(run) && run.spec.awaits_approval);
    waiting.map(ResourceExt::name_any).collect()
}

/// The older runs whose unfinished jobs are all in the run of this comment, and those of another head or base.
fn superseded(
    spec: &IntegrationJobSpec,
    done: Option<&IntegrationJob>,
    of: &Configured,
    wanted: &Wanted,
) -> Vec<String> {
    let is_older = |run: &IntegrationJob| done.is_none_or(|done| run.created_at_ms() < done.created_at_ms());
    let older: Vec<IntegrationJob> = of.runs.iter().filter(|run| is_older(run)).cloned().collect();
    let mut names = outdated(spec, &older);
    // A run with fewer rights never replaces one with more.
    let has_secrets = |spec: &IntegrationJobSpec| spec.pulls.first().is_some_and(|pull| !pull.fork);
    let is_repeated = |run: &&IntegrationJob| {
        run_facts(run, None).unfinished().all(|name| spec.jobs.iter().any(|job| job.name == *name))
    };
    let repeated = older
        .iter()
        .filter(|run| is_active(run) && !run.spec.jobs.is_empty())
        .filter(|run| has_secrets(spec) || !has_secrets(&run.spec))
        .filter(is_repeated);
    names.extend(repeated.map(ResourceExt::name_any));
    names.sort();
    names.dedup();
    names.retain(|name| !wanted.cancel.contains(name));
    names
}

fn reference(comment: &CommentFacts) -> CommentReference {
    CommentReference { id: comment.id, kind: comment.kind, author: comment.author.clone() }
}

#[cfg(test)]
pub(super) mod tests;
