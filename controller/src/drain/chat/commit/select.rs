//! Which jobs of a push a command on its commit selects. Pure.

use tidegate_model::{GitRef, JobName};
use tidegate_resources::{IntegrationConfig, IntegrationJob, JobPhase};
use tidegate_rules::{
    chatops::{ChatCommand, Line},
    filters, graph,
};

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

/// How the newest run that has a job ended for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Succeeded,
    Failed,
    NotEnded,
}

/// The jobs to run again. `runs` are those of one commit on one branch or tag, newest first. `Err` says why there are no such jobs.
pub fn select(
    ask: &Ask,
    reference: &GitRef,
    runs: &[IntegrationJob],
    config: &IntegrationConfig,
) -> Result<Vec<JobName>, String> {
    let fitting = filters::select(&config.spec.jobs.post_submit, reference);
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
    if selected.iter().any(|name| state(name, runs) == Some(State::NotEnded)) {
        return Err(format!("the run for {reference} has not ended"));
    }
    if *ask == Ask::Failed {
        selected.retain(|name| state(name, runs) == Some(State::Failed));
    }
    if selected.is_empty() { Err(format!("no job failed for {reference}")) } else { Ok(selected) }
}

fn state(name: &JobName, runs: &[IntegrationJob]) -> Option<State> {
    let run = runs.iter().find(|run| run.spec.jobs.iter().any(|job| job.name == *name))?;
    let Some(status) = run.status.as_ref().filter(|status| status.phase.is_final()) else {
        return Some(State::NotEnded);
    };
    let has_succeeded = status.jobs.iter().any(|job| job.name == *name && job.phase == JobPhase::Succeeded);
    Some(if has_succeeded { State::Succeeded } else { State::Failed })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tidegate_rules::chatops;

    use super::*;

    fn config() -> IntegrationConfig {
        let jobs = json!([
            {"name": "build", "image": "i", "script": "s"},
            {"name": "deploy", "image": "i", "script": "s", "after": ["build"]},
        ]);
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig", "metadata": {"name": "shop"},
            "spec": {"git": {"type": "github", "repository": "acme/shop"}, "jobs": {"postSubmit": jobs}},
        }))
        .expect("a config")
    }

    /// A run of jobs, and how they ended.
    fn run(phase: &str, jobs: &[(&str, &str)]) -> IntegrationJob {
        let spec: Vec<Value> =
            jobs.iter().map(|(name, _)| json!({"name": name, "image": "i", "script": "s"})).collect();
        let status: Vec<Value> =
            jobs.iter().map(|(name, phase)| json!({"name": name, "phase": phase})).collect();
        serde_json::from_value(json!({
            "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationJob", "metadata": {"name": "shop-1"},
            "spec": {
                "config": {"name": "shop", "uid": "u"}, "host": "github", "repository": "acme/shop",
                "trigger": "Push", "base": {"ref": "refs/heads/main", "sha": "a".repeat(40)},
                "jobs": spec, "timeout": "1h",
            },
            "status": {"phase": phase, "jobs": status},
        }))
        .expect("a run")
    }

    fn selected(text: &str, runs: &[IntegrationJob]) -> Result<String, String> {
        let lines = chatops::read([text]);
        let ask = ask(&lines[0])?;
        let names = select(&ask, &"refs/heads/main".parse().expect("a ref"), runs, &config())?;
        Ok(names.iter().map(JobName::as_str).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn retest_selects_what_the_newest_run_of_each_job_did_not_pass() {
        let failed = run("Failed", &[("build", "Succeeded"), ("deploy", "Failed")]);
        let again = run("Succeeded", &[("build", "Succeeded")]);
        assert_eq!(selected("/retest", std::slice::from_ref(&failed)), Ok("deploy".to_owned()));
        assert_eq!(selected("/retest", &[again, failed.clone()]), Ok("deploy".to_owned()));
        let passed = run("Succeeded", &[("deploy", "Succeeded")]);
        let none = Err("no job failed for refs/heads/main".to_owned());
        assert_eq!(selected("/retest", &[passed, failed.clone()]), none);
        let going = run("Running", &[("deploy", "Running")]);
        let not_ended = Err("the run for refs/heads/main has not ended".to_owned());
        assert_eq!(selected("/retest", &[going.clone(), failed.clone()]), not_ended);
        assert_eq!(selected("/test deploy", &[going, failed]), not_ended);
    }

    #[test]
    fn test_selects_jobs_of_the_config_and_what_they_come_after_even_if_they_passed() {
        let passed = [run("Succeeded", &[("build", "Succeeded"), ("deploy", "Succeeded")])];
        assert_eq!(selected("/test", &passed), Ok("build deploy".to_owned()));
        assert_eq!(selected("/test DEPLOY", &passed), Ok("build deploy".to_owned()));
        assert_eq!(selected("/test build", &passed), Ok("build".to_owned()));
        assert_eq!(selected("/test nope", &passed), Err("no job `nope` runs for refs/heads/main".to_owned()));
        for unfit in ["/cancel", "/ok-to-test", "/help"] {
            assert!(
                selected(unfit, &passed).is_err_and(|reason| reason.starts_with("on a commit")),
                "{unfit}"
            );
        }
    }
}
