mod approval;
mod shared;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_hosts::client::{HeadFacts, PullRequestFacts};
use tidegate_model::{AccountKind, CommentId, CommentKind, CommitSha, Permission, PullRequestNumber};
use tidegate_resources::{IntegrationConfig, IntegrationJobStatus, Phase, annotation};

use tidegate_rules::chatops::{self, ChatCommand, MARKER, Verdict};

use super::*;
use crate::chat::admit::{Admission, on_pull_request};
use crate::trigger::head::fixture::{own_branch, person};

const HEAD: char = 'a';

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().expect("a SHA")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000 + second).expect("a time")
}

pub(in crate::chat) fn config(name: &str, jobs: &[&str]) -> IntegrationConfig {
    let job = |name: &&str| match name.split_once('<') {
        Some((name, after)) => json!({"name": name, "image": "i", "script": "s", "after": [after]}),
        None => json!({"name": name, "image": "i", "script": "s"}),
    };
    let mut pre_submit: Vec<Value> = jobs.iter().map(job).collect();
    pre_submit.push(
        json!({"name": format!("{name}-docs"), "image": "i", "script": "s", "when": {"branches": ["docs"]}}),
    );
    serde_json::from_value(json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationConfig",
        "metadata": {"name": name, "namespace": "ci", "uid": format!("uid-of-{name}")},
        "spec": {
            "git": {"type": "gitea", "repository": "acme/shop", "tokenSecretRef": {"name": "git", "key": "token"}},
            "jobs": {
                "preSubmit": pre_submit,
                "postSubmit": [{"name": format!("{name}-deploy"), "image": "i", "script": "s"}],
            },
        },
    }))
    .expect("a config")
}

fn configured(config: IntegrationConfig) -> Configured {
    Configured { config, runs: Vec::new(), is_shared: false, earlier: None, approved: None }
}

/// Dora, who may write, comments on her own pull request; one config with the jobs `build`, `unit` after it, and `style`.
pub(in crate::chat) fn known() -> Known {
    Known {
        comment: CommentFacts {
            id: CommentId(9),
            kind: CommentKind::Comment,
            reviewed: None,
            pull_request: Some(PullRequestNumber(7)),
            author: "dora".parse().expect("a login"),
            is_by_bot: false,
            body: String::new(),
            created_at: at(10),
            updated_at: at(10),
        },
        pull_request: PullRequestFacts {
            number: PullRequestNumber(7),
            open: true,
            merged: false,
            head: HeadFacts {
                sha: sha(HEAD),
                branch: Some("fix".parse().expect("a branch")),
                repository: Some("acme/shop".parse().expect("a repository")),
                owner: "acme".parse().ok(),
            },
            base: "main".parse().expect("a branch"),
            author: "dora".parse().expect("a login"),
            title: "Fix".to_owned(),
            draft: false,
        },
        commenter: person("dora", Permission::Write),
        head: own_branch(),
        configs: vec![configured(config("shop", &["build", "unit<build", "style"]))],
        unfit: Vec::new(),
        shown: Vec::new(),
        marker: "<!-- tidegate-answer: 0123 -->".to_owned(),
        is_answered: false,
    }
}

fn planned(known: &Known, body: &str) -> Plan {
    plan(&chatops::read(body.lines()), known).expect("a plan")
}

/// The actions of all configs, and the answers.
fn decided(known: &Known, body: &str) -> (Vec<Action>, Vec<Verdict>) {
    let Plan { configs, answers } = planned(known, body);
    let actions = configs.into_iter().flat_map(|of| of.actions).collect();
    (actions, answers.into_iter().map(|answer| answer.verdict).collect())
}

/// The run that an action makes.
fn made(action: &Action) -> Option<&Run> {
    match action {
        Action::Ensure(run) | Action::EnsureJobs(run) => Some(run),
        Action::Cancel { .. } | Action::CancelQueued { .. } => None,
    }
}

/// The runs that an action cancels, and why.
fn cancelled(action: &Action) -> Option<(Vec<String>, &Cancel)> {
    match action {
        Action::Cancel { runs, order } | Action::CancelQueued { runs, order } => Some((runs.clone(), order)),
        Action::Ensure(_) | Action::EnsureJobs(_) => None,
    }
}

/// The one run that is wanted, as the names of its jobs.
fn jobs_of(actions: &[Action]) -> Vec<String> {
    let mut runs = actions.iter().filter_map(made);
    let run = runs.next().expect("a run");
    assert!(runs.next().is_none(), "one run");
    run.spec.jobs.iter().map(|job| job.name.to_string()).collect()
}

fn refused(known: &Known, body: &str, reason: &str) {
    let (actions, verdicts) = decided(known, body);
    assert_eq!(actions, [], "{body}");
    let [Verdict::Said(words)] = &verdicts[..] else { unreachable!("{body}: {verdicts:?}") };
    assert!(words.contains(reason), "{body}: {words}");
}

/// A run of the head with these jobs and their phases.
fn ran(name: &str, made_at: i64, jobs: &[(&str, Option<&str>)]) -> IntegrationJob {
    let known = known();
    let standing = known.head.standing(known.configs[0].earlier.as_ref(), None);
    let mut run = head_run(&known.configs[0].config, &known.pull_request, &standing).expect("a run");
    run.spec.jobs.retain(|job| jobs.iter().any(|(name, _)| job.name.as_str() == *name));
    let mut job = IntegrationJob::new(name, run.spec);
    let annotations = [(annotation::CREATED_AT_MS.to_owned(), made_at.to_string())];
    job.metadata.annotations = Some(annotations.into());
    let entries: Vec<Value> = jobs
        .iter()
        .filter_map(|(name, phase)| phase.map(|phase| json!({"name": name, "phase": phase})))
        .collect();
    let is_over = entries.len() == jobs.len()
        && jobs.iter().all(|(_, phase)| !matches!(phase, Some("Pending" | "Running")));
    let status = IntegrationJobStatus {
        phase: if is_over { Phase::Failed } else { Phase::Running },
        jobs: serde_json::from_value(json!(entries)).expect("states"),
        ..IntegrationJobStatus::default()
    };
    job.status = Some(status);
    job
}

/// The trigger of the run that the comment asked for.
fn of_comment(author: tidegate_model::Login) -> Trigger {
    Trigger::Comment { comment: CommentReference { id: CommentId(9), kind: CommentKind::Comment, author } }
}

#[test]
fn a_comment_is_read_as_it_is_now_and_only_where_it_is() {
    let number = PullRequestNumber(7);
    let mut comment = known().comment;
    comment.body = "Please\n/retest\n/lgtm".to_owned();
    let Admission::Follow(lines) = on_pull_request(number, &comment) else { unreachable!("a command") };
    assert_eq!(lines.iter().filter_map(Line::command).collect::<Vec<_>>(), [&ChatCommand::RunFailed]);
    // It is on another pull request, or on an issue.
    for elsewhere in [Some(PullRequestNumber(8)), None] {
        let foreign = CommentFacts { pull_request: elsewhere, ..comment.clone() };
        assert!(matches!(on_pull_request(number, &foreign), Admission::Refuse(_)));
    }
    let by_bot = CommentFacts { is_by_bot: true, ..comment.clone() };
    assert_eq!(on_pull_request(number, &by_bot), Admission::Nothing("was written by a bot"));
    for body in ["never mind", "/lgtm", "", "> /retest"] {
        let silent = CommentFacts { body: body.to_owned(), ..comment.clone() };
        assert_eq!(on_pull_request(number, &silent), Admission::Nothing("holds no command"), "{body}");
    }
    let ours = CommentFacts { body: format!("/retest\n{MARKER} 0123 -->"), ..comment };
    assert_eq!(on_pull_request(number, &ours), Admission::Nothing("holds an answer of Tidegate"));
}

#[test]
fn an_edit_in_the_same_second_is_followed_and_a_later_one_is_refused_with_words() {
    let mut known = known();
    known.comment.updated_at = at(10) + k8s_openapi::jiff::SignedDuration::from_millis(900);
    assert_eq!(jobs_of(&decided(&known, "/test style").0), ["style"]);
    known.comment.updated_at = at(11);
    refused(&known, "/test style", "the comment was edited. Write a new one");
    // Coming again after it was followed, it says nothing.
    let mut job = ran("old", 0, &[("style", Some("Succeeded"))]);
    let author = "dora".parse().expect("a login");
    job.spec.trigger = of_comment(author);
    known.configs[0].runs.push(job);
    assert_eq!(plan(&chatops::read(["/test style"]), &known), None);
}

#[test]
fn the_run_of_a_review_is_another_than_that_of_the_comment_of_the_same_number() {
    let digest = |kind| {
        let mut known = known();
        known.comment.kind = kind;
        let (actions, _) = decided(&known, "/test style");
        let [Action::Ensure(run)] = &actions[..] else { unreachable!("one run: {actions:?}") };
        (run.digest.clone(), run.spec.trigger.comment().map(|comment| comment.kind))
    };
    let (comment, review) = (digest(CommentKind::Comment), digest(CommentKind::Review));
    assert_ne!(comment.0, review.0);
    assert_eq!((comment.1, review.1), (Some(CommentKind::Comment), Some(CommentKind::Review)));
    // A run of the comment bears no witness for the review.
    let mut known = known();
    let mut job = ran("old", 0, &[("style", Some("Succeeded"))]);
    let author = "dora".parse().expect("a login");
    job.spec.trigger = of_comment(author);
    known.configs[0].runs.push(job);
    known.comment.kind = CommentKind::Review;
    assert_eq!(jobs_of(&decided(&known, "/test style").0), ["style"]);
}

#[test]
fn test_runs_all_that_applies_or_a_job_with_its_ancestors_under_the_comments_name() {
    assert_eq!(jobs_of(&decided(&known(), "/test").0), ["build", "unit", "style"]);
    let (actions, verdicts) = decided(&known(), "/test unit");
    assert_eq!(jobs_of(&actions), ["build", "unit"]);
    assert_eq!(verdicts, [Verdict::Done]);
    let [Action::Ensure(run)] = &actions[..] else { unreachable!("one action") };
    assert_eq!(run.spec.trigger.comment().map(|comment| comment.id), Some(CommentId(9)));
    assert_eq!(run.digest, comment_trigger_digest("uid-of-shop", CommentKind::Comment, CommentId(9)));
    // Several commands of one comment are one run.
    assert_eq!(jobs_of(&decided(&known(), "/test style\n/test build").0), ["build", "style"]);
}

#[test]
fn a_job_that_nobody_knows_or_that_does_not_run_here_is_explained_and_the_others_run() {
    let (actions, verdicts) = decided(&known(), "/test style nope shop-docs shop-deploy");
    assert_eq!(jobs_of(&actions), ["style"]);
    let expected = "there is no job `nope`; `shop-docs` does not run here: branch main is not among its branch patterns; \
                    `shop-deploy` runs after pushes only; the jobs are `build`, `shop-docs`, `style`, `unit`";
    assert_eq!(verdicts, [Verdict::Said(expected.to_owned())]);
}

#[test]
fn a_job_is_unknown_only_if_no_config_of_the_repository_knows_it() {
    let mut known = known();
    known.configs.push(configured(config("web", &["e2e"])));
    let (actions, verdicts) = decided(&known, "/test e2e unit");
    assert_eq!(verdicts, [Verdict::Done]);
    assert_eq!(actions.len(), 2, "{actions:?}");
    let Plan { configs, answers } = planned(&known, "/test e2e");
    assert!(matches!(&configs[1].actions[..], [Action::Ensure(_)]), "{configs:?}");
    assert_eq!((&configs[0].actions[..], &answers[0].verdict), (&[][..], &Verdict::Done));
    refused(&known, "/test nope", "the jobs are `build`, `e2e`, `shop-docs`, `style`, `unit`, `web-docs`");
}

#[test]
fn a_comment_that_was_followed_is_not_followed_again() {
    let mut known = known();
    let (actions, _) = decided(&known, "/retest");
    let [Action::Ensure(run)] = &actions[..] else { unreachable!("one run") };
    known.configs[0].runs.push(IntegrationJob::new("of-comment", run.spec.clone()));
    for body in ["/retest", "/test unit"] {
        let (actions, verdicts) = decided(&known, body);
        assert_eq!((actions, verdicts), (vec![], vec![Verdict::Done]), "{body}");
    }
    known.pull_request.open = false;
    assert_eq!(decided(&known, "/retest").1, [Verdict::Done], "what was done stays done");
}

#[test]
fn retest_runs_what_failed_or_never_ran_and_leaves_the_rest_alone() {
    let mut known = known();
    known.configs[0].runs = vec![ran(
        "all",
        1,
        &[("build", Some("Succeeded")), ("unit", Some("Failed")), ("style", Some("Succeeded"))],
    )];
    let (actions, _) = decided(&known, "/retest");
    assert_eq!(jobs_of(&actions), ["unit"]);
    let Action::Ensure(run) = &actions[0] else { unreachable!("a run") };
    assert!(run.spec.jobs[0].after.is_empty(), "what succeeded is not waited for");

    // The newest run of each job counts.
    known.configs[0].runs.push(ran("unit", 2, &[("unit", Some("Succeeded"))]));
    refused(&known, "/retest", "nothing failed");
    known.configs[0].runs.push(ran("style", 3, &[("style", Some("Running"))]));
    refused(&known, "/retest", "nothing failed");
    known.configs[0].runs.push(ran("stopped", 4, &[("build", Some("Cancelled"))]));
    assert_eq!(jobs_of(&decided(&known, "/retest").0), ["build"]);
}

#[test]
fn a_run_that_repeats_all_that_is_left_of_an_older_one_takes_its_place() {
    let mut known = known();
    known.configs[0].runs = vec![ran(
        "old",
        1,
        &[("build", Some("Failed")), ("unit", Some("NotRun")), ("style", Some("Running"))],
    )];
    let stopped = |body: &str| {
        let (actions, _) = decided(&known, body);
        actions.iter().find_map(cancelled).map(|(runs, order)| (runs, order.reason))
    };
    assert_eq!(stopped("/test style"), Some((vec!["old".to_owned()], CancelReason::Superseded)));
    assert_eq!(stopped("/test unit"), None, "style goes on");
}

#[test]
fn cancel_stops_all_or_the_runs_of_which_nothing_else_is_left() {
    let mut known = known();
    known.configs[0].runs = vec![
        ran(
            "pair",
            1,
            &[("build", Some("Succeeded")), ("unit", Some("Running")), ("style", Some("Running"))],
        ),
        ran("over", 2, &[("build", Some("Failed"))]),
    ];
    let stop = |body: &str| match &decided(&known, body).0[..] {
        [Action::Cancel { runs, order }] => (runs.clone(), order.reason, order.message.clone()),
        other => unreachable!("{other:?}"),
    };
    let expected = (vec!["pair".to_owned()], CancelReason::Requested, "stopped by dora".to_owned());
    assert_eq!(stop("/cancel"), expected);
    assert_eq!(stop("/cancel style unit"), expected);
    refused(&known, "/cancel unit", "`unit` can't be stopped alone: its run still has `style`");
    refused(&known, "/cancel build", "`build` does not run");
    refused(&known, "/cancel nope", "there is no job `nope`");
    known.configs[0].runs.remove(0);
    refused(&known, "/cancel", "nothing runs");
}

#[test]
fn an_order_to_stop_that_was_carried_out_is_done() {
    let mut known = known();
    let mut job = ran("one", 1, &[("unit", Some("Running"))]);
    let reference = CommentReference {
        id: CommentId(9),
        kind: CommentKind::Comment,
        author: "dora".parse().expect("a login"),
    };
    job.spec.cancel =
        Some(Cancel { reason: CancelReason::Requested, message: String::new(), comment: Some(reference) });
    known.configs[0].runs = vec![job];
    for made_since in [false, true] {
        known.configs[0].runs.extend(made_since.then(|| ran("since", 2, &[("unit", Some("Running"))])));
        for body in ["/cancel", "/cancel unit"] {
            assert_eq!(decided(&known, body), (vec![], vec![Verdict::Done]), "{body}");
        }
    }
    // Half of it was carried out.
    known.configs[0].runs.push(ran("older", 0, &[("unit", Some("Running"))]));
    let (actions, _) = decided(&known, "/cancel");
    assert!(matches!(&actions[..], [Action::Cancel { runs, .. }] if runs == &["older"]), "{actions:?}");
}

#[test]
fn what_can_not_be_read_or_is_closed_is_explained() {
    refused(&known(), "/test X!", "`X!` is not a valid job name. `/help` shows what there is");
    refused(&known(), "/help", "| `/test JOB…` |");
    let mut closed = known();
    closed.pull_request.open = false;
    refused(&closed, "/test", "the pull request is not open");
}

#[test]
fn without_a_usable_config_a_writer_gets_the_reason_and_help_still_answers() {
    let mut known = known();
    known.configs.clear();
    known.unfit = vec!["IntegrationConfig `ci/shop`: the config is not valid: a circle".to_owned()];
    for body in ["/test", "/test unit", "/retest", "/cancel", "/ok-to-test"] {
        refused(
            &known,
            body,
            "nothing can run. IntegrationConfig `ci/shop`: the config is not valid: a circle",
        );
    }
    refused(&known, "/help", "| comment |");
    known.commenter = person("steve", Permission::Read);
    known.comment.author = "steve".parse().expect("a login");
    refused(&known, "/test", "only people with write permission");
}
