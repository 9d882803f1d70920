use serde_json::{Value, json};

use super::*;

const EDITED: &str = include_str!("../../../../../tests/payloads/gitea/017-pull_request-edited.json");
const CREATED: &str = include_str!("../../../../../tests/payloads/gitea/006-issue_comment-created.json");
const PUSHED: &str = include_str!("../../../../../tests/payloads/gitea/025-push.json");

/// A recorded payload with some values changed, each named by its JSON pointer. A pointer to nothing adds the member.
fn outcome(kind: &str, recorded: &str, changes: &[(&str, Value)]) -> Outcome {
    let mut payload: Value = serde_json::from_str(recorded).expect("recorded JSON");
    for (pointer, value) in changes {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        payload.pointer_mut(parent).expect("the parent")[member] = value.clone();
    }
    normalise(kind, payload.to_string().as_bytes()).expect("readable")
}

#[test]
fn only_an_edit_of_the_base_is_an_event() {
    // The shape is that of `PullRequestChangeTargetBranch` in Gitea's `services/webhook/notifier.go`.
    let retargeted = [("/changes", json!({"ref": {"from": "main"}, "added_labels": null}))];
    let Outcome::Event(Event::PullRequest(event)) = outcome("pull_request", EDITED, &retargeted) else {
        unreachable!("no event")
    };
    assert_eq!(event.action, PullRequestAction::BaseChanged);
    for other in [json!({"title": {"from": "x"}, "ref": null}), Value::Null] {
        assert_eq!(
            outcome("pull_request", EDITED, &[("/changes", other)]),
            Outcome::Ignored(Ignored::UnusedAction)
        );
    }
}

#[test]
fn a_deleted_fork_and_a_deleted_author_are_no_errors() {
    let changes = [
        ("/action", json!("opened")),
        ("/pull_request/head/repo", Value::Null),
        ("/pull_request/user", Value::Null),
    ];
    let Outcome::Event(Event::PullRequest(event)) = outcome("pull_request", EDITED, &changes) else {
        unreachable!("no event")
    };
    assert_eq!(event.pull_request.head.repository, None);
    assert_eq!(event.pull_request.author.as_str(), "Ghost");
}

#[test]
fn comments_that_concern_nobody_say_why() {
    for (change, reason) in [
        (("/action", json!("deleted")), Ignored::DeletedComment),
        (("/is_pull", json!(false)), Ignored::PlainIssue),
        (("/comment/user/id", json!(-2)), Ignored::BotComment),
    ] {
        assert_eq!(outcome("issue_comment", CREATED, &[change]), Outcome::Ignored(reason));
    }
    // -1 is the ghost of somebody who was a person.
    let ghost = outcome("issue_comment", CREATED, &[("/comment/user/id", json!(-1))]);
    assert!(matches!(ghost, Outcome::Event(Event::Comment(_))), "{ghost:?}");
}

#[test]
fn an_annotated_tag_is_shown_by_its_commit_and_a_deleted_one_by_nothing() {
    let after = |changes: &[(&str, Value)]| match outcome("push", PUSHED, changes) {
        Outcome::Event(Event::Push(event)) => event.after.map(String::from),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(after(&[]).as_deref(), Some("acb1a09aaa4af0a168c62b1000bd2138853a7c4c"));
    let zeros = [("/after", json!("0".repeat(40))), ("/head_commit", Value::Null)];
    assert_eq!(after(&zeros), None);
}
