//! What comments ask for.
//!
//! One comment: `facts` (host, cluster) → `markdown` and `decide` (pure) → runs and orders to stop (cluster) → one `answer` (host). A
//! comment is followed for all configs of its repository together, whichever's hook brought it, so that it gets one answer.
//! Each step may be repeated: what a comment did is written into the objects it did it to.

mod answer;
mod commit;
mod decide;
mod facts;
mod markdown;
mod memory;
mod quota;
mod shared;

use std::{fmt, time::Instant};

use kube::ResourceExt;
use tidegate_hosts::client::CommentFacts;
use tidegate_model::{
    Command, CommentId, CommentKind, CommentPointer, Envelope, Intention, PullRequestNumber,
};
use tidegate_resources::IntegrationConfig;
use tidegate_rules::{
    chatops::{Line, who::Who},
    ledger::Observation,
};

use self::{
    decide::{Action, Admission, Tested},
    memory::Memory,
    quota::Quota,
};
use super::{
    apply,
    error::CommandError,
    facts::Reader,
    lacking, record,
    turns::{PullRequest, Repository},
};
use crate::context::Context;

/// Which comment a plugin points to.
#[derive(Debug, Clone, Copy)]
pub struct CommentRef<'a> {
    /// The pull request it is on.
    pub pull_request: PullRequestNumber,
    /// Where it is found.
    pub pointer: &'a CommentPointer,
}

impl CommentRef<'_> {
    /// The kind and id, where the pointer says them.
    fn id(self) -> Option<(CommentKind, CommentId)> {
        match self.pointer {
            CommentPointer::Comment(id) => Some((CommentKind::Comment, *id)),
            CommentPointer::Review { review } => Some((CommentKind::Review, *review)),
            CommentPointer::LatestReview { .. } => None,
        }
    }
}

impl fmt::Display for CommentRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer {
            CommentPointer::Comment(id) => write!(f, "comment {id}"),
            CommentPointer::Review { review } => write!(f, "review {review}"),
            CommentPointer::LatestReview { reviewer, .. } => write!(f, "the review of {reviewer}"),
        }
    }
}

/// Which comment a command asks to follow.
#[derive(Debug, Clone, Copy)]
pub enum Comment<'a> {
    /// One on a pull request.
    OnPullRequest(CommentRef<'a>),
    /// One on a commit.
    OnCommit(CommitCommentRef<'a>),
}

impl<'a> Comment<'a> {
    /// The comment of an intention; `None` when no comment asked for it.
    pub fn of(intention: &'a Intention) -> Option<Self> {
        match intention {
            Intention::FollowComment { pull_request, comment } => {
                Some(Self::OnPullRequest(CommentRef { pull_request: *pull_request, pointer: comment }))
            }
            Intention::FollowCommitComment { commit, comment } => {
                Some(Self::OnCommit(CommitCommentRef { commit, id: *comment }))
            }
            Intention::RunPullRequest { .. }
            | Intention::RunPush { .. }
            | Intention::RecordRef { .. }
            | Intention::Cancel { .. } => None,
        }
    }
}

impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnPullRequest(comment) => comment.fmt(f),
            Self::OnCommit(comment) => write!(f, "comment {} on {}", comment.id, comment.commit.short()),
        }
    }
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
    quota: Quota<PullRequest>,
    /// On the commits of a repository together.
    on_commits: Quota<Repository>,
}

pub use commit::CommitCommentRef;
pub(super) use commit::comment as comment_on_commit;
pub(super) use facts::comments;

/// Whether a comment is on this pull request, and has a line that the chat would follow.
pub fn asks_for_something(pull_request: PullRequestNumber, comment: &CommentFacts) -> bool {
    matches!(decide::admit(pull_request, comment), Admission::Follow(_))
}

/// Whether a comment on a commit has a line that the chat would follow.
pub fn asks_on_commit(comment: &CommentFacts) -> bool {
    matches!(decide::read(comment), Admission::Follow(_))
}

impl Chat {
    /// Does what a comment asks for, while nobody else works on its pull request. `config` is one whose hook brought it: its credential reads and answers.
    pub async fn follow(
        &self,
        comment: CommentRef<'_>,
        config: &IntegrationConfig,
        envelope: &Envelope<Command>,
        context: &Context,
    ) -> Result<Followed, CommandError> {
        let pull_request = PullRequest::of(config, comment.pull_request);
        let is_answered = |(kind, id)| self.memory.is_answered(&(pull_request.clone(), kind, id));
        if comment.id().is_some_and(is_answered) {
            return Ok(Followed::Done(format!("{comment} was answered")));
        }
        let reader = Reader::new(config, context).await?;
        let found = facts::comments(&reader, comment).await?;
        if found.is_empty() {
            reader.check_visible().await?;
            return Ok(Followed::Done(format!("{comment} does not exist (any more)")));
        }
        let mut did = Vec::new();
        for facts in found {
            match self.follow_one(comment.pull_request, facts, &reader, envelope, context).await? {
                Followed::Done(what) => did.push(what),
                refused @ Followed::Refused(_) => return Ok(refused),
            }
        }
        Ok(Followed::Done(did.join("; ")))
    }

    async fn follow_one(
        &self,
        pull_request: PullRequestNumber,
        comment: CommentFacts,
        reader: &Reader<'_>,
        envelope: &Envelope<Command>,
        context: &Context,
    ) -> Result<Followed, CommandError> {
        let name = format!("{} {}", comment.kind.as_str(), comment.id);
        let key = (PullRequest::of(reader.config, pull_request), comment.kind, comment.id);
        let lines = match decide::admit(pull_request, &comment) {
            Admission::Follow(lines) => lines,
            Admission::Nothing(reason) => return Ok(Followed::Done(format!("{name} {reason}"))),
            Admission::Refuse(reason) => return Ok(Followed::Refused(format!("{name} {reason}"))),
        };
        let (on, now) = (PullRequest::of(reader.config, pull_request), Instant::now());
        let author = comment.author.clone();
        let asks_only = lines.iter().filter_map(Line::command).all(|command| command.who() == Who::Anybody);
        if self.quota.is_silent(&on, &author, now) || asks_only && !self.quota.is_left(&on, &author, now) {
            return Ok(Followed::Done(format!(
                "{name}: {author} has had many answers here, and gets none now"
            )));
        }
        let known = match facts::known(reader, comment, &lines, context).await? {
            Ok(known) => known,
            Err(reason) => return Ok(Followed::Done(format!("{name}: {reason}"))),
        };
        if known.is_answered || self.memory.is_answered(&key) {
            self.memory.answered(key);
            return Ok(Followed::Done(format!("{name} was answered")));
        }
        let Some(decision) = decide::decide(&lines, &known) else {
            return Ok(Followed::Done(format!("{name} was followed, and edited since")));
        };
        let mut did = Vec::new();
        for action in &decision.actions {
            did.push(carry_out(action, &known, envelope, context).await?);
        }
        for tested in &decision.tested {
            record_test(tested, &known, context).await?;
        }
        let takes_words = answer::reply(&decision.answers, &known).is_some();
        if takes_words && !self.quota.is_left(&on, &author, now) {
            did.push(format!("{author} has had many answers here, and gets none now"));
        } else {
            did.push(answer::send(&decision.answers, &known, reader).await?);
            if takes_words {
                // Whether somebody may write was read only where a command asks for it.
                let is_outsider = (!asks_only).then(|| !known.commenter.is_writer());
                self.quota.give(on, author, is_outsider, now);
            }
        }
        self.memory.answered(key);
        Ok(Followed::Done(format!("{name}: {}", did.join(", "))))
    }
}

/// A writer has asked for jobs again: what they owed for former bases is forgiven.
async fn record_test(tested: &Tested, known: &facts::Known, context: &Context) -> Result<(), CommandError> {
    let book = context.ledgers.open(&known.configs[tested.config].config, context).await?;
    let (pull_request, jobs) = (known.pull_request.number, tested.jobs.clone());
    book.record(&Observation::Tested { pull_request, jobs });
    Ok(book.save(context).await?)
}

async fn carry_out(
    action: &Action,
    known: &facts::Known,
    envelope: &Envelope<Command>,
    context: &Context,
) -> Result<String, CommandError> {
    Ok(match action {
        Action::Run { config, standing, run } => {
            let config = &known.configs[*config].config;
            let book = context.ledgers.open(config, context).await?;
            // A head runs only if the ledger knows why it may.
            record::record_pull_request(&book, &known.pull_request, standing);
            book.save(context).await?;
            match apply::run(run, config, envelope, context).await? {
                apply::Applied::Created(job) => {
                    lacking::observe(&job, &book);
                    format!("created IntegrationJob {}", job.name_any())
                }
                apply::Applied::Existed(job) => {
                    lacking::observe(&job, &book);
                    format!("IntegrationJob {} exists", job.name_any())
                }
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
