//! What comments ask for.
//!
//! One comment: `facts` (host, cluster) → `decide` (pure) → runs and orders to stop (cluster) → one `answer` (host). A
//! comment is followed for all configs of its repository together, whichever's hook brought it, so that it gets one answer.
//! Each step may be repeated: what a comment did is written into the objects it did it to.

mod answer;
mod decide;
mod facts;
mod memory;

use tidegate_model::{ChatCommand, Command, CommentId, Envelope, PullRequestNumber};
use tidegate_resources::IntegrationConfig;

use self::{
    decide::{Action, Admission},
    memory::Memory,
};
use super::{apply, error::CommandError, facts::Reader, turns::PullRequest};
use crate::context::Context;

/// What a plugin says of a comment.
#[derive(Debug, Clone, Copy)]
pub struct Hint<'a> {
    /// The pull request it stands on.
    pub pull_request: PullRequestNumber,
    /// The comment.
    pub comment: CommentId,
    /// What it asks for.
    pub commands: &'a [ChatCommand],
}

/// What became of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// It was followed, or there was nothing to follow: what happened, for the log.
    Done(String),
    /// It isn't what the command claims.
    Refused(String),
}

/// What is remembered between comments.
#[derive(Debug, Default)]
pub struct Chat {
    memory: Memory,
}

impl Chat {
    /// Does what a comment asks for, while nobody else works on its pull request. `config` is one whose hook brought it: its credential reads and answers.
    pub async fn follow(
        &self,
        hint: Hint<'_>,
        config: &IntegrationConfig,
        envelope: &Envelope<Command>,
        context: &Context,
    ) -> Result<Followed, CommandError> {
        let key = (PullRequest::of(config, hint.pull_request), hint.comment);
        if self.memory.is_answered(&key) {
            return Ok(Followed::Done(format!("comment {} was answered", hint.comment)));
        }
        let reader = Reader::new(config, context).await?;
        let comment = facts::comment(&reader, hint.comment).await?;
        let (comment, lines) = match decide::admit(hint, comment) {
            Admission::Follow(comment, lines) => (comment, lines),
            Admission::Nothing(reason) => return Ok(Followed::Done(reason)),
            Admission::Refuse(reason) => return Ok(Followed::Refused(reason)),
        };
        let known = match facts::known(&reader, comment, &lines, context).await? {
            Ok(known) => known,
            Err(reason) => return Ok(Followed::Refused(reason)),
        };
        if known.is_answered {
            self.memory.answered(key);
            return Ok(Followed::Done(format!("comment {} was answered", hint.comment)));
        }
        let decision = decide::decide(&lines, &known);
        let mut did = Vec::new();
        for action in &decision.actions {
            did.push(carry_out(action, &known, envelope, context).await?);
        }
        did.push(answer::send(&decision.answers, &known, &reader).await?);
        self.memory.answered(key);
        Ok(Followed::Done(format!("comment {}: {}", hint.comment, did.join(", "))))
    }
}

async fn carry_out(
    action: &Action,
    known: &facts::Known,
    envelope: &Envelope<Command>,
    context: &Context,
) -> Result<String, CommandError> {
    Ok(match action {
        Action::Run { config, run } => {
            match apply::run(run, &known.configs[*config].config, envelope, context).await? {
                apply::Applied::Created(name) => format!("created IntegrationJob {name}"),
                apply::Applied::Existed(name) => format!("IntegrationJob {name} exists"),
                apply::Applied::Unreadable(name, why) => {
                    format!("IntegrationJob {name} can't be read: {why}")
                }
            }
        }
        Action::Stop { config, names, order } => {
            let count = apply::stop(&known.configs[*config].config, names, order, context).await?;
            format!("stopped {count} runs")
        }
    })
}
