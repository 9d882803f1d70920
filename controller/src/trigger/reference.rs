//! A branch or tag that moved or was deleted, and runs nothing.

use kube::ResourceExt;
use tidegate_model::{CommitSha, GitRef};
use tidegate_resources::{CancelReason, IntegrationJob};
use tidegate_rules::ledger::Observation;

use super::{
    act::Plan,
    error::TriggerError,
    follower::Follower,
    reader::{FactsError, Reader},
};
use crate::runs::{
    action::{Action, order},
    cancel::is_queued,
    existing,
};

/// Reads and records its commit, and plans. `shown` is the event's commit; `None` if it was deleted.
pub async fn plan_for(
    reference: &GitRef,
    shown: Option<&CommitSha>,
    of: Follower<'_>,
) -> Result<Plan, TriggerError> {
    let (config, context) = (of.config, of.context);
    let target = Reader::new(config, context).await?.ref_target(reference).await?;
    let is_as_shown = shown == target.as_ref();
    if is_as_shown {
        let book = of.book().await?;
        book.record(&Observation::Ref { reference: reference.clone(), target: target.clone() });
        book.save().await?;
    }
    if is_as_shown && target.is_none() {
        let runs = existing::of_ref(reference, config, context).await.map_err(FactsError::Jobs)?;
        return Ok(forget(reference, &runs));
    }
    Ok(Plan::Nothing(if is_as_shown {
        format!("{reference} is recorded, and runs nothing")
    } else {
        format!("{reference} is elsewhere by now: nothing is recorded")
    }))
}

/// Its queued runs of pushes are cancelled.
fn forget(reference: &GitRef, runs: &[IntegrationJob]) -> Plan {
    let (kind, name) = match reference {
        GitRef::Branch(name) => ("branch", name),
        GitRef::Tag(name) => ("tag", name),
    };
    let is_push = |job: &&IntegrationJob| job.spec.pulls.is_empty() && job.spec.base.reference == *reference;
    let queued = runs.iter().filter(is_push).filter(|job| is_queued(job));
    let runs = queued.map(ResourceExt::name_any).collect();
    let order = order(CancelReason::RefDeleted, &format!("{kind} {name} was deleted"));
    Plan::Act(vec![Action::CancelQueued { runs, order }])
}
