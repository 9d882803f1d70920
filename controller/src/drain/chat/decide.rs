//! What a comment comes to, given the facts. Pure: the same facts give the same decision, and what was done already is done.

mod approve;
mod select;

use std::collections::BTreeSet;

use tidegate_hosts::client::CommentFacts;
use tidegate_model::{JobName, PullRequestNumber};
use tidegate_resources::{
    Cancel, CancelReason, CommentReference, IntegrationJob, IntegrationJobSpec, JobPhase, Trigger,
    comment_trigger_digest,
};
use tidegate_rules::{
    chatops::{
        self, ChatCommand, Line, MARKER,
        who::{Commenter, Refusal},
    },
    filters,
    trust::Standing,
};

use super::{
    facts::{Configured, Known},
    markdown,
};
use crate::drain::plan::{self, Run, goes_on};

/// What is said of a command that its author may have not written.
pub const EDITED: &str = "not done: the comment was edited. Write a new one";
/// What is said to whoever may not write.
pub const NEEDS_WRITE: &str = "only people with write permission may do that";

/// Whether a comment asks for anything.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// It does: its commands.
    Follow(Vec<Line>),
    /// It doesn't: why.
    Nothing(&'static str),
    /// It is not where the pointer says.
    Refuse(String),
}

/// What is to be done, and what the comment's author is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// In this order.
    pub actions: Vec<Action>,
    /// What a person with write permission asked for by `/test`, to be recorded after the actions.
    pub tested: Vec<Tested>,
    /// One for each command.
    pub answers: Vec<Answer>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An `IntegrationJob` should exist.
    Run {
        /// The config, by its place among the facts.
        config: usize,
        /// What the pull request's code may do, which is recorded first.
        standing: Standing,
        /// What should exist.
        run: Box<Run>,
    },
    /// Runs should stop.
    Stop {
        /// The config, by its place among the facts.
        config: usize,
        /// Their names.
        names: Vec<String>,
        /// Why.
        order: Cancel,
    },
}

/// A `/test` of a person with write permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The config, by its place among the facts.
    pub config: usize,
    /// The jobs; `None` for all.
    pub jobs: Option<BTreeSet<JobName>>,
}

/// What is said of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The command as it was written.
    pub line: String,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is done, or was.
    Done,
    /// It takes words.
    Said(String),
}

/// Reads the commands of a comment as the host shows it now.
pub fn admit(pull_request: PullRequestNumber, comment: &CommentFacts) -> Admission {
    if comment.pull_request != Some(pull_request) {
        return Admission::Refuse(format!("is not on pull request {pull_request}"));
    }
    read(comment)
}

/// Reads the commands of a comment, wherever it is.
pub fn read(comment: &CommentFacts) -> Admission {
    if comment.is_by_bot {
        return Admission::Nothing("was written by a bot");
    }
    if comment.body.contains(MARKER) {
        return Admission::Nothing("holds an answer of Tidegate");
    }
    let plain = markdown::plain_lines(&comment.body);
    let lines = chatops::read(plain.iter().map(String::as_str));
    if lines.is_empty() { Admission::Nothing("holds no command") } else { Admission::Follow(lines) }
}

/// Whether a comment's text may be another than its author wrote. An edit in the second of the writing can't be told from
/// none. Hosts don't show when a review was edited.
pub fn is_edited(comment: &CommentFacts) -> bool {
    comment.kind.is_comment() && comment.updated_at.as_second() > comment.created_at.as_second()
}

/// Decides about every command of a comment. `None` when the comment was followed, and edited since.
pub fn decide(lines: &[Line], known: &Known) -> Option<Decision> {
    let mut deciding = Deciding::new(known);
    let is_edited = is_edited(&known.comment);
    if is_edited && deciding.was_followed() {
        return None;
    }
    let mut verdict = |line: &Line| {
        if is_edited {
            return Verdict::Said(EDITED.to_owned());
        }
        deciding.command(line)
    };
    let answers =
        lines.iter().map(|line| Answer { line: line.text.clone(), verdict: verdict(line) }).collect();
    Some(Decision { actions: deciding.actions(), tested: deciding.tested, answers })
}

/// The decision in the making.
struct Deciding<'a> {
    known: &'a Known,
    configs: Vec<Wanted<'a>>,
    tested: Vec<Tested>,
}

/// What is wanted of one config.
struct Wanted<'a> {
    of: &'a Configured,
    /// What the head may do.
    standing: Standing,
    /// Whether this comment approves the head.
    is_approving: bool,
    /// The jobs to run.
    run: Vec<JobName>,
    /// The runs to stop.
    stop: Vec<String>,
}

impl<'a> Deciding<'a> {
    fn new(known: &'a Known) -> Self {
        let configs = known.configs.iter().map(|of| {
            let is_approving = of.approved.as_ref() == Some(&known.pull_request.head.sha);
            Wanted { of, standing: known.standing(of), is_approving, run: Vec::new(), stop: Vec::new() }
        });
        Self { known, configs: configs.collect(), tested: Vec::new() }
    }

    fn command(&mut self, line: &Line) -> Verdict {
        let command = match &line.outcome {
            Ok(command) => command,
            Err(problem) => return Verdict::Said(format!("{problem}. `/help` shows what there is")),
        };
        if *command == ChatCommand::Help {
            return Verdict::Said(chatops::help());
        }
        if !self.known.pull_request.open && !self.was_followed() {
            return Verdict::Said("the pull request is not open".to_owned());
        }
        let may_run = (0..self.configs.len()).any(|config| self.may_run(config));
        let commenter = Commenter::new(&self.known.commenter, &self.known.head.opener);
        if let Err(refusal) = command.who().judge(commenter, may_run) {
            return Verdict::Said(self.refused(refusal));
        }
        if self.configs.is_empty() {
            return Verdict::Said(format!("nothing can run. {}", self.known.unfit.join(". ")));
        }
        match command {
            ChatCommand::RunJobs { .. } | ChatCommand::RunFailed if !may_run => {
                Verdict::Said(self.refused(Refusal::NeedsApproval))
            }
            ChatCommand::RunJobs { names } => self.run_jobs(names),
            ChatCommand::RunFailed => self.run_failed(),
            ChatCommand::CancelJobs { names } => self.cancel(names),
            ChatCommand::Approve { sha } => self.approve(sha.as_ref()),
            ChatCommand::Help => Verdict::Done,
        }
    }

    /// Whether the head may run under a config.
    fn may_run(&self, config: usize) -> bool {
        self.configs[config].standing.may_run()
    }

    fn refused(&self, refusal: Refusal) -> String {
        let head = &self.known.pull_request.head.sha;
        match refusal {
            Refusal::NeedsWrite => NEEDS_WRITE.to_owned(),
            Refusal::NeedsWriteOrAuthor => {
                "only people with write permission, and the pull request's author, may do that".to_owned()
            }
            Refusal::NeedsApproval => format!(
                "`{head}` is not approved. Somebody with write permission has to look at it, and then say `/ok-to-test {head}`"
            ),
        }
    }

    /// Whether something bears witness that this comment was followed before.
    fn was_followed(&self) -> bool {
        self.has_approved()
            || self.known.configs.iter().flat_map(|of| &of.jobs).any(|job| {
                let stopped_by = job.spec.cancel.as_ref().and_then(|cancel| cancel.comment.as_ref());
                let named = [stopped_by, job.spec.comment.as_ref()];
                named.into_iter().any(|reference| self.known.is_named_by(reference))
            })
    }

    fn reference(&self) -> CommentReference {
        let CommentFacts { id, kind, author, .. } = &self.known.comment;
        CommentReference { id: *id, kind: *kind, author: author.clone() }
    }

    fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (config, wanted) in self.configs.iter().enumerate() {
            if !wanted.stop.is_empty() {
                let order = Cancel {
                    reason: CancelReason::Requested,
                    message: format!("stopped by {}", self.known.comment.author).chars().take(140).collect(),
                    comment: Some(self.reference()),
                };
                actions.push(Action::Stop { config, names: wanted.stop.clone(), order });
            }
            // Patterns were checked when the config was admitted.
            let standing = &wanted.standing;
            let Ok(all) = plan::head_run(&wanted.of.config, &self.known.pull_request, standing) else {
                continue;
            };
            if wanted.is_approving {
                let mut run = Box::new(all.clone());
                run.spec.approved = Some(self.reference());
                actions.push(Action::Run { config, standing: standing.clone(), run });
                actions.extend(self.replaced(config, wanted));
            }
            let done = wanted.of.jobs.iter().find(|job| is_of(job, self.known));
            let spec = match done {
                Some(job) => job.spec.clone(),
                // What was just approved runs every job.
                None if wanted.run.is_empty() || wanted.is_approving => continue,
                None => {
                    let CommentFacts { kind, id, .. } = self.known.comment;
                    let digest = comment_trigger_digest(&plan::uid(&wanted.of.config), kind, id);
                    let spec = IntegrationJobSpec {
                        trigger: Trigger::Comment,
                        comment: Some(self.reference()),
                        jobs: filters::only(&all.spec.jobs, &wanted.run),
                        skipped: Vec::new(),
                        ..all.spec
                    };
                    let run = Run { spec: spec.clone(), digest, may_repeat: false, renewed_at_ms: None };
                    actions.push(Action::Run { config, standing: standing.clone(), run: Box::new(run) });
                    spec
                }
            };
            let names = superseded(&spec, done, wanted);
            if !names.is_empty() {
                let order = Cancel {
                    reason: CancelReason::Superseded,
                    message: format!("superseded by what {} asked for", self.known.comment.author)
                        .chars()
                        .take(140)
                        .collect(),
                    comment: None,
                };
                actions.push(Action::Stop { config, names, order });
            }
        }
        actions
    }
}

/// Whether a run is the one that this comment asked for.
fn is_of(job: &IntegrationJob, known: &Known) -> bool {
    known.is_named_by(job.spec.comment.as_ref())
}

/// The older runs of which nothing is left that the run of this comment doesn't do, and those of another head or base.
fn superseded(spec: &IntegrationJobSpec, done: Option<&IntegrationJob>, wanted: &Wanted<'_>) -> Vec<String> {
    let is_older = |job: &IntegrationJob| done.is_none_or(|done| job.created_at_ms() < done.created_at_ms());
    let older: Vec<IntegrationJob> = wanted.of.jobs.iter().filter(|job| is_older(job)).cloned().collect();
    let mut names = plan::outdated(spec, &older);
    // A run with fewer rights never takes the place of one with more.
    let has_secrets = |spec: &IntegrationJobSpec| spec.pulls.first().is_some_and(|pull| !pull.fork);
    let repeated = older
        .iter()
        .filter(|job| goes_on(job) && !job.spec.jobs.is_empty())
        .filter(|job| has_secrets(spec) || !has_secrets(&job.spec))
        .filter(|job| unfinished(job).all(|name| spec.jobs.iter().any(|new| new.name == *name)));
    names.extend(repeated.map(kube::ResourceExt::name_any));
    names.sort();
    names.dedup();
    names.retain(|name| !wanted.stop.contains(name));
    names
}

/// The jobs of a run that have not ended.
fn unfinished(job: &IntegrationJob) -> impl Iterator<Item = &JobName> {
    job.spec
        .jobs
        .iter()
        .map(|entry| &entry.name)
        .filter(|name| phase_of(job, name).is_none_or(|p| !p.is_final()))
}

fn phase_of(job: &IntegrationJob, name: &JobName) -> Option<JobPhase> {
    let entry = job.status.as_ref()?.jobs.iter().find(|entry| entry.name == *name)?;
    Some(entry.phase)
}

#[cfg(test)]
pub(super) mod tests;
