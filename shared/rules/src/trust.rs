//! Whose code runs, and with what.

use tidegate_model::{JobName, JobSpec, Permission};

/// Whether a pull request's code may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It runs.
    Trusted,
    /// Somebody with write permission has to look at it first.
    AwaitingApproval,
}

/// Judges a pull request by its author's permission in the base repository: who may push there could run the code anyway.
pub fn judge(author: Permission) -> Trust {
    if author.can_write() { Trust::Trusted } else { Trust::AwaitingApproval }
}

/// The first job whose run would need a Secret that the code it runs never gets, and that Secret; `None` when all can run.
pub fn withheld_secret(from_fork: bool, jobs: &[JobSpec]) -> Option<(&JobName, &str)> {
    if !from_fork {
        return None;
    }
    jobs.iter().find_map(|job| job.secret_names().next().map(|secret| (&job.name, secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_never_gets_a_secret_and_the_first_one_is_named() {
        let job: JobSpec = serde_json::from_value(serde_json::json!({
            "name": "deploy", "image": "i", "script": "s",
            "env": [{"name": "A", "value": "1"}, {"name": "T", "secretKeyRef": {"name": "key", "key": "k"}}],
        }))
        .expect("a job");
        let withheld =
            withheld_secret(true, std::slice::from_ref(&job)).map(|(job, secret)| (job.as_str(), secret));
        assert_eq!(withheld, Some(("deploy", "key")));
        assert_eq!(withheld_secret(false, &[job]), None);
    }

    #[test]
    fn only_who_may_push_is_trusted() {
        assert_eq!(judge(Permission::Admin), Trust::Trusted);
        assert_eq!(judge(Permission::Write), Trust::Trusted);
        assert_eq!(judge(Permission::Read), Trust::AwaitingApproval);
        assert_eq!(judge(Permission::None), Trust::AwaitingApproval);
    }
}
