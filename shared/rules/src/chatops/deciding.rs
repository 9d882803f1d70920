//! The decision about a comment in the making.

use std::collections::BTreeSet;

use tidegate_model::JobName;

use super::{
    facts::{ConfigFacts, Facts},
    permission::PermissionDenied,
};
use crate::trust::Standing;

/// The answer to a command that its author may have not written.
pub const EDITED: &str = "not done: the comment was edited. Write a new one";
/// The answer to people who may not write.
pub const NEEDS_WRITE: &str = "only people with write permission may do that";

/// The result of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is wanted of each config, in the order of the facts.
    pub configs: Vec<Wanted>,
    /// One for each command.
    pub answers: Vec<LineVerdict>,
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
pub struct LineVerdict {
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

/// The decision in the making.
pub(super) struct Deciding<'a> {
    pub facts: &'a Facts<'a>,
    pub wanted: Vec<Wanted>,
}

impl<'a> Deciding<'a> {
    pub fn new(facts: &'a Facts<'a>) -> Self {
        let wanted = facts.configs.iter().map(|of| Wanted {
            standing: facts.standing(of),
            is_approving: of.approved == Some(facts.head_sha),
            run: Vec::new(),
            cancel: Vec::new(),
            tested: Vec::new(),
        });
        Self { facts, wanted: wanted.collect() }
    }

    /// The configs with what is wanted of them.
    pub fn configs(&mut self) -> impl Iterator<Item = (&'a ConfigFacts<'a>, &mut Wanted)> {
        self.facts.configs.iter().zip(&mut self.wanted)
    }

    pub fn refused(&self, refusal: PermissionDenied) -> String {
        let head = self.facts.head_sha;
        match refusal {
            PermissionDenied::NeedsWrite => NEEDS_WRITE.to_owned(),
            PermissionDenied::NeedsWriteOrAuthor => {
                "only people with write permission, and the pull request's author, may do that".to_owned()
            }
            PermissionDenied::NeedsApproval => format!(
                "`{head}` is not approved. Somebody with write permission has to look at it, and then say `/ok-to-test {head}`"
            ),
        }
    }

    /// Whether a run or a ledger shows that this comment was followed before.
    pub fn was_followed(&self) -> bool {
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
