//! A pull request that was opened, changed or closed.

use tidegate_hosts::client::PullRequestFacts;
use tidegate_model::{GitRef, PullRequestNumber};
use tidegate_resources::{
    Base, CancelReason, IntegrationConfig, IntegrationJob, IntegrationJobSpec, Pull, SkippedJob, Trigger,
    pull_request_trigger_digest, skipped_trigger_digest,
};
use tidegate_rules::{
    filters::PatternError,
    ledger::{self, Observation},
    skip,
    trust::{Head, Rights, Standing, TrustProof},
};

use super::{
    act::Plan,
    error::TriggerError,
    follower::Follower,
    head::PullRequestHint,
    reader::{FactsError, Reader},
};
use crate::{
    fitness::unfit,
    ledger::Book,
    runs::{
        action::{Action, Run, empty_spec, order},
        existing::{self, is_active, outdated},
    },
};

/// The request of an act on a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Its head should have its runs.
    Run,
    /// Its runs should be cancelled.
    Cancel,
}

/// Reads the pull request, its head and its runs, records what the host shows, and plans.
pub async fn plan_for(
    request: Request,
    number: PullRequestNumber,
    hint: PullRequestHint<'_>,
    of: Follower<'_>,
) -> Result<Plan, TriggerError> {
    let (config, context) = (of.config, of.context);
    if request == Request::Run && config.spec.jobs.pre_submit.is_empty() && unfit(config).is_none() {
        return Ok(Plan::Nothing("the config has no preSubmit jobs".to_owned()));
    }
    let reader = Reader::new(config, context).await?;
    let (shown, runs) = tokio::join!(
        reader.pull_request_with_head(number, hint),
        existing::of_pull_request(number, config, context)
    );
    let (shown, runs) = (shown?, runs.map_err(FactsError::Jobs)?);
    let book = of.book().await?;
    let mut earlier = None;
    match &shown {
        Some((pull_request, head)) => {
            earlier = book.proof(&pull_request.head.sha);
            record(&book, pull_request, &head.standing(earlier.as_ref(), None));
        }
        None => book.close(number),
    }
    book.save().await?;
    let runs = existing::unshared(runs, number, &book);
    Ok(plan(request, number, shown.as_ref(), earlier.as_ref(), &runs, config))
}

/// Records a pull request, and why its head is trusted. The caller saves the ledger.
pub fn record(book: &Book, pull_request: &PullRequestFacts, standing: &Standing) {
    let (seen, trust) = seen(pull_request, standing);
    book.record(&Observation::PullRequest { number: pull_request.number, seen, trust });
}

/// `earlier` is the ledger's proof for the head; `runs` are those of the pull request that no other one shares.
fn plan(
    request: Request,
    number: PullRequestNumber,
    shown: Option<&(PullRequestFacts, Head)>,
    earlier: Option<&TrustProof>,
    runs: &[IntegrationJob],
    config: &IntegrationConfig,
) -> Plan {
    match (request, shown) {
        (Request::Run, None) => Plan::Refuse(format!("there is no pull request {number}")),
        (Request::Run, Some((shown, _))) if !shown.open => {
            Plan::Nothing(format!("pull request {number} is not open"))
        }
        (Request::Run, Some((shown, head))) => {
            if let Some(reason) = unfit(config) {
                return Plan::Nothing(format!("nothing runs before the config can be followed: {reason}"));
            }
            match run(config, shown, &head.standing(earlier, None)) {
                Ok(run) => Plan::Act(replace(run, runs)),
                Err(error) => Plan::Nothing(format!("the config is not valid: {error}")),
            }
        }
        (Request::Cancel, Some((shown, _))) if shown.open => {
            Plan::Nothing(format!("pull request {number} is open"))
        }
        (Request::Cancel, Some((shown, _))) => {
            let how = if shown.merged { "merged" } else { "closed" };
            cancel(runs, &format!("pull request {number} was {how}"))
        }
        (Request::Cancel, None) => cancel(runs, &format!("pull request {number} does not exist any more")),
    }
}

/// The older runs are cancelled before the new one is created: after a crash in between, the next command or catch-up finds the
/// new one missing.
fn replace(run: Run, runs: &[IntegrationJob]) -> Vec<Action> {
    let outdated = outdated(&run.spec, runs);
    let head = run.spec.pulls.first().map(|pull| pull.sha.short().to_owned()).unwrap_or_default();
    let order = order(CancelReason::Superseded, &format!("superseded by {head}"));
    let cancel = (!outdated.is_empty()).then_some(Action::Cancel { runs: outdated, order });
    cancel.into_iter().chain([Action::EnsureJobs(Box::new(run))]).collect()
}

fn cancel(runs: &[IntegrationJob], message: &str) -> Plan {
    let active = runs.iter().filter(|run| is_active(run)).map(kube::ResourceExt::name_any).collect();
    Plan::Act(vec![Action::Cancel { runs: active, order: order(CancelReason::PullRequestClosed, message) }])
}

/// The run of a pull request's head. Jobs that its author skips by the title wait for a comment. The title of a head that needs
/// an approval skips nothing.
fn run(
    config: &IntegrationConfig,
    pull_request: &PullRequestFacts,
    standing: &Standing,
) -> Result<Run, PatternError> {
    let mut run = head_run(config, pull_request, standing)?;
    if !run.spec.awaits_approval
        && let Some(mark) = skip::skip_marker(&pull_request.title)
    {
        let reason = format!("{mark} in the title");
        let left_out = std::mem::take(&mut run.spec.jobs).into_iter();
        run.spec.skipped.extend(left_out.map(|job| SkippedJob {
            name: job.name,
            reason: reason.clone(),
            undecided: true,
        }));
        run.digest = skipped_trigger_digest(
            &config.identity(),
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
        // An unapproved run is not shared.
        format!("after approval of {}", pull_request.number)
    };
    let digest = pull_request_trigger_digest(&config.identity(), &pull_request.base, &head.sha, &rights);
    let spec = IntegrationJobSpec {
        pulls: vec![pull],
        awaits_approval: !standing.may_run(),
        ..empty_spec(config, Trigger::PullRequest, base)
    };
    Run::once(spec, digest).selecting(&config.spec.jobs.pre_submit)
}

/// The ledger's record of a pull request, and why its head is trusted.
fn seen(pull_request: &PullRequestFacts, standing: &Standing) -> (ledger::PullRequest, Option<TrustProof>) {
    let state = match (pull_request.open, pull_request.merged) {
        (true, _) => ledger::PullRequestState::Open,
        (false, true) => ledger::PullRequestState::Merged,
        (false, false) => ledger::PullRequestState::Closed,
    };
    let seen = ledger::PullRequest {
        state,
        head: pull_request.head.sha.clone(),
        branch: pull_request.head.branch.clone(),
        base: pull_request.base.clone(),
        mark: skip::skip_marker(&pull_request.title).map(|mark| format!("{mark} in the title")),
        is_draft: pull_request.draft,
        rights: standing.rights,
        labels: None,
    };
    (seen, standing.trust.proof().cloned())
}

#[cfg(test)]
mod tests;
