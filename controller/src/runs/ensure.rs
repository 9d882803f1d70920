//! Creates the run of a trigger, unless it exists.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};
use kube::{Api, Resource, ResourceExt, api::PostParams, core::DeserializeGuard};
use tidegate_resources::{
    CancelReason, IntegrationConfig, IntegrationJob, Phase, Trigger, annotation, digest,
    integration_job_name, label,
};

use super::{
    action::Run,
    error::{ApplyError, failed},
    existing,
    origin::Origin,
};
use crate::context::Context;

/// The most attempts at one trigger: each is a run that was cancelled and is wanted again.
const MAX_ATTEMPTS: u32 = 1_000;

/// The result of ensuring a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Ensured {
    /// It was created now.
    Created(Box<IntegrationJob>),
    /// It existed before: the same trigger came twice.
    Existed(Box<IntegrationJob>),
    /// It exists, but our types can't parse it: the error. It isn't changed.
    Unreadable(String, String),
}

/// Creates the run of a trigger, unless it exists.
///
/// A run of a push that is older than the push counts as absent: in between, the branch or tag was deleted or at another
/// commit. A run that Tidegate cancelled counts as absent, too: the host's present state needs it. A run that a person
/// cancelled stays cancelled until a new head or a comment, and a comment is carried out once. A delivery's id decides nothing:
/// Gitea replays under a new one.
pub async fn ensure(
    run: &Run,
    config: &IntegrationConfig,
    origin: &Origin,
    context: &Context,
) -> Result<Ensured, ApplyError> {
    let namespace = config.namespace().unwrap_or_default();
    let api: Api<IntegrationJob> = context.namespaced(&namespace);
    let config_name = config.name_any();
    for attempt in 1..=MAX_ATTEMPTS {
        let name = integration_job_name(&config_name, &run.digest, attempt);
        let job = build(name.clone(), run, config, origin)?;
        match api.create(&PostParams::default(), &job).await {
            Ok(made) => return Ok(Ensured::Created(Box::new(made))),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let guarded = context.namespaced::<DeserializeGuard<IntegrationJob>>(&namespace);
                let existing = guarded.get_opt(&name).await.map_err(failed("read", &name))?;
                let existing = match existing {
                    None => None,
                    Some(DeserializeGuard(Ok(job))) => Some(job),
                    Some(DeserializeGuard(Err(unreadable))) => {
                        return Ok(Ensured::Unreadable(name, unreadable.error));
                    }
                };
                if let Some(existing) = existing.filter(|job| !is_wanted_again(job)) {
                    let is_of_older_push = run.renewed_at_ms.is_some_and(|at| existing.created_at_ms() < at);
                    if run.may_repeat
                        && (is_of_older_push || was_another_built_since(&existing, config, context).await?)
                    {
                        continue;
                    }
                    return Ok(Ensured::Existed(Box::new(existing)));
                }
            }
            Err(source) => return Err(failed("create", &name)(source)),
        }
    }
    Err(ApplyError::Attempts(run.digest.clone()))
}

fn is_wanted_again(job: &IntegrationJob) -> bool {
    let is_cancelled = job.status.as_ref().is_some_and(|status| status.phase == Phase::Cancelled);
    match (&job.spec.cancel, &job.spec.trigger) {
        (_, Trigger::Comment { .. } | Trigger::Manual { .. }) => false,
        (Some(cancel), _) => match cancel.reason {
            CancelReason::Requested => false,
            CancelReason::Superseded | CancelReason::PullRequestClosed | CancelReason::RefDeleted => true,
        },
        (None, _) => is_cancelled,
    }
}

/// Whether a younger run of the same branch or tag exists. If it built another commit, then this one was pushed A, B, and A
/// again; otherwise it is a later attempt at the same commit, which is checked next.
async fn was_another_built_since(
    job: &IntegrationJob,
    config: &IntegrationConfig,
    context: &Context,
) -> Result<bool, ApplyError> {
    let reference = &job.spec.base.reference;
    let jobs = existing::of_ref(reference, config, context).await;
    let jobs = jobs.map_err(failed("list", &format!("of {reference}")))?;
    let mut pushes = jobs.iter().filter(|other| other.spec.trigger == Trigger::Push);
    Ok(pushes.any(|other| other.created_at_ms() > job.created_at_ms()))
}

fn build(
    name: String,
    run: &Run,
    config: &IntegrationConfig,
    origin: &Origin,
) -> Result<IntegrationJob, ApplyError> {
    let spec = run.spec.clone();
    let repository = spec.repository.as_str().to_ascii_lowercase();
    let mut labels = vec![
        (label::CONFIG, config.name_any()),
        (label::REPOSITORY, digest(&[spec.host.as_str(), &repository])),
        (label::REF, digest(&[&spec.base.reference.to_string()])),
    ];
    labels.extend(spec.pulls.first().map(|pull| (label::PULL_REQUEST, pull.number.to_string())));
    let mut annotations = vec![
        (annotation::REPOSITORY, spec.repository.to_string()),
        (annotation::REF, spec.base.reference.to_string()),
        (annotation::CREATED_AT_MS, Timestamp::now().as_millisecond().to_string()),
        (annotation::RECEIVED_AT_MS, origin.accepted_at_ms.to_string()),
    ];
    annotations.extend(origin.delivery.as_ref().map(|id| (annotation::DELIVERY, id.to_string())));
    annotations.extend(origin.traceparent.as_ref().map(|t| (annotation::TRACEPARENT, t.to_string())));
    let owned =
        |pairs: Vec<(&str, String)>| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let metadata = ObjectMeta {
        name: Some(name),
        namespace: config.namespace(),
        labels: Some(owned(labels)),
        annotations: Some(owned(annotations)),
        owner_references: Some(vec![config.controller_owner_ref(&()).ok_or(ApplyError::NoOwner)?]),
        ..ObjectMeta::default()
    };
    Ok(IntegrationJob { metadata, spec, status: None })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::fixture;

    /// A run that was stopped for this reason.
    fn stopped(reason: Option<&str>) -> IntegrationJob {
        let mut job = fixture::pull_request(&json!([{"name": "unit"}]), &json!({"phase": "Cancelled"}));
        let cancel = reason.map(|reason| json!({"reason": reason, "message": ""}));
        job.spec.cancel =
            serde_json::from_value(cancel.map_or(Value::Null, |cancel| cancel)).expect("an order");
        job
    }

    #[test]
    fn a_run_that_tidegate_cancelled_starts_again_and_one_that_a_person_cancelled_does_not() {
        for reason in [None, Some("Superseded"), Some("PullRequestClosed"), Some("RefDeleted")] {
            assert!(is_wanted_again(&stopped(reason)), "{reason:?}");
        }
        assert!(!is_wanted_again(&stopped(Some("Requested"))));
    }

    #[test]
    fn an_active_run_and_a_run_of_a_comment_do_not_start_again() {
        assert!(!is_wanted_again(&fixture::running(&json!([{"name": "unit"}]))));
        let mut of_comment = stopped(Some("Superseded"));
        let comment = json!({"type": "Comment", "comment": {"id": 5, "author": "ada"}});
        of_comment.spec.trigger = serde_json::from_value(comment).expect("a trigger");
        assert!(!is_wanted_again(&of_comment));
    }
}
