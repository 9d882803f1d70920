//! Carries a plan out in the cluster. Doing it twice changes nothing.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};
use kube::{
    Api, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tidegate_model::{Command, Envelope, PullRequestNumber};
use tidegate_resources::{
    Cancel, IntegrationConfig, IntegrationJob, Phase, Trigger, annotation, digest, integration_job_name,
    label,
};

use super::plan::Run;
use crate::context::Context;

/// Attempts at one trigger: each is a run that was cancelled and wanted again.
const MAX_ATTEMPTS: u32 = 1_000;

/// Why the cluster did not take a plan.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An object could not be written.
    #[error("failed to {operation} IntegrationJob {name}")]
    Job {
        /// What was tried.
        operation: &'static str,
        /// The object, or what was selected by.
        name: String,
        /// Why it failed.
        source: kube::Error,
    },
    /// The config has no uid: it didn't come from a cluster.
    #[error("the config has no owner reference")]
    NoOwner,
    /// One trigger was cancelled and wanted again too often.
    #[error("trigger {0} has used up its attempts")]
    Attempts(String),
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It was made now.
    Created(String),
    /// It was there before: the same trigger came twice.
    Existed(String),
}

/// Makes the `IntegrationJob` of a trigger, unless it is there.
///
/// A job that ended `Cancelled` counts as absent: the host's present state, which the plan was made of, wants it.
pub async fn run(
    run: &Run,
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
    context: &Context,
) -> Result<Applied, ApplyError> {
    let api: Api<IntegrationJob> = context.namespaced(&config.namespace().unwrap_or_default());
    let config_name = config.name_any();
    for attempt in 1..=MAX_ATTEMPTS {
        let name = integration_job_name(&config_name, &run.digest, attempt);
        let job = build(name.clone(), run, config, envelope)?;
        match api.create(&PostParams::default(), &job).await {
            Ok(_) => return Ok(Applied::Created(name)),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let existing = api.get_opt(&name).await.map_err(failed("read", &name))?;
                if existing.is_some_and(|job| !is_cancelled(&job)) {
                    return Ok(Applied::Existed(name));
                }
            }
            Err(source) => return Err(failed("create", &name)(source)),
        }
    }
    Err(ApplyError::Attempts(run.digest.clone()))
}

fn is_cancelled(job: &IntegrationJob) -> bool {
    job.spec.cancel.is_some() || job.status.as_ref().is_some_and(|status| status.phase == Phase::Cancelled)
}

fn build(
    name: String,
    run: &Run,
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
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
        (annotation::DELIVERY, envelope.delivery.to_string()),
        (annotation::CREATED_AT_MS, Timestamp::now().as_millisecond().to_string()),
        (annotation::RECEIVED_AT_MS, envelope.received_at_ms.to_string()),
    ];
    annotations.extend(envelope.traceparent.as_ref().map(|t| (annotation::TRACEPARENT, t.to_string())));
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

/// Stops the unfinished runs of a pull request under a config, all but `keep`. Returns how many were told to stop.
pub async fn cancel(
    config: &IntegrationConfig,
    pull_request: PullRequestNumber,
    keep: Option<&str>,
    order: &Cancel,
    context: &Context,
) -> Result<usize, ApplyError> {
    let api: Api<IntegrationJob> = context.namespaced(&config.namespace().unwrap_or_default());
    let selector = format!("{}={},{}={pull_request}", label::CONFIG, config.name_any(), label::PULL_REQUEST);
    let jobs = api.list(&ListParams::default().labels(&selector)).await.map_err(failed("list", &selector))?;
    let patch = json!({"spec": {"cancel": order}});
    let mut count = 0;
    for job in jobs {
        let name = job.name_any();
        let finished = job.status.as_ref().is_some_and(|status| status.phase.is_final());
        let other = job.spec.trigger == Trigger::PullRequest && keep != Some(name.as_str());
        if other && !finished && job.spec.cancel.is_none() {
            match api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
                Ok(_) => count += 1,
                // It is gone: nothing is left to stop.
                Err(kube::Error::Api(status)) if status.is_not_found() => (),
                Err(source) => return Err(failed("cancel", &name)(source)),
            }
        }
    }
    Ok(count)
}

fn failed(operation: &'static str, name: &str) -> impl FnOnce(kube::Error) -> ApplyError {
    let name = name.to_owned();
    move |source| ApplyError::Job { operation, name, source }
}
