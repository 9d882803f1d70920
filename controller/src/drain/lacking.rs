//! Makes what a trigger lacks: every job of it, or only those that no run has.
//!
//! The ledger says which jobs no run has. So what ran stays, however often an event comes; and a job that is new in the config
//! runs alone.

use std::collections::BTreeSet;

use kube::ResourceExt;
use tidegate_model::{Command, Envelope, JobName};
use tidegate_resources::{
    IntegrationConfig, IntegrationJob, IntegrationJobSpec, pull_request_part_trigger_digest,
};
use tidegate_rules::filters;

use super::{
    age_seconds,
    apply::{self, Applied, ApplyError},
    plan::{Run, goes_on},
};
use crate::{context::Context, ledger::Book, report::observe::Seen};

/// Makes the run, or a run of those of its jobs that no run has. Says what happened, for the log.
pub async fn make(
    run: &Run,
    book: &Book,
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
    context: &Context,
) -> Result<String, ApplyError> {
    let Some(lacking) = lacking(run, book) else {
        return make_one(run, book, config, envelope, context).await;
    };
    if lacking.is_empty() {
        return Ok("every job has its run".to_owned());
    }
    if lacking.len() < run.spec.jobs.len() {
        return make_one(&part(run, &lacking), book, config, envelope, context).await;
    }
    let what = make_one(run, book, config, envelope, context).await?;
    // A run of this name may be there that was made when the config had other jobs, or that waits for approval.
    match self::lacking(run, book) {
        Some(lacking) if !lacking.is_empty() => {
            make_one(&part(run, &lacking), book, config, envelope, context).await
        }
        Some(_) | None => Ok(what),
    }
}

/// The runs of the same head and base that wait for an approval which this run doesn't need: another pull request, or a branch,
/// has proved that the head is trusted.
pub fn needless(spec: &IntegrationJobSpec, jobs: &[IntegrationJob]) -> Vec<String> {
    let head = |spec: &IntegrationJobSpec| spec.pulls.first().map(|pull| pull.sha.clone());
    let is_needless = |job: &&IntegrationJob| {
        !spec.lacks_approval()
            && goes_on(job)
            && job.spec.lacks_approval()
            && job.spec.base.reference == spec.base.reference
            && head(&job.spec) == head(spec)
    };
    jobs.iter().filter(is_needless).map(ResourceExt::name_any).collect()
}

/// The jobs of a pull request's run that no run has; `None` where the ledger doesn't decide.
fn lacking(run: &Run, book: &Book) -> Option<Vec<JobName>> {
    let pull = run.spec.pulls.first()?;
    if run.spec.lacks_approval() || run.spec.jobs.is_empty() {
        return None;
    }
    let lacks: BTreeSet<JobName> = book.lacks(&pull.sha, run.spec.base.reference.name())?;
    let names = run.spec.jobs.iter().map(|job| job.name.clone());
    Some(names.filter(|name| lacks.contains(name)).collect())
}

/// The run of some jobs only. They come after each other, and after no job that another run has.
fn part(run: &Run, jobs: &[JobName]) -> Run {
    let mut part = run.clone();
    part.digest = pull_request_part_trigger_digest(&run.digest, jobs);
    part.spec.jobs = filters::only(&run.spec.jobs, jobs);
    part.spec.skipped = Vec::new();
    part
}

/// Makes exactly this run, unless it is there. The ledger knows it before anything else is decided.
async fn make_one(
    run: &Run,
    book: &Book,
    config: &IntegrationConfig,
    envelope: &Envelope<Command>,
    context: &Context,
) -> Result<String, ApplyError> {
    Ok(match apply::run(run, config, envelope, context).await? {
        Applied::Created(job) => {
            context.metrics.accepted_to_job(age_seconds(envelope.received_at_ms));
            observe(&job, book);
            format!("created IntegrationJob {}", job.name_any())
        }
        Applied::Existed(job) => {
            observe(&job, book);
            format!("IntegrationJob {} exists already", job.name_any())
        }
        Applied::Unreadable(name, why) => {
            format!("IntegrationJob {name} is left alone, it can't be read: {why}")
        }
    })
}

/// Records a run in the ledger before the watch shows it.
pub fn observe(job: &IntegrationJob, book: &Book) {
    for observation in Seen::of(job).iter().flat_map(Seen::observations) {
        book.observe(&observation);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::fixture;

    fn job(jobs: &Value, awaits_approval: bool) -> IntegrationJob {
        let mut job = fixture::pull_request(jobs, &json!({"phase": "Queued"}));
        job.spec.awaits_approval = awaits_approval;
        job
    }

    #[test]
    fn a_part_of_a_run_holds_the_lacking_jobs_alone_under_a_name_of_its_own() {
        let jobs = json!([{"name": "build"}, {"name": "unit", "after": ["build"]}, {"name": "lint"}]);
        let run = Run {
            spec: job(&jobs, false).spec,
            digest: "d".to_owned(),
            may_repeat: false,
            renewed_at_ms: None,
        };
        let names = |names: &[&str]| names.iter().map(|n| n.parse().expect("a name")).collect::<Vec<_>>();
        let part = part(&run, &names(&["unit", "lint"]));
        let of_part: Vec<_> = part.spec.jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(of_part, ["unit", "lint"]);
        assert!(part.spec.jobs.iter().all(|job| job.after.is_empty()), "nobody waits for what ran before");
        assert_ne!(part.digest, run.digest);
        assert_ne!(part.digest, super::part(&run, &names(&["unit"])).digest);
    }

    #[test]
    fn a_run_that_waits_for_approval_is_needless_beside_one_that_needs_none() {
        let jobs = json!([{"name": "unit"}]);
        let (waiting, free) = (job(&jobs, true), job(&jobs, false));
        assert_eq!(needless(&free.spec, &[waiting.clone(), free.clone()]), [waiting.name_any()]);
        assert_eq!(needless(&waiting.spec, std::slice::from_ref(&waiting)), [""; 0]);
        let mut elsewhere = waiting;
        elsewhere.spec.base.reference = "refs/heads/other".parse().expect("a branch");
        assert_eq!(needless(&free.spec, &[elsewhere]), [""; 0]);
    }
}
