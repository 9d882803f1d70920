//! The runs of a pull request: its own, and those that it shares with others of the same head and base, whichever came first.

use kube::{ResourceExt, core::DeserializeGuard};
use tidegate_hosts::client::{CommentFacts, PullRequestFacts};
use tidegate_resources::{IntegrationConfig, IntegrationJob};

use super::facts::Configured;
use crate::{
    context::Context,
    drain::{
        error::CommandError,
        facts::{FactsError, jobs_of},
    },
};

/// Reads the runs of a pull request under a config, and what the ledger remembers of its head and of a comment on it.
pub async fn configured(
    config: IntegrationConfig,
    pull_request: &PullRequestFacts,
    comment: &CommentFacts,
    context: &Context,
) -> Result<Configured, CommandError> {
    let mut jobs = jobs_of(&config, pull_request.number, context).await?;
    let book = context.ledgers.open(&config, context).await?;
    let (head, base) = (&pull_request.head.sha, &pull_request.base);
    let mut names = book.runs_for(head, base);
    names.retain(|name| jobs.iter().all(|job| job.name_any() != *name));
    let api = context.namespaced::<DeserializeGuard<IntegrationJob>>(&config.namespace().unwrap_or_default());
    for name in names {
        let found = api.get_opt(&name).await.map_err(FactsError::Jobs)?;
        // The ledger remembers runs that are gone. The job loop logs what can't be read.
        jobs.extend(found.and_then(|DeserializeGuard(job)| job.ok()));
    }
    let is_shared = book.is_shared(head, base, pull_request.number);
    let (earlier, approved) = (book.proof(head), book.approved_by(comment.id, &comment.author));
    Ok(Configured { config, jobs, is_shared, earlier, approved })
}
