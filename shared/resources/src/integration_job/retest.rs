//! Which jobs of a push's run may run again.

use tidegate_model::JobName;

use super::{IntegrationJob, JobPhase};

/// Why nothing of a run runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRetested {
    /// It was made for a pull request.
    #[error("it was made for a pull request: comment /retest there")]
    PullRequest,
    /// It waits or runs.
    #[error("it has not ended")]
    NotEnded,
    /// Every job succeeded.
    #[error("none of its jobs failed")]
    NothingFailed,
}

impl IntegrationJob {
    /// The jobs of a push's run that failed, were stopped, or never ran.
    pub fn jobs_to_retest(&self) -> Result<Vec<JobName>, NotRetested> {
        if !self.spec.pulls.is_empty() {
            return Err(NotRetested::PullRequest);
        }
        let Some(status) = self.status.as_ref().filter(|status| status.phase.is_final()) else {
            return Err(NotRetested::NotEnded);
        };
        let has_succeeded = |name: &JobName| {
            status.jobs.iter().any(|job| job.name == *name && job.phase == JobPhase::Succeeded)
        };
        let names = self.spec.jobs.iter().map(|job| job.name.clone());
        let failed: Vec<JobName> = names.filter(|name| !has_succeeded(name)).collect();
        if failed.is_empty() { Err(NotRetested::NothingFailed) } else { Ok(failed) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn job(pulls: &Value, phase: &str, jobs: &Value) -> IntegrationJob {
        let named = |name: &str| json!({"name": name, "image": "i", "script": "s"});
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationJob", "metadata": {"name": "shop-1"},
            "spec": {
                "config": {"name": "shop", "uid": "u"}, "host": "gitea", "repository": "acme/shop",
                "trigger": {"type": "Push"}, "base": {"ref": "refs/heads/main", "sha": "a".repeat(40)}, "pulls": pulls,
                "jobs": [named("build"), named("deploy")], "timeout": "1h",
            },
            "status": {"phase": phase, "jobs": jobs},
        }))
        .expect("a job")
    }

    #[test]
    fn what_did_not_succeed_in_an_ended_run_of_a_push_runs_again() {
        let jobs = json!([{"name": "build", "phase": "Succeeded"}, {"name": "deploy", "phase": "NotRun"}]);
        let names = |job: IntegrationJob| job.jobs_to_retest().map(|names| names.len());
        assert_eq!(names(job(&json!([]), "Failed", &jobs)), Ok(1));
        assert_eq!(names(job(&json!([]), "Error", &json!([]))), Ok(2), "it never started");
        assert_eq!(names(job(&json!([]), "Running", &jobs)), Err(NotRetested::NotEnded));
        let done = json!([{"name": "build", "phase": "Succeeded"}, {"name": "deploy", "phase": "Succeeded"}]);
        assert_eq!(names(job(&json!([]), "Succeeded", &done)), Err(NotRetested::NothingFailed));
        let pulls = json!([{"number": 7, "sha": "b".repeat(40), "author": "dora"}]);
        assert_eq!(names(job(&pulls, "Failed", &jobs)), Err(NotRetested::PullRequest));
    }
}
