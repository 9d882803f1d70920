//! Records in the ledger what the host shows, before anything follows from it and before the message is deleted. One command
//! at a time works on a pull request, so an older look never overwrites a newer one.

use std::sync::Arc;

use kube::ResourceExt;
use tidegate_model::PullRequestNumber;
use tidegate_resources::{IntegrationConfig, IntegrationJob};
use tidegate_rules::ledger::Observation;

use super::{
    facts::{Facts, Place},
    plan,
};
use crate::{
    config::conflict::conflict,
    context::Context,
    ledger::{Book, LedgerError},
};

/// Records facts in the ledger of a config.
pub async fn record(
    config: &IntegrationConfig,
    facts: &Facts,
    context: &Context,
) -> Result<Arc<Book>, LedgerError> {
    let book = context.ledgers.open(config, context).await?;
    match facts {
        Facts::PullRequest { pull_request, author, .. } => {
            let (seen, trust) = plan::seen(config, pull_request, *author);
            book.record(&Observation::PullRequest { number: pull_request.number, seen, trust });
        }
        Facts::NoPullRequest(number) => book.close(*number),
        Facts::Push { reference, sha, place: Some(Place::Head) } => {
            book.record(&Observation::Ref { reference: reference.clone(), target: Some(sha.clone()) });
            // In a conflict the older config follows the push: a release must not be made twice.
            if conflict(config).is_none() && plan::unfit(config).is_some() {
                book.record(&Observation::RefDue { reference: reference.clone(), is_due: true });
            }
        }
        Facts::Ref { reference, shown, target } if shown == target => {
            book.record(&Observation::Ref { reference: reference.clone(), target: target.clone() });
        }
        Facts::Push { .. } | Facts::Ref { .. } => {}
    }
    book.save(context).await?;
    Ok(book)
}

/// The runs of a pull request that no other open one needs: those are not stopped for its sake.
pub fn unshared(jobs: Vec<IntegrationJob>, number: PullRequestNumber, book: &Book) -> Vec<IntegrationJob> {
    let is_shared = |job: &IntegrationJob| {
        job.spec
            .pulls
            .first()
            .is_some_and(|pull| book.is_shared(&pull.sha, job.spec.base.reference.name(), number))
    };
    jobs.into_iter().filter(|job| !is_shared(job)).collect()
}

/// The names of runs.
pub fn names(jobs: &[IntegrationJob]) -> Vec<String> {
    jobs.iter().map(ResourceExt::name_any).collect()
}
