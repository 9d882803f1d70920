//! Strangers, and who lets their code run.

use tidegate_hosts::client::StatusFacts;

use super::*;
use tidegate_rules::status::WAITS_FOR_APPROVAL;

/// Steve, a stranger, opened the pull request, and its head waits for approval since second 5; Dora comments.
fn strangers() -> Known {
    let mut known = known();
    known.pull_request.author = "steve".parse().expect("a login");
    known.author = Permission::Read;
    let run =
        plan::head_run(&known.configs[0].config, &known.pull_request, Permission::Read, None).expect("a run");
    let job = IntegrationJob::new("waits", run.spec);
    known.configs[0].jobs.push(job);
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
    known.commenter = Permission::Read;
    for body in ["/test", "/retest", "/cancel"] {
        refused(&known, body, "only people with write permission, and the pull request's author");
    }
    refused(&known, "/ok-to-test", "only people with write permission may");
    refused(&known, &format!("/ok-to-test {}", sha(HEAD)), "only people with write permission may");
    // The author may do no more, until the head is approved.
    known.comment.author = "steve".parse().expect("a login");
    for body in ["/test", "/retest", "/cancel"] {
        refused(&known, body, &format!("`{}` is not approved", sha(HEAD)));
    }
    refused(&known, "/ok-to-test", "only people with write permission may");
    known.configs[0].jobs[0].spec.approved = Some(CommentReference {
        id: CommentId(8),
        kind: CommentKind::Comment,
        author: "dora".parse().expect("a login"),
    });
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
    let (actions, verdicts) = decided(&strangers(), "/ok-to-test");
    assert_eq!(verdicts, [Verdict::Done]);
    let [Action::Run { run, .. }] = &actions[..] else { unreachable!("{actions:?}") };
    assert_eq!(run.spec.approved.as_ref().map(|approved| approved.id), Some(CommentId(9)));
    assert!(run.spec.awaits_approval && run.spec.pulls[0].sha == sha(HEAD));

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
    // The run of this head was stopped, or it was shown under another context, or nothing of it is there yet.
    let mut stopped = strangers();
    stopped.configs[0].jobs[0].spec.cancel =
        Some(Cancel { reason: CancelReason::Superseded, message: String::new(), comment: None });
    refused(&stopped, "/ok-to-test", &not_certain);
    let mut of_a_job = strangers();
    of_a_job.shown[0].context = "tidegate/shop/unit".to_owned();
    refused(&of_a_job, "/ok-to-test", &not_certain);
    let mut moved = strangers();
    moved.pull_request.head.sha = sha('b');
    refused(&moved, "/ok-to-test", &format!("the head is `{}`", sha('b')));
    // But when it was followed before the head moved, coming again it says nothing else.
    moved.configs[0].jobs[0].spec.approved = Some(CommentReference {
        id: CommentId(9),
        kind: CommentKind::Comment,
        author: "dora".parse().expect("a login"),
    });
    assert_eq!(decided(&moved, "/ok-to-test"), (vec![], vec![Verdict::Done]));
}

#[test]
fn an_approval_with_a_sha_is_exact() {
    let mut known = strangers();
    known.shown.clear();
    known.configs[0].jobs.clear();
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
