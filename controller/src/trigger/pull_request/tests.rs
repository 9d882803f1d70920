use serde_json::json;
use tidegate_hosts::client::HeadFacts;
use tidegate_model::{CommitSha, Permission};

use super::*;
use crate::trigger::head::fixture::{fork_of, own_branch, person};

fn config() -> IntegrationConfig {
    serde_json::from_value(json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
        "metadata": {"name": "shop", "namespace": "ci", "uid": "u-1"},
        "spec": {
            "git": {"type": "gitea", "repository": "acme/shop", "tokenSecretRef": {"name": "git", "key": "token"}},
            "jobs": {
                "preSubmit": [
                    {"name": "unit", "image": "i", "script": "s"},
                    {"name": "docs", "image": "i", "script": "s", "when": {"branches": ["docs"]}},
                ],
                "postSubmit": [{"name": "deploy", "image": "i", "script": "s", "when": {"branches": ["main"]}}],
            },
        },
    }))
    .expect("a config")
}

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().expect("a SHA")
}

fn pull_request(open: bool) -> PullRequestFacts {
    PullRequestFacts {
        number: PullRequestNumber(7),
        open,
        merged: !open,
        head: HeadFacts {
            sha: sha('a'),
            branch: Some("fix".parse().expect("a branch")),
            repository: Some("ACME/shop".parse().expect("a repository")),
            owner: "ACME".parse().ok(),
        },
        base: "main".parse().expect("a branch"),
        author: "dora".parse().expect("a login"),
        title: "Fix".to_owned(),
        draft: false,
    }
}

/// The head of a stranger's fork.
fn stranger() -> Head {
    fork_of(person("steve", Permission::Read))
}

/// A plan for a head that the ledger doesn't know, and that has no runs.
fn plan(request: Request, config: &IntegrationConfig, shown: &PullRequestFacts, head: Head) -> Plan {
    super::plan(request, shown.number, Some(&(shown.clone(), head)), None, &[], config)
}

/// The one run of a plan, and the names of the runs that are cancelled before it is made.
fn planned(plan: Plan) -> (Run, Vec<String>) {
    let Plan::Act(actions) = plan else { unreachable!("{plan:?}") };
    match &actions[..] {
        [Action::EnsureJobs(run)] => ((**run).clone(), Vec::new()),
        [Action::Cancel { runs, .. }, Action::EnsureJobs(run)] => ((**run).clone(), runs.clone()),
        other => unreachable!("expected a run, got {other:?}"),
    }
}

fn planned_run(shown: &PullRequestFacts, head: Head) -> Run {
    planned(plan(Request::Run, &config(), shown, head)).0
}

#[test]
fn a_pull_request_runs_the_head_that_the_host_shows() {
    let run = planned_run(&pull_request(true), own_branch());
    assert_eq!(run.spec.pulls[0].sha, sha('a'));
    assert!(!run.spec.awaits_approval && !run.spec.pulls[0].fork);
    assert_eq!(run.spec.base.sha, None, "the base is taken when the run starts");
}

#[test]
fn filtered_jobs_are_skipped_with_the_filter_as_reason() {
    let run = planned_run(&pull_request(true), own_branch());
    assert_eq!(run.spec.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["unit"]);
    assert_eq!(run.spec.skipped[0].name.as_str(), "docs");
    assert_eq!(run.spec.skipped[0].reason, "branch main is not among its branch patterns");
}

#[test]
fn a_head_that_is_not_trusted_waits_whoever_opened_it_and_runs_once_the_ledger_knows_why() {
    let mut opened_by_writer = stranger();
    opened_by_writer.opener = person("dora", Permission::Write);
    let earlier = TrustProof::HeadOf { reference: "refs/heads/fix".parse().expect("a ref") };
    let shown = pull_request(true);
    for head in [stranger(), opened_by_writer, Head { refs: Vec::new(), ..own_branch() }] {
        let waiting = planned_run(&shown, head.clone());
        assert!(waiting.spec.awaits_approval && waiting.spec.pulls[0].fork, "{head:?}");
        let known = (shown.clone(), head);
        let known = super::plan(Request::Run, shown.number, Some(&known), Some(&earlier), &[], &config());
        let run = planned(known).0;
        assert!(!run.spec.awaits_approval && run.spec.pulls[0].fork);
        assert_ne!(run.digest, waiting.digest);
    }
}

#[test]
fn a_writers_fork_runs_without_secrets() {
    let run = planned_run(&pull_request(true), fork_of(person("dora", Permission::Write)));
    assert!(run.spec.pulls[0].fork && !run.spec.awaits_approval);
}

#[test]
fn a_closed_pull_request_does_not_run_and_an_open_one_is_not_cancelled() {
    let (open, closed) = (pull_request(true), pull_request(false));
    assert!(matches!(plan(Request::Run, &config(), &closed, stranger()), Plan::Nothing(_)));
    assert!(matches!(plan(Request::Cancel, &config(), &open, own_branch()), Plan::Nothing(_)));
    let runs = [IntegrationJob::new("old", planned_run(&open, own_branch()).spec)];
    let known = (closed.clone(), stranger());
    let plan = super::plan(Request::Cancel, closed.number, Some(&known), None, &runs, &config());
    let Plan::Act(actions) = plan else { unreachable!("it is closed") };
    let [Action::Cancel { runs, order }] = &actions[..] else { unreachable!("{actions:?}") };
    assert_eq!((&runs[..], order.message.as_str()), (&["old".to_owned()][..], "pull request 7 was merged"));
}

#[test]
fn a_missing_pull_request_is_refused_and_its_runs_are_cancelled() {
    let of = |request| super::plan(request, PullRequestNumber(7), None, None, &[], &config());
    assert!(matches!(of(Request::Run), Plan::Refuse(_)));
    assert!(matches!(of(Request::Cancel), Plan::Act(_)));
}

#[test]
fn the_same_trigger_has_the_same_digest_and_another_base_or_config_another() {
    let digest = |config: &IntegrationConfig, base: &str| {
        let mut pull_request = pull_request(true);
        pull_request.base = base.parse().expect("a branch");
        planned(plan(Request::Run, config, &pull_request, own_branch())).0.digest
    };
    assert_eq!(digest(&config(), "main"), digest(&config(), "main"));
    assert_ne!(digest(&config(), "main"), digest(&config(), "next"));
    let mut remade = config();
    remade.metadata.uid = Some("u-2".to_owned());
    assert_ne!(digest(&config(), "main"), digest(&remade, "main"));
}

#[test]
fn a_title_that_skips_ci_leaves_every_job_undecided_under_a_name_of_its_own() {
    let mut skipping = pull_request(true);
    skipping.title = "Fix a typo [skip ci]".to_owned();
    let run = planned_run(&skipping, own_branch());
    let skipped: Vec<_> =
        run.spec.skipped.iter().map(|job| (job.name.as_str(), job.reason.as_str(), job.undecided)).collect();
    assert_eq!(
        skipped,
        [
            ("docs", "branch main is not among its branch patterns", false),
            ("unit", "[skip ci] in the title", true)
        ]
    );
    assert!(run.spec.jobs.is_empty());
    assert_ne!(run.digest, planned_run(&pull_request(true), own_branch()).digest);

    // What waits for approval is shown as such: the title is a stranger's word.
    let stranger = planned_run(&skipping, stranger());
    assert!(stranger.spec.awaits_approval && stranger.spec.jobs.len() == 1);
}

#[test]
fn active_runs_of_another_head_or_base_are_cancelled_before_the_new_run_is_made() {
    let run = |head: char, base: &str| {
        let mut pull_request = pull_request(true);
        pull_request.head.sha = sha(head);
        pull_request.base = base.parse().expect("a branch");
        planned_run(&pull_request, own_branch()).spec
    };
    let job = |name: &str, spec: IntegrationJobSpec| IntegrationJob::new(name, spec);
    let mut stopped = job("stopped", run('b', "main"));
    stopped.spec.cancel = Some(order(CancelReason::Superseded, ""));
    let mut waiting = job("waiting", run('a', "main"));
    waiting.spec.awaits_approval = true;
    let jobs = [
        job("same", run('a', "main")),
        waiting,
        job("head", run('b', "main")),
        job("base", run('a', "next")),
        stopped,
    ];
    let shown = pull_request(true);
    let cancelled = |head: Head| {
        planned(super::plan(Request::Run, shown.number, Some(&(shown.clone(), head)), None, &jobs, &config()))
            .1
    };
    assert_eq!(cancelled(own_branch()), ["waiting", "head", "base"]);
    assert_eq!(cancelled(stranger()), ["head", "base"], "the new run waits for approval itself");
}
