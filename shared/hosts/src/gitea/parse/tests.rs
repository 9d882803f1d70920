use serde_json::{Value, json};
use tidegate_model::{CommentAction, CommentPointer, Event, Host, PullRequestAction};

use crate::{inbound, intake::Ignored};

const EDITED: &str = include_str!("../../../../../tests/payloads/gitea/017-pull_request-edited.json");
const CREATED: &str = include_str!("../../../../../tests/payloads/gitea/006-issue_comment-created.json");
const PUSHED: &str = include_str!("../../../../../tests/payloads/gitea/025-push.json");

const DELETED: &str = include_str!("../../../../../tests/payloads/gitea/027-delete-branch.json");

fn said(kind: &str, recorded: &str, changes: &[(&str, Value)]) -> Result<Event, Ignored> {
    inbound::tests::said(Host::Gitea, kind, recorded, changes)
}

#[test]
fn only_an_edit_of_the_base_or_the_title_is_an_event() {
    // The shape is that of `PullRequestChangeTargetBranch` in Gitea's `services/webhook/notifier.go`.
    let retargeted = [("/changes", json!({"ref": {"from": "main"}, "added_labels": null}))];
    let Ok(Event::PullRequest(event)) = said("pull_request", EDITED, &retargeted) else {
        unreachable!("no event")
    };
    assert_eq!(event.action, PullRequestAction::BaseChanged);
    let renamed = [("/changes", json!({"title": {"from": "x"}, "ref": null}))];
    let Ok(Event::PullRequest(event)) = said("pull_request", EDITED, &renamed) else {
        unreachable!("no event")
    };
    assert_eq!(event.action, PullRequestAction::TitleChanged);
    for other in [json!({"body": {"from": "x"}, "ref": null}), Value::Null] {
        assert_eq!(said("pull_request", EDITED, &[("/changes", other)]), Err(Ignored::UnusedAction));
    }
}

#[test]
fn a_deleted_fork_and_a_deleted_author_are_no_errors() {
    let changes = [
        ("/action", json!("opened")),
        ("/pull_request/head/repo", Value::Null),
        ("/pull_request/user", Value::Null),
    ];
    let Ok(Event::PullRequest(event)) = said("pull_request", EDITED, &changes) else {
        unreachable!("no event")
    };
    assert_eq!(event.pull_request.head.repository, None);
    assert_eq!(event.pull_request.author.expect("the ghost").id.as_str(), "Ghost");
}

#[test]
fn comments_that_concern_nobody_say_why() {
    for (change, reason) in [
        (("/action", json!("deleted")), Ignored::DeletedComment),
        (("/is_pull", json!(false)), Ignored::PlainIssue),
        (("/comment/user/id", json!(-2)), Ignored::BotComment),
    ] {
        assert_eq!(said("issue_comment", CREATED, &[change]), Err(reason));
    }
    // -1 is the ghost of somebody who was a person.
    let ghost = said("issue_comment", CREATED, &[("/comment/user/id", json!(-1))]);
    assert!(matches!(ghost, Ok(Event::Comment(_))), "{ghost:?}");
}

#[test]
fn a_deleted_branch_or_tag_is_a_push_to_nowhere() {
    for (kind, expected) in
        [("branch", Some("refs/heads/feat")), ("tag", Some("refs/tags/feat")), ("x", None)]
    {
        match said("delete", DELETED, &[("/ref_type", json!(kind))]) {
            Ok(Event::Push(push)) => {
                assert_eq!((Some(push.reference.to_string().as_str()), push.after), (expected, None));
            }
            other => assert_eq!((other, expected), (Err(Ignored::OtherRef), None)),
        }
    }
}

#[test]
fn an_annotated_tag_is_shown_by_its_commit_and_a_deleted_one_by_nothing() {
    let after = |changes: &[(&str, Value)]| match said("push", PUSHED, changes) {
        Ok(Event::Push(event)) => event.after.map(String::from),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(after(&[]).as_deref(), Some("acb1a09aaa4af0a168c62b1000bd2138853a7c4c"));
    let zeros = [("/after", json!("0".repeat(40))), ("/head_commit", Value::Null)];
    assert_eq!(after(&zeros), None);
}

#[test]
fn a_review_is_found_by_its_author_and_the_time_of_the_pull_request() {
    const REVIEWED: &str =
        include_str!("../../../../../tests/payloads/gitea/014-pull_request_comment-reviewed.json");
    let review = |changes: &[(&str, Value)]| match said("pull_request_comment", REVIEWED, changes) {
        Ok(Event::Comment(event)) => event,
        other => unreachable!("{other:?}"),
    };
    assert!(!review(&[]).may_hold_command);
    assert!(!review(&[("/review", Value::Null)]).may_hold_command);
    let event = review(&[("/review/content", json!("Nice.\n/test"))]);
    let expected = CommentPointer::LatestReview {
        reviewer: "root1".parse().expect("a login"),
        shown_at: "2026-11-23T18:40:08Z".parse().expect("a time"),
    };
    assert!(event.may_hold_command);
    assert_eq!((event.comment, event.action), (expected, CommentAction::Created));
    for (change, reason) in [
        (("/action", json!("dismissed")), Ignored::UnusedAction),
        (("/sender/id", json!(-2)), Ignored::BotComment),
    ] {
        assert_eq!(said("pull_request_approved", REVIEWED, &[change]), Err(reason));
    }
}

#[test]
fn no_delivery_however_long_its_texts_makes_an_event_that_a_queue_does_not_take() {
    for character in ["\u{1}", "\"", "\\", "\u{7f}", "a", "\u{10ffff}"] {
        let long = json!(format!("{}\n/test", character.repeat(300 * 1024 / character.len())));
        for (kind, recorded, pointer) in [
            ("issue_comment", CREATED, "/comment/body"),
            ("push", PUSHED, "/head_commit/message"),
            ("pull_request", EDITED, "/pull_request/title"),
        ] {
            let changes = [(pointer, long.clone()), ("/action", json!("created"))];
            let changes = if kind == "pull_request" { &changes[..1] } else { &changes[..] };
            if let Ok(event) = said(kind, recorded, changes) {
                let text = serde_json::to_string(&event).expect("serialises");
                assert!(text.len() < 64 * 1024, "{kind}: {} bytes", text.len());
                if let Event::Comment(comment) = event {
                    assert!(comment.may_hold_command, "the line behind the long text counts");
                }
            }
        }
    }
}
