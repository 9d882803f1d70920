//! Runs jobs of a push again, by `tidegate retest` or a comment on the commit.

use kube::ResourceExt;
use tidegate_model::JobName;
use tidegate_resources::{
    IntegrationConfig, IntegrationJob, IntegrationJobSpec, Retested, Trigger, retest_trigger_digest,
};
use tidegate_rules::filters;

use super::{error::TriggerError, push, reader::Reader};
use crate::{
    context::Context,
    fitness::unfit,
    runs::{
        Executor,
        action::{Action, Run, empty_spec},
        locks::{Locks, Subject},
        origin::Origin,
    },
};

/// Creates a run of these jobs of a push's run; its name is a digest of that run and the request. The inner `Err` is the reason
/// why it creates none. It locks the branch or tag.
pub async fn again(
    job: &IntegrationJob,
    names: &[JobName],
    request: &str,
    origin: &Origin,
    config: &IntegrationConfig,
    locks: &Locks,
    context: &Context,
) -> Result<Result<String, String>, TriggerError> {
    if let Some(reason) = unfit(config) {
        return Ok(Err(reason));
    }
    let Some(sha) = &job.spec.base.sha else {
        return Ok(Err("it names no commit".to_owned()));
    };
    let reference = &job.spec.base.reference;
    let held = locks.lock(Subject::reference(config, reference)).await;
    let position = Reader::new(config, context).await?.position(reference, sha).await?;
    let book = context.ledgers.open(config).await?;
    push::record(reference, sha, position, &book, config, context).await?;
    if position.is_none() {
        return Ok(Err(format!("{} is not on {reference} any more", sha.short())));
    }
    let run = match run(job, names, request, config) {
        Ok(run) => run,
        Err(reason) => return Ok(Err(reason)),
    };
    let executor = Executor { config, book: &book, origin, held: &held, context };
    Ok(Ok(executor.perform(&[Action::Ensure(Box::new(run))]).await?.join("; ")))
}

/// The jobs as the config has them now. Pure.
fn run(
    job: &IntegrationJob,
    names: &[JobName],
    request: &str,
    config: &IntegrationConfig,
) -> Result<Run, String> {
    let reference = &job.spec.base.reference;
    let selection = filters::select(&config.spec.jobs.post_submit, reference);
    let jobs = filters::only(&selection.map_err(|error| error.to_string())?.run, names);
    if jobs.is_empty() {
        return Err(format!("the config runs none of these jobs for {reference} any more"));
    }
    let digest = retest_trigger_digest(&job.name_any(), request);
    let retest = Some(Retested { run: job.name_any(), request: request.to_owned() });
    let spec =
        IntegrationJobSpec { jobs, ..empty_spec(config, Trigger::Manual { retest }, job.spec.base.clone()) };
    Ok(Run::once(spec, digest))
}
