//! A pushed commit.

use tidegate_model::{CommitSha, GitRef};
use tidegate_resources::{Base, IntegrationConfig, Trigger, push_trigger_digest};
use tidegate_rules::{filters, ledger::Observation, trust::TrustProof};

use super::{
    act::Plan,
    error::TriggerError,
    follower::Follower,
    proof::EventProof,
    reader::{FactsError, Reader},
};
use crate::{
    context::Context,
    fitness::{conflict::conflict, runs_push, unfit, validate},
    ledger::{Book, LedgerError},
    runs::action::{Action, Run, empty_spec},
};

/// The position of a commit on a branch or tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// The branch or tag points to it.
    Head,
    /// It is an ancestor of the commit that the branch or tag points to.
    Behind,
}

impl Reader<'_> {
    /// The position of a commit on a branch or tag; `None` if it can't be reached from there.
    pub async fn position(
        &self,
        reference: &GitRef,
        sha: &CommitSha,
    ) -> Result<Option<Position>, FactsError> {
        match self.ref_target(reference).await? {
            None => {
                self.check_visible().await?;
                Ok(None)
            }
            Some(target) if target == *sha => Ok(Some(Position::Head)),
            Some(target) => Ok(self.client.is_ancestor(sha, &target).await?.then_some(Position::Behind)),
        }
    }
}

/// Reads and records the commit's position, and plans.
///
/// Most pushes run nothing, which is known without a request to the host. Such a push can still show that a head which waits
/// for approval is on a branch or tag now, or that a known branch or tag has left its commit: if it comes back to it, that is a
/// new push.
pub async fn plan_for(reference: &GitRef, sha: &CommitSha, of: Follower<'_>) -> Result<Plan, TriggerError> {
    let (config, context) = (of.config, of.context);
    let idle = idle(config, reference);
    let book = of.book().await?;
    if let Some(reason) = &idle
        && !book.is_waiting(sha)
        && !book.is_elsewhere(reference, sha)
    {
        return Ok(Plan::Nothing(reason.clone()));
    }
    let position = Reader::new(config, context).await?.position(reference, sha).await?;
    if let Some(lack) = lack(of.proof, reference, sha, position) {
        return Ok(Plan::Nothing(lack));
    }
    record(reference, sha, position, &book, config, context).await?;
    if let Some(reason) = idle {
        return Ok(Plan::Nothing(format!("{reason}; recorded where {reference} is")));
    }
    Ok(plan(config, reference, sha, position, book.renewed_at_ms(reference, sha)))
}

/// Why a push runs nothing under an active config; `None` if it runs something, or the config is inactive: then the missed push
/// is recorded.
fn idle(config: &IntegrationConfig, reference: &GitRef) -> Option<String> {
    if unfit(config).is_some() {
        return None;
    }
    match filters::select(&config.spec.jobs.post_submit, reference) {
        Ok(selection) if selection.run.is_empty() => Some(format!("no postSubmit job runs for {reference}")),
        Ok(_) => None,
        Err(error) => Some(format!("the config is not valid: {error}")),
    }
}

/// Why the facts are not enough. A commit that its branch or tag has left behind may never have been its head: only the host's
/// own event proves that it was.
fn lack(
    proof: EventProof,
    reference: &GitRef,
    sha: &CommitSha,
    position: Option<Position>,
) -> Option<String> {
    (position == Some(Position::Behind) && proof != EventProof::Signed).then(|| {
        format!(
            "{} is behind the head of {reference}, and its event doesn't prove that it was the head",
            sha.short()
        )
    })
}

/// Records the position of the commit.
pub async fn record(
    reference: &GitRef,
    sha: &CommitSha,
    position: Option<Position>,
    book: &Book,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<(), LedgerError> {
    match position {
        Some(Position::Head) => {
            book.record(&Observation::Ref { reference: reference.clone(), target: Some(sha.clone()) });
            if unfit(config).is_some() && !is_followed_by_owner(config, reference, context) {
                book.record(&Observation::RefDue { reference: reference.clone(), is_due: true });
            }
        }
        Some(Position::Behind) => {
            let proof = TrustProof::HeadOf { reference: reference.clone() };
            book.record(&Observation::Trusted { commit: sha.clone(), proof });
        }
        None => (),
    }
    book.save().await
}

/// Whether an older config of the same name runs something for a push: then it is not due when the conflict ends, as a release
/// must not be made twice.
fn is_followed_by_owner(config: &IntegrationConfig, reference: &GitRef, context: &Context) -> bool {
    let all = context.configs.stored();
    let owner = validate::owner(config, all.iter().filter_map(|stored| stored.readable()));
    owner.filter(|_| conflict(config).is_some()).is_some_and(|owner| runs_push(owner, reference))
}

/// `renewed_at_ms`: when the branch or tag moved back to this commit, in milliseconds since 1970.
fn plan(
    config: &IntegrationConfig,
    reference: &GitRef,
    sha: &CommitSha,
    position: Option<Position>,
    renewed_at_ms: Option<i64>,
) -> Plan {
    if let Some(reason) = unfit(config) {
        return Plan::Nothing(format!("nothing runs before the config can be followed: {reason}"));
    }
    let Some(position) = position else {
        return Plan::Nothing(format!("{} is not on {reference} (any more)", sha.short()));
    };
    let base = Base { reference: reference.clone(), sha: Some(sha.clone()) };
    let run = Run {
        digest: push_trigger_digest(&config.identity(), reference, sha),
        spec: empty_spec(config, Trigger::Push, base),
        may_repeat: position == Position::Head,
        renewed_at_ms,
    };
    match run.selecting(&config.spec.jobs.post_submit) {
        Ok(run) => Plan::Act(vec![Action::EnsureJobs(Box::new(run))]),
        Err(error) => Plan::Nothing(format!("the config is not valid: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> IntegrationConfig {
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
            "metadata": {"name": "shop", "namespace": "ci", "uid": "u-1"},
            "spec": {
                "git": {"type": "gitea", "repository": "acme/shop", "tokenSecretRef": {"name": "git", "key": "token"}},
                "jobs": {
                    "postSubmit": [{"name": "deploy", "image": "i", "script": "s", "when": {"branches": ["main"]}}],
                },
            },
        }))
        .expect("a config")
    }

    fn sha() -> CommitSha {
        "c".repeat(40).parse().expect("a SHA")
    }

    fn reference(text: &str) -> GitRef {
        text.parse().expect("a ref")
    }

    fn run(position: Position) -> Run {
        let plan = plan(&config(), &reference("refs/heads/main"), &sha(), Some(position), None);
        let Plan::Act(actions) = plan else { unreachable!("{plan:?}") };
        let [Action::EnsureJobs(run)] = &actions[..] else { unreachable!("{actions:?}") };
        (**run).clone()
    }

    #[test]
    fn a_push_runs_only_what_is_on_its_ref() {
        let head = run(Position::Head);
        assert_eq!((head.spec.base.sha, head.may_repeat), (Some(sha()), true));
        assert!(!run(Position::Behind).may_repeat, "another commit came since");
        let gone = plan(&config(), &reference("refs/heads/main"), &sha(), None, None);
        let expected = "cccccccccc is not on refs/heads/main (any more)".to_owned();
        assert_eq!(gone, Plan::Nothing(expected));
    }

    #[test]
    fn a_push_that_runs_no_job_is_known_before_the_host_is_asked() {
        assert_eq!(idle(&config(), &reference("refs/heads/main")), None);
        let nothing = "no postSubmit job runs for refs/heads/side".to_owned();
        assert_eq!(idle(&config(), &reference("refs/heads/side")), Some(nothing));
    }

    #[test]
    fn a_push_behind_the_head_needs_proof_and_the_head_needs_none() {
        let main = reference("refs/heads/main");
        for proof in [EventProof::Signed, EventProof::Unsigned, EventProof::OtherSalt] {
            assert_eq!(lack(proof, &main, &sha(), Some(Position::Head)), None);
            assert_eq!(lack(proof, &main, &sha(), None), None);
            let behind = lack(proof, &main, &sha(), Some(Position::Behind));
            assert_eq!(behind.is_none(), proof == EventProof::Signed);
        }
    }
}
