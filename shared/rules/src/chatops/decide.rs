//! What the commands of one comment come to together. What was done already is done: the same facts give the same decision.

use std::collections::BTreeSet;

use tidegate_model::JobName;

use super::{
    ChatCommand, Line, cancel,
    facts::{ConfigFacts, Facts},
    help, ok_to_test,
    permission::{Commenter, Refusal},
    retest, test,
};
use crate::trust::Standing;

/// The answer to a command that its author may have not written.
pub const EDITED: &str = "not done: the comment was edited. Write a new one";
/// The answer to people who may not write.
pub const NEEDS_WRITE: &str = "only people with write permission may do that";

/// What a comment comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is wanted of each config, in the order of the facts.
    pub configs: Vec<Wanted>,
    /// One for each command.
    pub answers: Vec<Answer>,
}

/// What is wanted of one config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What the head may do, this comment's approval included.
    pub standing: Standing,
    /// Whether this comment approves the head: then every job runs.
    pub is_approving: bool,
    /// The jobs to run.
    pub run: Vec<JobName>,
    /// The names of the runs to cancel.
    pub cancel: Vec<String>,
    /// What people with write permission asked for by `/test`, to be recorded; `None` for all jobs.
    pub tested: Vec<Option<BTreeSet<JobName>>>,
}

/// The answer to one command.
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

/// Decides about every command of a comment. `None` when the comment was followed, and edited since.
pub fn decide(lines: &[Line], facts: &Facts<'_>) -> Option<Decision> {
    let mut deciding = Deciding::new(facts);
    let is_edited = facts.comment.is_edited;
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
    Some(Decision { configs: deciding.wanted, answers })
}

/// The decision in the making.
pub(super) struct Deciding<'a> {
    pub facts: &'a Facts<'a>,
    pub wanted: Vec<Wanted>,
}

impl<'a> Deciding<'a> {
    fn new(facts: &'a Facts<'a>) -> Self {
        let wanted = facts.configs.iter().map(|of| Wanted {
            standing: facts.standing(of),
            is_approving: of.approved == Some(facts.head_sha),
            run: Vec::new(),
            cancel: Vec::new(),
            tested: Vec::new(),
        });
        Self { facts, wanted: wanted.collect() }
    }

    fn command(&mut self, line: &Line) -> Verdict {
        let command = match &line.outcome {
            Ok(command) => command,
            Err(problem) => return Verdict::Said(format!("{problem}. `/help` shows what there is")),
        };
        if *command == ChatCommand::Help {
            return Verdict::Said(help::text());
        }
        if !self.facts.is_open && !self.was_followed() {
            return Verdict::Said("the pull request is not open".to_owned());
        }
        let may_run = self.wanted.iter().any(|wanted| wanted.standing.may_run());
        let commenter = Commenter::new(self.facts.commenter, &self.facts.head.opener);
        if let Err(refusal) = command.who().judge(commenter, may_run) {
            return Verdict::Said(self.refused(refusal));
        }
        if self.wanted.is_empty() {
            return Verdict::Said(format!("nothing can run. {}", self.facts.unfit.join(". ")));
        }
        match command {
            ChatCommand::RunJobs { .. } | ChatCommand::RunFailed if !may_run => {
                Verdict::Said(self.refused(Refusal::NeedsApproval))
            }
            ChatCommand::RunJobs { names } => test::mean(self, names),
            ChatCommand::RunFailed => retest::mean(self),
            ChatCommand::CancelJobs { names } => cancel::mean(self, names),
            ChatCommand::Approve { sha } => ok_to_test::mean(self, sha.as_ref()),
            ChatCommand::Help => Verdict::Done,
        }
    }

    /// The configs with what is wanted of them.
    pub fn configs(&mut self) -> impl Iterator<Item = (&'a ConfigFacts<'a>, &mut Wanted)> {
        self.facts.configs.iter().zip(&mut self.wanted)
    }

    pub fn refused(&self, refusal: Refusal) -> String {
        let head = self.facts.head_sha;
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

    /// Whether a run or a ledger shows that this comment was followed before.
    fn was_followed(&self) -> bool {
        self.has_approved()
            || self
                .facts
                .configs
                .iter()
                .flat_map(|of| &of.runs)
                .any(|run| self.facts.comment.is(run.cancelled_by) || self.facts.comment.is(run.asked_by))
    }

    /// Whether a ledger remembers that this comment approved a head, be it the present one or another.
    pub fn has_approved(&self) -> bool {
        self.facts.configs.iter().any(|of| of.approved.is_some())
    }

    /// Done when nothing is missing. Else why, name by name; for a job that no config has, the answer lists the jobs there are.
    pub fn explain<'n>(
        &self,
        missing: impl Iterator<Item = &'n JobName>,
        reason: impl Fn(&JobName) -> Option<String>,
    ) -> Verdict {
        let mut reasons = Vec::new();
        let mut is_unknown = false;
        for name in missing {
            reasons.push(reason(name).unwrap_or_else(|| {
                if self.facts.configs.iter().flat_map(|of| of.post_submit).any(|job| job.name == *name) {
                    return format!("`{name}` runs after pushes only");
                }
                is_unknown = true;
                format!("there is no job `{name}`")
            }));
        }
        if is_unknown {
            let known: BTreeSet<String> = self.pre_submit().map(|name| format!("`{name}`")).collect();
            let known: Vec<String> = known.into_iter().collect();
            reasons.push(format!("the jobs are {}", known.join(", ")));
        }
        if reasons.is_empty() { Verdict::Done } else { Verdict::Said(reasons.join("; ")) }
    }

    /// The jobs for pull requests of all configs.
    pub fn pre_submit(&self) -> impl Iterator<Item = &JobName> {
        self.facts.configs.iter().flat_map(|of| of.pre_submit).map(|job| &job.name)
    }
}
