//! What a command on a commit asks for: jobs of its pushes run again.

use tidegate_model::{GitRef, JobName, JobSpec};

use super::{
    command::ChatCommand,
    facts::{JobState, RunFacts},
    line::Line,
};
use crate::{filters, graph};

/// What a command on a commit asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The jobs that failed, were stopped, or never ran.
    Failed,
    /// These jobs, and those that they come after; none means every job.
    Jobs(Vec<JobName>),
}

/// What a line asks for, or why it can't be done on a commit.
pub fn ask(line: &Line) -> Result<Ask, String> {
    match line.outcome.clone()? {
        ChatCommand::RunFailed => Ok(Ask::Failed),
        ChatCommand::RunJobs { names } => Ok(Ask::Jobs(names)),
        ChatCommand::CancelJobs { .. } | ChatCommand::Approve { .. } | ChatCommand::Help => Err(
            "on a commit there are `/retest`, `/test` and `/test JOB…`; the others work on a pull request"
                .to_owned(),
        ),
    }
}

/// The jobs to run again. `runs` are those of one commit on one branch or tag, newest first. `Err` says why there are no such jobs.
pub fn select(
    ask: &Ask,
    reference: &GitRef,
    runs: &[RunFacts<'_>],
    post_submit: &[JobSpec],
) -> Result<Vec<JobName>, String> {
    let fitting = filters::select(post_submit, reference);
    let fitting = fitting.map_err(|error| format!("the config is not valid: {error}"))?.run;
    let wanted = match ask {
        Ask::Failed => fitting.iter().filter(|job| state(&job.name, runs).is_some()).cloned().collect(),
        Ask::Jobs(names) if names.is_empty() => fitting,
        Ask::Jobs(names) => {
            if let Some(name) = names.iter().find(|name| fitting.iter().all(|job| job.name != **name)) {
                return Err(format!("no job `{name}` runs for {reference}"));
            }
            graph::with_ancestors(&fitting, names)
        }
    };
    let mut selected: Vec<JobName> = wanted.into_iter().map(|job| job.name).collect();
    if selected.iter().any(|name| state(name, runs) == Some(JobState::Active)) {
        return Err(format!("the run for {reference} has not ended"));
    }
    if *ask == Ask::Failed {
        selected.retain(|name| state(name, runs) == Some(JobState::Failed));
    }
    if selected.is_empty() { Err(format!("no job failed for {reference}")) } else { Ok(selected) }
}

/// How the newest run that has a job ended for it. While a run has not ended, none of its jobs has.
fn state(name: &JobName, runs: &[RunFacts<'_>]) -> Option<JobState> {
    runs.iter().find_map(|run| {
        let state = run.state(name)?;
        Some(if run.is_active { JobState::Active } else { state })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::read, *};

    fn jobs() -> Vec<JobSpec> {
        serde_json::from_value(json!([
            {"name": "build", "image": "i", "script": "s"},
            {"name": "deploy", "image": "i", "script": "s", "after": ["build"]},
        ]))
        .expect("jobs")
    }

    fn run<'a>(is_active: bool, jobs: &[(&'a JobName, JobState)]) -> RunFacts<'a> {
        RunFacts {
            name: "shop-1".to_owned(),
            created_at_ms: 0,
            is_active,
            is_present: true,
            jobs: jobs.to_vec(),
            asked_by: None,
            cancelled_by: None,
        }
    }

    fn selected(text: &str, runs: &[RunFacts<'_>]) -> Result<String, String> {
        let ask = ask(&read([text])[0])?;
        let names = select(&ask, &"refs/heads/main".parse().expect("a ref"), runs, &jobs())?;
        Ok(names.iter().map(JobName::as_str).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn retest_selects_what_the_newest_run_of_each_job_did_not_pass() {
        let (build, deploy) = ("build".parse().expect("a name"), "deploy".parse().expect("a name"));
        let failed = run(false, &[(&build, JobState::Succeeded), (&deploy, JobState::Failed)]);
        let again = run(false, &[(&build, JobState::Succeeded)]);
        assert_eq!(selected("/retest", std::slice::from_ref(&failed)), Ok("deploy".to_owned()));
        assert_eq!(selected("/retest", &[again, failed.clone()]), Ok("deploy".to_owned()));
        let passed = run(false, &[(&deploy, JobState::Succeeded)]);
        let none = Err("no job failed for refs/heads/main".to_owned());
        assert_eq!(selected("/retest", &[passed, failed.clone()]), none);
        let active = run(true, &[(&build, JobState::Succeeded), (&deploy, JobState::Active)]);
        let not_ended = Err("the run for refs/heads/main has not ended".to_owned());
        assert_eq!(selected("/retest", &[active.clone(), failed.clone()]), not_ended);
        assert_eq!(selected("/test build", &[active.clone(), failed.clone()]), not_ended);
        assert_eq!(selected("/test deploy", &[active, failed]), not_ended);
    }

    #[test]
    fn test_selects_jobs_of_the_config_and_their_ancestors_even_if_they_passed() {
        let (build, deploy) = ("build".parse().expect("a name"), "deploy".parse().expect("a name"));
        let passed = [run(false, &[(&build, JobState::Succeeded), (&deploy, JobState::Succeeded)])];
        assert_eq!(selected("/test", &passed), Ok("build deploy".to_owned()));
        assert_eq!(selected("/test DEPLOY", &passed), Ok("build deploy".to_owned()));
        assert_eq!(selected("/test build", &passed), Ok("build".to_owned()));
    }

    #[test]
    fn what_can_not_be_done_on_a_commit_is_explained() {
        let nope = Err("no job `nope` runs for refs/heads/main".to_owned());
        assert_eq!(selected("/test nope", &[]), nope);
        for unfit in ["/cancel", "/ok-to-test", "/help"] {
            let reason = selected(unfit, &[]).expect_err("a reason");
            assert!(reason.starts_with("on a commit there are"), "{unfit}: {reason}");
        }
    }
}
