//! A comment on a pull request.

use std::time::Instant;

use tidegate_hosts::client::CommentFacts;
use tidegate_model::PullRequestNumber;
use tidegate_rules::{
    chatops::{Line, permission::Who},
    ledger::Observation,
};

use super::{
    admit::{self, Admission},
    answer,
    asker::Asker,
    comment::CommentRef,
    facts::{self, Known},
    plan::{self, ConfigPlan},
    remembered::Chat,
};
use crate::{
    runs::{Executor, locks::PullRequest},
    trigger::{self, Followed, error::TriggerError, reader::Reader},
};

impl Chat {
    pub(super) async fn follow_on_pull_request(
        &self,
        comment: CommentRef<'_>,
        asker: Asker<'_>,
    ) -> Result<Followed, TriggerError> {
        let pull_request = PullRequest::of(asker.config, comment.pull_request);
        let is_answered = |(kind, id)| self.answered.contains(&(pull_request.clone(), kind, id));
        if comment.id().is_some_and(is_answered) {
            return Ok(Followed::Done(format!("{comment} was answered")));
        }
        let reader = Reader::new(asker.config, asker.context).await?;
        let found = facts::comments(&reader, comment).await?;
        if found.is_empty() {
            reader.check_visible().await?;
            return Ok(Followed::Done(format!("{comment} does not exist (any more)")));
        }
        let mut did = Vec::new();
        for facts in found {
            match self.follow_one(comment.pull_request, facts, &reader, asker).await? {
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
        asker: Asker<'_>,
    ) -> Result<Followed, TriggerError> {
        let name = format!("{} {}", comment.kind.as_str(), comment.id);
        let on = PullRequest::of(asker.config, pull_request);
        let key = (on.clone(), comment.kind, comment.id);
        let lines = match admit::on_pull_request(pull_request, &comment) {
            Admission::Follow(lines) => lines,
            Admission::Nothing(reason) => return Ok(Followed::Done(format!("{name} {reason}"))),
            Admission::Refuse(reason) => return Ok(Followed::Refused(format!("{name} {reason}"))),
        };
        let (author, now) = (comment.author.clone(), Instant::now());
        let asks_only = lines.iter().filter_map(Line::command).all(|command| command.who() == Who::Anybody);
        if self.quota.is_silent(&on, &author, now) || asks_only && !self.quota.is_left(&on, &author, now) {
            return Ok(Followed::Done(format!(
                "{name}: {author} has had many answers here, and gets none now"
            )));
        }
        let known = match facts::known(reader, comment, &lines, asker.context).await? {
            Ok(known) => known,
            Err(reason) => return Ok(Followed::Done(format!("{name}: {reason}"))),
        };
        if known.is_answered || self.answered.contains(&key) {
            self.answered.insert(key);
            return Ok(Followed::Done(format!("{name} was answered")));
        }
        let Some(plan) = plan::plan(&lines, &known) else {
            return Ok(Followed::Done(format!("{name} was followed, and edited since")));
        };
        let mut did = Vec::new();
        for (place, of) in plan.configs.iter().enumerate() {
            did.extend(carry_out(of, place, &known, asker).await?);
        }
        let takes_words = answer::reply(&plan.answers, &known, reader.client.capabilities()).is_some();
        if takes_words && !self.quota.is_left(&on, &author, now) {
            did.push(format!("{author} has had many answers here, and gets none now"));
        } else {
            did.push(answer::send(&plan.answers, &known, reader).await?);
            if takes_words {
                // The permission was read only if a command needs it.
                let is_outsider = (!asks_only).then(|| !known.commenter.is_writer());
                self.quota.give(on, author, is_outsider, now);
            }
        }
        self.answered.insert(key);
        Ok(Followed::Done(format!("{name}: {}", did.join(", "))))
    }
}

/// Carries out the actions under one config; `place` is its index in the facts.
async fn carry_out(
    of: &ConfigPlan,
    place: usize,
    known: &Known,
    asker: Asker<'_>,
) -> Result<Vec<String>, TriggerError> {
    if of.actions.is_empty() && of.tested.is_empty() {
        return Ok(Vec::new());
    }
    let (config, context) = (&known.configs[place].config, asker.context);
    let book = context.ledgers.open(config).await?;
    if of.runs_something() {
        // A head runs only if the ledger holds a proof.
        trigger::pull_request::record(&book, &known.pull_request, &of.standing);
        book.save().await?;
    }
    let executor = Executor { config, book: &book, origin: asker.origin, held: asker.held, context };
    let happened = executor.perform(&of.actions).await?;
    for jobs in &of.tested {
        // A writer has requested the jobs again: their missing runs for former bases no longer count.
        let pull_request = known.pull_request.number;
        book.record(&Observation::Tested { pull_request, jobs: jobs.clone() });
        book.save().await?;
    }
    Ok(happened)
}
