use serde_json::json;
use tidegate_hosts::client::HeadFacts;
use tidegate_model::Permission;

use super::*;
use crate::drain::head::{
    self,
    fixture::{fork_of, own_branch, person},
};

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

fn command(intention: Intention) -> Command {
    Command { repository: "acme/shop".parse().expect("a repository"), intention }
}

fn run_pull_request(hint: CommitSha) -> Command {
    command(Intention::RunPullRequest {
        pull_request: PullRequestNumber(7),
        head: Some(hint),
        author: None,
        branch: None,
    })
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
        },
        base: "main".parse().expect("a branch"),
        author: "dora".parse().expect("a login"),
        title: "Fix".to_owned(),
        draft: false,
    }
}

fn facts(pull_request: PullRequestFacts, head: head::Head) -> Facts {
    Facts::PullRequest { pull_request, head }
}

/// The head of a stranger's fork.
fn stranger() -> head::Head {
    fork_of(person("steve", Permission::Read))
}

/// A plan for a head that the ledger doesn't know.
fn plan(command: &Command, config: &IntegrationConfig, facts: &Facts) -> Plan {
    super::plan(command, config, facts, None)
}

fn planned_run(plan: Plan) -> Run {
    match plan {
        Plan::Run(run) => *run,
        other => unreachable!("expected a run, got {other:?}"),
    }
}

#[test]
fn a_pull_request_runs_the_head_that_the_host_shows_not_the_one_the_command_names() {
    let facts = facts(pull_request(true), own_branch());
    let run = planned_run(plan(&run_pull_request(sha('b')), &config(), &facts));
    assert_eq!(run.spec.pulls[0].sha, sha('a'));
    assert_eq!(
        run,
        planned_run(plan(&run_pull_request(sha('a')), &config(), &facts)),
        "the hint changes nothing"
    );
    assert!(!run.spec.awaits_approval && !run.spec.pulls[0].fork);
    assert_eq!(run.spec.base.sha, None, "the base is taken when the run starts");
}

#[test]
fn filtered_jobs_are_skipped_with_the_filter_as_reason() {
    let run =
        planned_run(plan(&run_pull_request(sha('a')), &config(), &facts(pull_request(true), own_branch())));
    assert_eq!(run.spec.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["unit"]);
    assert_eq!(run.spec.skipped[0].name.as_str(), "docs");
    assert_eq!(run.spec.skipped[0].reason, "branch main is not among its branch patterns");
}

#[test]
fn a_head_that_is_not_trusted_waits_whoever_opened_it_and_runs_once_the_ledger_knows_why() {
    let mut opened_by_writer = stranger();
    opened_by_writer.opener = person("dora", Permission::Write);
    let earlier = Proof::HeadOf { reference: "refs/heads/fix".parse().expect("a ref") };
    for head in [stranger(), opened_by_writer, head::Head { refs: Vec::new(), ..own_branch() }] {
        let facts = facts(pull_request(true), head);
        let waiting = planned_run(plan(&run_pull_request(sha('a')), &config(), &facts));
        assert!(waiting.spec.awaits_approval && waiting.spec.pulls[0].fork, "{facts:?}");
        let known = super::plan(&run_pull_request(sha('a')), &config(), &facts, Some(&earlier));
        let run = planned_run(known);
        assert!(!run.spec.awaits_approval && run.spec.pulls[0].fork, "{facts:?}");
        assert_ne!(run.digest, waiting.digest);
    }
}

#[test]
fn a_writers_fork_runs_without_secrets() {
    let fork = facts(pull_request(true), fork_of(person("dora", Permission::Write)));
    let run = planned_run(plan(&run_pull_request(sha('a')), &config(), &fork));
    assert!(run.spec.pulls[0].fork && !run.spec.awaits_approval);
}

#[test]
fn a_closed_pull_request_does_not_run_and_an_open_one_is_not_cancelled() {
    let closed = facts(pull_request(false), stranger());
    let open = facts(pull_request(true), own_branch());
    let cancel = command(Intention::Cancel { pull_request: PullRequestNumber(7) });
    assert!(matches!(plan(&run_pull_request(sha('a')), &config(), &closed), Plan::Nothing(_)));
    assert!(matches!(plan(&cancel, &config(), &open), Plan::Nothing(_)));
    let Plan::Cancel { order, .. } = plan(&cancel, &config(), &closed) else { unreachable!("it is closed") };
    assert_eq!(order.message, "pull request 7 was merged");
}

#[test]
fn a_push_runs_only_what_is_on_its_ref() {
    let push = |reference: &str, place| {
        let reference: GitRef = reference.parse().expect("a ref");
        let intention = Intention::RunPush { reference: reference.clone(), sha: sha('c') };
        plan(&command(intention), &config(), &Facts::Push { reference, sha: sha('c'), place })
    };
    let head = planned_run(push("refs/heads/main", Some(Place::Head)));
    assert_eq!((head.spec.base.sha, head.may_repeat), (Some(sha('c')), true));
    assert!(
        !planned_run(push("refs/heads/main", Some(Place::Behind))).may_repeat,
        "another commit came since"
    );
    let Plan::Nothing(reason) = push("refs/heads/main", None) else { unreachable!("it is not there") };
    assert_eq!(reason, "cccccccccc is not on refs/heads/main (any more)");
}

#[test]
fn a_push_that_runs_no_job_is_known_before_the_host_is_asked() {
    let push = |reference: &str| {
        command(Intention::RunPush { reference: reference.parse().expect("a ref"), sha: sha('c') })
    };
    assert_eq!(admit(&push("refs/heads/main"), &config()), Ok(()));
    let nothing = Plan::Nothing("no postSubmit job runs for refs/heads/side".to_owned());
    assert_eq!(admit(&push("refs/heads/side"), &config()), Err(nothing));
    let mut without = config();
    without.spec.jobs.pre_submit.clear();
    assert!(matches!(admit(&run_pull_request(sha('a')), &without), Err(Plan::Nothing(_))));
}

#[test]
fn another_repository_and_a_missing_pull_request_are_refused() {
    let mut foreign = run_pull_request(sha('a'));
    foreign.repository = "evil/shop".parse().expect("a repository");
    assert!(matches!(admit(&foreign, &config()), Err(Plan::Refuse(_))));
    assert_eq!(admit(&run_pull_request(sha('a')), &config()), Ok(()));
    let missing = Facts::NoPullRequest(PullRequestNumber(7));
    assert!(matches!(plan(&run_pull_request(sha('a')), &config(), &missing), Plan::Refuse(_)));
}

#[test]
fn the_same_trigger_has_the_same_digest_and_another_base_or_config_another() {
    let digest = |config: &IntegrationConfig, base: &str| {
        let mut pull_request = pull_request(true);
        pull_request.base = base.parse().expect("a branch");
        planned_run(plan(&run_pull_request(sha('a')), config, &facts(pull_request, own_branch()))).digest
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
    let run =
        planned_run(plan(&run_pull_request(sha('a')), &config(), &facts(skipping.clone(), own_branch())));
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
    let plain = facts(pull_request(true), own_branch());
    assert_ne!(run.digest, planned_run(plan(&run_pull_request(sha('a')), &config(), &plain)).digest);

    // What waits for approval is shown as such: the title is a stranger's word.
    let stranger = planned_run(plan(&run_pull_request(sha('a')), &config(), &facts(skipping, stranger())));
    assert!(stranger.spec.awaits_approval && stranger.spec.jobs.len() == 1);
}

#[test]
fn only_active_runs_of_another_head_or_base_are_outdated() {
    let run = |head: char, base: &str| {
        let mut pull_request = pull_request(true);
        pull_request.head.sha = sha(head);
        pull_request.base = base.parse().expect("a branch");
        let facts = facts(pull_request, own_branch());
        planned_run(plan(&run_pull_request(sha('a')), &config(), &facts)).spec
    };
    let job = |name: &str, spec: IntegrationJobSpec| IntegrationJob::new(name, spec);
    let mut stopped = job("stopped", run('b', "main"));
    stopped.spec.cancel =
        Some(Cancel { reason: CancelReason::Superseded, message: String::new(), comment: None });
    let mut waiting = job("waiting", run('a', "main"));
    waiting.spec.awaits_approval = true;
    let jobs = [
        job("same", run('a', "main")),
        waiting,
        job("head", run('b', "main")),
        job("base", run('a', "next")),
        stopped,
    ];
    assert_eq!(outdated(&run('a', "main"), &jobs), ["waiting", "head", "base"]);
    let mut of_waiting = run('a', "main");
    of_waiting.awaits_approval = true;
    assert_eq!(outdated(&of_waiting, &jobs), ["head", "base"]);
}
