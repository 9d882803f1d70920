//! What a comment comes to, given the facts. Pure: the same facts give the same decision, and what was done already is done.

mod approve;
mod select;

pub use approve::waiting;

use tidegate_hosts::client::CommentFacts;
use tidegate_model::{ChatCommand, JobName};
use tidegate_resources::{
    Cancel, CancelReason, CommentReference, IntegrationJob, IntegrationJobSpec, JobPhase, Trigger,
    comment_trigger_digest,
};
use tidegate_rules::{
    chatops::{
        self, Line,
        who::{Commenter, Refusal},
    },
    filters,
};

use super::{
    Hint,
    facts::{Configured, Known},
};
use crate::drain::plan::{self, Run, approval_of, goes_on};

/// Whether a comment is what a command claims.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// It is: the comment, and its commands.
    Follow(CommentFacts, Vec<Line>),
    /// It asks for nothing any more.
    Nothing(String),
    /// It never did.
    Refuse(String),
}

/// What is to be done, and what the comment's author is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// In this order.
    pub actions: Vec<Action>,
    /// One for each command.
    pub answers: Vec<Answer>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An `IntegrationJob` should exist, approved if it says so.
    Run {
        /// The config, by its place among the facts.
        config: usize,
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

/// Compares what a command claims of a comment with the comment.
pub fn admit(hint: Hint<'_>, comment: Option<CommentFacts>) -> Admission {
    let Some(comment) = comment else {
        return Admission::Nothing(format!("comment {} does not exist (any more)", hint.comment));
    };
    if comment.pull_request != Some(hint.pull_request) {
        return Admission::Refuse(format!(
            "comment {} is not on pull request {}",
            hint.comment, hint.pull_request
        ));
    }
    if comment.is_by_bot {
        return Admission::Nothing(format!("comment {} was written by a bot", hint.comment));
    }
    let lines = chatops::read(&comment.body);
    if lines.iter().map(Line::command).eq(hint.commands.iter().cloned()) {
        Admission::Follow(comment, lines)
    } else if comment.updated_at == comment.created_at {
        Admission::Refuse(format!("comment {} does not say this", hint.comment))
    } else {
        Admission::Nothing(format!("comment {} was edited", hint.comment))
    }
}

/// Decides about every command of a comment.
pub fn decide(lines: &[Line], known: &Known) -> Decision {
    let mut deciding = Deciding::new(known);
    let answers = lines
        .iter()
        .map(|line| Answer { line: line.text.clone(), verdict: deciding.command(line) })
        .collect();
    Decision { actions: deciding.actions(), answers }
}

/// The decision in the making.
struct Deciding<'a> {
    known: &'a Known,
    configs: Vec<Wanted<'a>>,
}

/// What is wanted of one config.
struct Wanted<'a> {
    of: &'a Configured,
    /// The comment that approved the head.
    approved: Option<CommentReference>,
    /// Whether this comment did.
    is_approving: bool,
    /// The jobs to run.
    run: Vec<JobName>,
    /// The runs to stop.
    stop: Vec<String>,
}

impl<'a> Deciding<'a> {
    fn new(known: &'a Known) -> Self {
        let configs = known.configs.iter().map(|of| {
            let approved = approval_of(&known.pull_request.head.sha, &of.jobs);
            let is_approving = approved.as_ref().is_some_and(|approved| approved.id == known.comment.id);
            Wanted { of, approved, is_approving, run: Vec::new(), stop: Vec::new() }
        });
        Self { known, configs: configs.collect() }
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
        let is_author = self.known.comment.author == self.known.pull_request.author;
        let commenter = Commenter { permission: self.known.commenter, is_author };
        if let Err(refusal) = chatops::who(command).judge(commenter, may_run) {
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
            ChatCommand::Help | ChatCommand::Unreadable => Verdict::Done,
        }
    }

    /// Whether the head may run under a config.
    fn may_run(&self, config: usize) -> bool {
        self.known.author.can_write() || self.configs[config].approved.is_some()
    }

    fn refused(&self, refusal: Refusal) -> String {
        let head = &self.known.pull_request.head.sha;
        match refusal {
            Refusal::NeedsWrite => "only people with write permission may do that".to_owned(),
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
        let ours = Some(self.known.comment.id);
        let id = |reference: &Option<CommentReference>| reference.as_ref().map(|reference| reference.id);
        self.known.configs.iter().flat_map(|of| &of.jobs).any(|job| {
            let stopped_by = job.spec.cancel.as_ref().and_then(|cancel| id(&cancel.comment));
            ours == stopped_by || ours == id(&job.spec.comment) || ours == id(&job.spec.approved)
        })
    }

    fn reference(&self) -> CommentReference {
        CommentReference { id: self.known.comment.id, author: self.known.comment.author.clone() }
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
            let Known { pull_request, author, .. } = self.known;
            // Patterns were checked when the config was admitted.
            let Ok(all) = plan::head_run(&wanted.of.config, pull_request, *author, wanted.approved.clone())
            else {
                continue;
            };
            if wanted.is_approving {
                actions.push(Action::Run { config, run: Box::new(all.clone()) });
            }
            let done = wanted.of.jobs.iter().find(|job| is_of(job, self.known));
            let spec = match done {
                Some(job) => job.spec.clone(),
                // What was just approved runs every job.
                None if wanted.run.is_empty() || wanted.is_approving => continue,
                None => {
                    let digest = comment_trigger_digest(&plan::uid(&wanted.of.config), self.known.comment.id);
                    let spec = IntegrationJobSpec {
                        trigger: Trigger::Comment,
                        comment: Some(self.reference()),
                        jobs: filters::only(&all.spec.jobs, &wanted.run),
                        skipped: Vec::new(),
                        ..all.spec
                    };
                    actions.push(Action::Run {
                        config,
                        run: Box::new(Run { spec: spec.clone(), digest, may_repeat: false }),
                    });
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
    job.spec.comment.as_ref().is_some_and(|comment| comment.id == known.comment.id)
}

/// The older runs of which nothing is left that the run of this comment doesn't do, and those of another head or base.
fn superseded(spec: &IntegrationJobSpec, done: Option<&IntegrationJob>, wanted: &Wanted<'_>) -> Vec<String> {
    let is_older = |job: &IntegrationJob| done.is_none_or(|done| job.created_at_ms() < done.created_at_ms());
    let older: Vec<IntegrationJob> = wanted.of.jobs.iter().filter(|job| is_older(job)).cloned().collect();
    let mut names = plan::outdated(spec, &older);
    let repeated = older
        .iter()
        .filter(|job| goes_on(job) && !job.spec.jobs.is_empty())
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
