//! What a comment can ask for. It never travels: the controller reads it from the comment.

use tidegate_model::{CommitSha, JobName};

/// One command of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatCommand {
    /// Run these jobs and those that they come after.
    RunJobs {
        /// The jobs; none means every job that applies.
        names: Vec<JobName>,
    },
    /// Run the jobs that failed and those that never ran.
    RunFailed,
    /// Stop runs.
    CancelJobs {
        /// The jobs; none means every job.
        names: Vec<JobName>,
    },
    /// Let the code of somebody run who may not write.
    Approve {
        /// The head that was looked at; without it the one that was shown as waiting when the comment was written.
        sha: Option<CommitSha>,
    },
    /// Show which commands there are.
    Help,
}
