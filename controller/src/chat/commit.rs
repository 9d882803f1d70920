//! Comments on commits: jobs of pushes run again.
//!
//! A commit has no branch. So a comment on it means every branch and tag whose push has a run of this commit. The new run is
//! created as by `tidegate retest`, and its name is a digest of the run before it and the comment.

use std::{collections::BTreeMap, time::Instant};

use kube::ResourceExt;
use tidegate_hosts::client::{CommentFacts, CommitCommentFacts};
use tidegate_model::{CommentId, CommitSha, GitRef, JobName};
use tidegate_resources::{
    IntegrationConfig, IntegrationJob, commit_answer_digest, integration_job_name, retest_trigger_digest,
};
use tidegate_rules::chatops::{
    EDITED, Line, LineVerdict, MARKER, NEEDS_WRITE, Verdict,
    on_commit::{Ask, ask, select},
};

use super::{
    admit::{self, Admission},
    answer::{self, Reply},
    asker::Asker,
    comment::CommitCommentRef,
    facts::all_of_repository,
    plan::run_facts,
    remembered::Chat,
};
use crate::{
    context::Context,
    runs::{existing, locks::Repository},
    trigger::{
        Followed,
        error::{TriggerError, WaitsFor},
        reader::{FactsError, Reader},
        retest::again,
    },
};

/// The runs that the pushes of a commit to one branch or tag have under a config, newest first.
#[derive(Debug)]
struct Pushed {
    config: IntegrationConfig,
    reference: GitRef,
    runs: Vec<IntegrationJob>,
}

/// The comment as the host shows it; `None` if it doesn't exist, is on another commit, or the host has no such comments.
pub async fn comment(
    reader: &Reader<'_>,
    comment: CommitCommentRef<'_>,
) -> Result<Option<CommentFacts>, FactsError> {
    if !reader.client.capabilities().comments_on_commits {
        return Ok(None);
    }
    let found = reader.client.read_commit_comment(comment.commit, comment.id).await?;
    let is_there = |found: &CommitCommentFacts| found.commit == *comment.commit;
    Ok(found.filter(is_there).map(|found| found.comment))
}

impl Chat {
    /// Carries out the commands of a comment on a commit, under the commit's lock.
    pub(super) async fn follow_on_commit(
        &self,
        at: CommitCommentRef<'_>,
        asker: Asker<'_>,
    ) -> Result<Followed, TriggerError> {
        let Asker { config, context, .. } = asker;
        let (id, reader) = (at.id, Reader::new(config, context).await?);
        let Some(comment) = self::comment(&reader, at).await? else {
            reader.check_visible().await?;
            return Ok(Followed::Done(format!("comment {id} is not on {} (any more)", at.commit.short())));
        };
        let lines = match admit::anywhere(&comment) {
            Admission::Follow(lines) => lines,
            Admission::Nothing(reason) => return Ok(Followed::Done(format!("comment {id} {reason}"))),
            Admission::Refuse(reason) => return Ok(Followed::Refused(format!("comment {id} {reason}"))),
        };
        let (on, now, author) = (Repository::of(config), Instant::now(), comment.author.clone());
        if self.on_commits.is_silent(&on, &author, now) {
            return Ok(Followed::Done(format!(
                "comment {id}: {author} has had many answers here, and gets none now"
            )));
        }
        let all = all_of_repository(config, context);
        let Some(oldest) = all.first() else {
            return Ok(Followed::Done("the config is gone".to_owned()));
        };
        let marker = format!("{MARKER} {} -->", commit_answer_digest(&oldest.identity(), id));
        let listed = reader.client.list_commit_comments(at.commit).await?;
        if listed.iter().any(|later| later.comment.body.contains(&marker)) {
            return Ok(Followed::Done(format!("comment {id} was answered")));
        }
        let is_writer = reader.account(&author).await?.is_writer();
        let answers = if is_writer && !admit::is_edited(&comment) {
            let pushed = pushed(all, at.commit, context).await?;
            run(&lines, &pushed, id, asker).await?
        } else {
            let reason = if is_writer { EDITED } else { NEEDS_WRITE };
            let refused = |line: &Line| answered(line, Verdict::Said(reason.to_owned()));
            lines.iter().map(refused).collect()
        };
        if !self.on_commits.is_left(&on, &author, now) {
            return Ok(Followed::Done(format!("comment {id}: {author} has had many answers here")));
        }
        // A reaction would need the right to write code.
        let words = answer::words(&author, &answers, &marker);
        let did = answer::deliver(Reply::OnCommit(at.commit, &words), &reader).await?;
        self.on_commits.give(on, author, Some(!is_writer), now);
        Ok(Followed::Done(format!("comment {id}: {did}")))
    }
}

fn answered(line: &Line, verdict: Verdict) -> LineVerdict {
    LineVerdict { line: line.text.clone(), verdict }
}

/// The runs of a commit's pushes, for each config, branch and tag.
async fn pushed(
    configs: Vec<IntegrationConfig>,
    commit: &CommitSha,
    context: &Context,
) -> Result<Vec<Pushed>, TriggerError> {
    let is_one_of_several = configs.len() > 1;
    let mut pushed = Vec::new();
    for config in configs {
        let jobs = existing::of_config(&config, context).await;
        let jobs = match jobs.map_err(|error| TriggerError::from(FactsError::Jobs(error))) {
            Ok(jobs) => jobs,
            // Its namespace may be forbidden: that delays no other config.
            Err(error) if is_one_of_several && error.waits_for() == WaitsFor::Person => continue,
            Err(error) => return Err(error),
        };
        let mut of_refs: BTreeMap<GitRef, Vec<IntegrationJob>> = BTreeMap::new();
        let is_push =
            |job: &IntegrationJob| job.spec.pulls.is_empty() && job.spec.base.sha.as_ref() == Some(commit);
        for job in jobs.into_iter().filter(is_push) {
            of_refs.entry(job.spec.base.reference.clone()).or_default().push(job);
        }
        for (reference, mut runs) in of_refs {
            runs.sort_by_key(|run| std::cmp::Reverse(run.created_at_ms()));
            pushed.push(Pushed { config: config.clone(), reference, runs });
        }
    }
    Ok(pushed)
}

/// Runs the jobs that the commands of a writer select, at most one run for each config, branch and tag.
async fn run(
    lines: &[Line],
    pushed: &[Pushed],
    comment: CommentId,
    asker: Asker<'_>,
) -> Result<Vec<LineVerdict>, TriggerError> {
    let asks: Vec<Result<Ask, String>> = lines.iter().map(ask).collect();
    let mut verdicts: Vec<Vec<Result<(), String>>> = vec![Vec::new(); lines.len()];
    for of in pushed {
        let request = format!("comment-{comment}");
        let is_followed = of.runs.iter().any(|run| {
            let digest = retest_trigger_digest(&run.name_any(), &request);
            let name = integration_job_name(&of.config.name_any(), &digest, 1);
            of.runs.iter().any(|made| made.name_any() == name)
        });
        let facts: Vec<_> = of.runs.iter().map(|run| run_facts(run, None)).collect();
        let mut names: Vec<JobName> = Vec::new();
        let mut chosen = Vec::new();
        for (place, ask) in asks.iter().enumerate() {
            let Ok(ask) = ask else { continue };
            match select(ask, &of.reference, &facts, &of.config.spec.jobs.post_submit) {
                _ if is_followed => verdicts[place].push(Ok(())),
                Ok(selected) => {
                    names.extend(selected);
                    chosen.push(place);
                }
                Err(reason) => verdicts[place].push(Err(reason)),
            }
        }
        if let (Some(newest), false) = (of.runs.first(), chosen.is_empty()) {
            let Asker { origin, locks, context, .. } = asker;
            let made = again(newest, &names, &request, origin, &of.config, locks, context).await?;
            for place in chosen {
                verdicts[place].push(made.clone().map(drop));
            }
        }
    }
    let answers = lines.iter().zip(asks).zip(verdicts);
    Ok(answers.map(|((line, ask), verdicts)| answered(line, verdict(ask.err(), verdicts))).collect())
}

/// A command is done if a branch or tag has its run; otherwise each of them has a reason.
fn verdict(unfit: Option<String>, verdicts: Vec<Result<(), String>>) -> Verdict {
    if verdicts.iter().any(Result::is_ok) {
        return Verdict::Done;
    }
    let mut reasons: Vec<String> = verdicts.into_iter().filter_map(Result::err).collect();
    reasons.dedup();
    let none = || "no push of this commit has a run".to_owned();
    Verdict::Said(unfit.unwrap_or_else(|| if reasons.is_empty() { none() } else { reasons.join("; ") }))
}
