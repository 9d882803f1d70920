//! Records in the ledger what the host shows, before anything follows from it and before the message is deleted. One command
//! at a time works on a pull request, so an older look never overwrites a newer one.

use kube::ResourceExt;
use tidegate_hosts::client::PullRequestFacts;
use tidegate_model::PullRequestNumber;
use tidegate_resources::{IntegrationConfig, IntegrationJob};
use tidegate_rules::{
    ledger::Observation,
    trust::{Proof, Standing},
};

use super::{
    facts::{Facts, Place},
    plan,
};
use crate::{
    config::conflict::conflict,
    context::Context,
    ledger::{Book, LedgerError},
};

/// Records facts in the ledger of a config. Returns what it remembered about a pull request's head before.
pub async fn record(
    config: &IntegrationConfig,
    facts: &Facts,
    context: &Context,
) -> Result<Option<Proof>, LedgerError> {
    let book = context.ledgers.open(config, context).await?;
    let mut earlier = None;
    match facts {
        Facts::PullRequest { pull_request, head } => {
            earlier = book.proof(&pull_request.head.sha);
            let standing = head.standing(earlier.as_ref(), None);
            record_pull_request(&book, pull_request, &standing);
        }
        Facts::NoPullRequest(number) => book.close(*number),
        Facts::Push { reference, sha, place: Some(Place::Head) } => {
            book.record(&Observation::Ref { reference: reference.clone(), target: Some(sha.clone()) });
            // In a conflict the older config follows the push: a release must not be made twice.
            if conflict(config).is_none() && plan::unfit(config).is_some() {
                book.record(&Observation::RefDue { reference: reference.clone(), is_due: true });
            }
        }
        Facts::Push { reference, sha, place: Some(Place::Behind) } => {
            let proof = Proof::HeadOf { reference: reference.clone() };
            book.record(&Observation::Trusted { commit: sha.clone(), proof });
        }
        Facts::Ref { reference, shown, target } if shown == target => {
            book.record(&Observation::Ref { reference: reference.clone(), target: target.clone() });
        }
        Facts::Push { place: None, .. } | Facts::Ref { .. } | Facts::CommitComment => {}
    }
    book.save(context).await?;
    Ok(earlier)
}

/// Records a pull request, and why its head is trusted. It is still to be saved.
pub fn record_pull_request(book: &Book, pull_request: &PullRequestFacts, standing: &Standing) {
    let (seen, trust) = plan::seen(pull_request, standing);
    book.record(&Observation::PullRequest { number: pull_request.number, seen, trust });
}

/// The runs of a pull request that no other open one needs: those are not stopped for its sake. A run that waits for approval is
/// never shared.
pub fn unshared(jobs: Vec<IntegrationJob>, number: PullRequestNumber, book: &Book) -> Vec<IntegrationJob> {
    let is_shared = |job: &IntegrationJob| {
        let pull = job.spec.pulls.first().filter(|_| !job.spec.awaits_approval);
        pull.is_some_and(|pull| book.is_shared(&pull.sha, job.spec.base.reference.name(), number))
    };
    jobs.into_iter().filter(|job| !is_shared(job)).collect()
}

/// The names of runs.
pub fn names(jobs: &[IntegrationJob]) -> Vec<String> {
    jobs.iter().map(ResourceExt::name_any).collect()
}
