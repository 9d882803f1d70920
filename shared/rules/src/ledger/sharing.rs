//! Texts that the records of a ledger repeat, each held once.

use tidegate_model::JobName;

use super::{CommitRecord, JobRecord, RunId, TargetRecord};
use crate::{
    pool::Pool,
    status::{Context, RunName, Words},
};

/// The texts of the records so far.
#[derive(Default)]
pub(super) struct Sharing {
    jobs: Pool<JobName>,
    runs: Pool<RunName>,
    words: Pool<Words>,
}

impl Sharing {
    pub(super) fn commit(&mut self, record: &mut CommitRecord) {
        for (context, status) in record.statuses.entries_mut() {
            self.words.share(&mut status.decided.text);
            status.decided.run.iter_mut().for_each(|run| self.runs.share(run));
            match context {
                Context::Config => (),
                Context::Job(job) => self.jobs.share(job),
            }
        }
    }

    pub(super) fn target(&mut self, record: &mut TargetRecord) {
        record.runs.entries_mut().for_each(|(run, ())| self.runs.share(run));
        for (job, said) in record.jobs.entries_mut() {
            self.jobs.share(job);
            let JobRecord::Run { run: RunId { name, .. }, verdict } = said else { continue };
            self.runs.share(name);
            if let Some(verdict) = verdict {
                self.runs.share(&mut verdict.run);
                self.words.share(&mut verdict.text);
            }
        }
    }
}
