//! Strangers, and who lets their code run.

use tidegate_hosts::client::StatusFacts;

use tidegate_rules::chatops::Verdict;

use super::*;
use crate::trigger::head::fixture::fork_of;
use tidegate_rules::{status::WAITS_FOR_APPROVAL, trust::TrustProof};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn approval_by(login: &str, comment: u64) -> TrustProof {
    TrustProof::Approval { approver: login.parse().expect("a login"), comment: Some(CommentId(comment)) }
}

/// The one run that is wanted, what the head may do then, and the names of the runs that are cancelled before it is made.
fn one_run(known: &Known, body: &str) -> (Run, Standing, Vec<String>) {
    let Plan { configs, .. } = planned(known, body);
    let [of] = &configs[..] else { unreachable!("{configs:?}") };
    let [first @ .., Action::Ensure(run)] = &of.actions[..] else { unreachable!("{configs:?}") };
    let cancelled = first.iter().flat_map(|action| cancelled(action).expect("cancelled").0).collect();
    ((**run).clone(), of.standing.clone(), cancelled)
}

/// Steve, a stranger, opened the pull request, and its head waits for approval since second 5; Dora comments.
fn strangers() -> Known {
    let mut known = known();
    known.pull_request.author = "steve".parse().expect("a login");
    known.head = fork_of(person("steve", Permission::Read));
    let standing = known.head.standing(None, None);
    let run = head_run(&known.configs[0].config, &known.pull_request, &standing).expect("a run");
    known.configs[0].runs.push(IntegrationJob::new("waits", run.spec));
    known.shown = vec![StatusFacts {
        context: "tidegate/shop".to_owned(),
        description: WAITS_FOR_APPROVAL.to_owned(),
        created_at: at(5),
    }];
    known
}

#[test]
fn strangers_are_refused_with_the_reason() {
    let mut known = strangers();
    known.comment.author = "eve".parse().expect("a login");
    known.commenter = person("eve", Permission::Read);
    for body in ["/test", "/retest", "/cancel"] {
        refused(&known, body, "only people with write permission, and the pull request's author");
    }
    refused(&known, "/ok-to-test", "only people with write permission may");
    refused(&known, &format!("/ok-to-test {}", sha(HEAD)), "only people with write permission may");
    // The author may do no more, until the head is approved.
    known.comment.author = "steve".parse().expect("a login");
    known.commenter = person("steve", Permission::Read);
    for body in ["/test", "/retest", "/cancel"] {
        refused(&known, body, &format!("`{}` is not approved", sha(HEAD)));
    }
    refused(&known, "/ok-to-test", "only people with write permission may");
    // What a run says of an approval counts for nothing.
    known.configs[0].runs[0].spec.approved = Some(CommentReference {
        id: CommentId(8),
        kind: CommentKind::Comment,
        author: "dora".parse().expect("a login"),
    });
    refused(&known, "/test unit", "is not approved");
    known.configs[0].earlier = Some(approval_by("dora", 8));
    let (actions, verdicts) = decided(&known, "/test unit");
    assert_eq!(
        (jobs_of(&actions), verdicts),
        (vec!["build".to_owned(), "unit".to_owned()], vec![Verdict::Done])
    );
}

#[test]
fn nobody_runs_a_head_that_is_not_approved_without_approving_it() {
    refused(&strangers(), "/test", "is not approved");
    refused(&strangers(), "/retest", "is not approved");
    // Both in one comment are one run.
    let (actions, verdicts) = decided(&strangers(), "/ok-to-test\n/test unit");
    assert_eq!(jobs_of(&actions), ["build", "unit", "style"]);
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
}

#[test]
fn a_bare_approval_means_the_head_that_was_shown_before_it_was_written() {
    let (_, verdicts) = decided(&strangers(), "/ok-to-test");
    assert_eq!(verdicts, [Verdict::Done]);
    let (run, standing, stopped) = one_run(&strangers(), "/ok-to-test");
    assert_eq!(standing.trust.proof(), Some(&approval_by("dora", 9)));
    assert_eq!(run.spec.approved.as_ref().map(|approved| approved.id), Some(CommentId(9)));
    assert!(!run.spec.awaits_approval && run.spec.pulls[0].fork && run.spec.pulls[0].sha == sha(HEAD));
    assert_eq!(stopped, ["waits"]);

    let not_certain = format!("not approved: the head is `{}`, and it was not shown", sha(HEAD));
    // The head waits since the same second, or since a later one.
    for second in [10, 11] {
        let mut late = strangers();
        late.shown[0].created_at = at(second);
        refused(&late, "/ok-to-test", &not_certain);
    }
    // It was shown before, went, and came back: the newer status counts.
    let mut again = strangers();
    again.shown.insert(0, StatusFacts { created_at: at(12), ..again.shown[0].clone() });
    refused(&again, "/ok-to-test", &not_certain);
    // It was shown under another context, or nothing of it is there yet.
    let mut of_a_job = strangers();
    of_a_job.shown[0].context = "tidegate/shop/unit".to_owned();
    refused(&of_a_job, "/ok-to-test", &not_certain);
    let mut moved = strangers();
    moved.pull_request.head.sha = sha('b');
    moved.shown.clear();
    refused(&moved, "/ok-to-test", &format!("the head is `{}`", sha('b')));
    // But when it was followed before the head moved, coming again it says nothing else.
    moved.configs[0].approved = Some(sha(HEAD));
    assert_eq!(decided(&moved, "/ok-to-test"), (vec![], vec![Verdict::Done]));
}

#[test]
fn an_approval_that_comes_again_makes_the_run_that_a_crash_prevented() {
    let mut known = strangers();
    known.configs[0].approved = Some(sha(HEAD));
    known.configs[0].earlier = Some(approval_by("dora", 9));
    let (actions, verdicts) = decided(&known, "/ok-to-test");
    assert_eq!(verdicts, [Verdict::Done]);
    let (run, _, stopped) = one_run(&known, "/ok-to-test");
    assert_eq!((jobs_of(&actions), stopped), (names(&["build", "unit", "style"]), names(&["waits"])));
    assert!(!run.spec.awaits_approval);
}

#[test]
fn a_head_that_is_trusted_needs_no_approval_and_gets_no_second_run() {
    let mut known = strangers();
    known.configs[0].earlier =
        Some(TrustProof::HeadOf { reference: "refs/heads/fix".parse().expect("a ref") });
    assert_eq!(decided(&known, "/ok-to-test"), (vec![], vec![Verdict::Done]));
}

#[test]
fn only_a_person_may_approve() {
    for kind in [AccountKind::Bot, AccountKind::Organisation, AccountKind::Unknown] {
        let mut known = strangers();
        known.commenter.kind = kind;
        refused(&known, "/ok-to-test", "only people with write permission may");
    }
}

#[test]
fn an_approval_with_a_sha_is_exact() {
    let mut known = strangers();
    known.shown.clear();
    known.configs[0].runs.clear();
    let (actions, verdicts) = decided(&known, &format!("/ok-to-test {}", sha(HEAD)));
    assert_eq!(verdicts, [Verdict::Done], "even before anything of it is there");
    assert_eq!(jobs_of(&actions), ["build", "unit", "style"]);
    refused(
        &known,
        &format!("/ok-to-test {}", sha('b')),
        &format!("not approved: the head is `{}`", sha(HEAD)),
    );
}

#[test]
fn a_bare_approval_in_a_review_holds_for_the_reviewed_commit_alone() {
    let mut known = strangers();
    known.comment.kind = CommentKind::Review;
    known.comment.reviewed = Some(sha('b'));
    refused(
        &known,
        "/ok-to-test",
        &format!("the review is of `{}`, and the head is `{}`", sha('b'), sha(HEAD)),
    );
    known.comment.reviewed = Some(sha(HEAD));
    assert_eq!(decided(&known, "/ok-to-test").1, [Verdict::Done]);
}
