//! What the ledger needs to know of a config.

use std::collections::BTreeMap;

use tidegate_model::{GitRef, JobName, JobSpec};

use crate::{
    filters::Filter,
    status::{ConfigState, JobKind},
};

/// A config as it is now.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether it can be followed.
    pub state: ConfigState,
    /// Its jobs.
    pub jobs: BTreeMap<JobName, Job>,
}

/// One job of a config.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which events it runs for.
    pub kind: JobKind,
    /// For which branches and tags it runs; `None` for a filter that can't be read: then the job applies everywhere, so that
    /// nothing is shown as skipped.
    pub filter: Option<Filter>,
}

impl Config {
    /// The config of these lists of jobs.
    pub fn new(state: ConfigState, pre_submit: &[JobSpec], post_submit: &[JobSpec]) -> Self {
        let job =
            |kind| move |spec: &JobSpec| (spec.name.clone(), Job { kind, filter: Filter::new(spec).ok() });
        let pre = pre_submit.iter().map(job(JobKind::PreSubmit));
        let post = post_submit.iter().map(job(JobKind::PostSubmit));
        Self { state, jobs: pre.chain(post).collect() }
    }

    /// The jobs of one kind.
    pub fn jobs_of(&self, kind: JobKind) -> impl Iterator<Item = (&JobName, &Job)> {
        self.jobs.iter().filter(move |(_, job)| job.kind == kind)
    }
}

impl Job {
    /// Why the filters leave the job out for a branch or tag; `None` when it applies.
    pub fn left_out(&self, reference: &GitRef) -> Option<String> {
        self.filter.as_ref()?.left_out(reference)
    }
}
