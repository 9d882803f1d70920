use serde_json::{Value, json};
use tidegate_model::{CommentAction, CommentPointer, Event, Host, PullRequestAction, PushEvent};

use crate::{inbound, intake::Ignored};

const OPENED: &str = include_str!("../../../../../tests/payloads/github/pull_request.opened.json");
const CREATED: &str = include_str!("../../../../../tests/payloads/github/issue_comment.created.json");
const PUSHED: &str = include_str!("../../../../../tests/payloads/github/push.branch-created.json");

fn said(kind: &str, recorded: &str, changes: &[(&str, Value)]) -> Result<Event, Ignored> {
    inbound::tests::said(Host::Github, kind, recorded, changes)
}

fn pull_request_action(changes: &[(&str, Value)]) -> Option<PullRequestAction> {
    match said("pull_request", OPENED, changes) {
        Ok(Event::PullRequest(event)) => Some(event.action),
        Err(Ignored::UnusedAction) => None,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn only_an_edit_of_the_base_or_the_title_is_an_event() {
    let base = json!({"base": {"ref": {"from": "main"}, "sha": {"from": "0"}}});
    let edited = ("/action", json!("edited"));
    assert_eq!(
        pull_request_action(&[edited.clone(), ("/changes", base)]),
        Some(PullRequestAction::BaseChanged)
    );
    let title = json!({"title": {"from": "x"}});
    assert_eq!(
        pull_request_action(&[edited.clone(), ("/changes", title)]),
        Some(PullRequestAction::TitleChanged)
    );
    for other in [json!({"body": {"from": "x"}}), json!({}), Value::Null] {
        assert_eq!(pull_request_action(&[edited.clone(), ("/changes", other)]), None);
    }
}

#[test]
fn merged_is_closed_with_the_mark() {
    let closed = ("/action", json!("closed"));
    let action = |merged: Value| pull_request_action(&[closed.clone(), ("/pull_request/merged", merged)]);
    assert_eq!(action(json!(true)), Some(PullRequestAction::Merged));
    assert_eq!(action(json!(false)), Some(PullRequestAction::Closed));
    assert_eq!(action(Value::Null), Some(PullRequestAction::Closed));
}

#[test]
fn a_deleted_fork_and_a_deleted_author_are_no_errors() {
    let changes = [("/pull_request/head/repo", Value::Null), ("/pull_request/user", Value::Null)];
    let Ok(Event::PullRequest(event)) = said("pull_request", OPENED, &changes) else {
        unreachable!("no event")
    };
    assert_eq!(event.pull_request.head.repository, None);
    assert_eq!(event.pull_request.author.expect("the ghost").id.as_str(), "ghost");
}

#[test]
fn comments_on_pull_requests_by_people_are_events() {
    let on_pull_request = ("/issue/pull_request", json!({"url": "x"}));
    for (action, expected) in [("created", CommentAction::Created), ("edited", CommentAction::Edited)] {
        let changes =
            [on_pull_request.clone(), ("/action", json!(action)), ("/comment/body", json!("/test \u{e9}\n"))];
        let Ok(Event::Comment(event)) = said("issue_comment", CREATED, &changes) else {
            unreachable!("no event")
        };
        assert_eq!(event.action, expected);
        assert_eq!(event.author.id.as_str(), "Codertocat");
        assert!(event.may_hold_command);
    }
    for (change, reason) in [
        (("/action", json!("deleted")), Ignored::DeletedComment),
        (("/action", json!("pinned")), Ignored::UnusedAction),
        (("/comment/user/type", json!("Bot")), Ignored::BotComment),
        (("/issue/pull_request", Value::Null), Ignored::PlainIssue),
    ] {
        let changes = [on_pull_request.clone(), change];
        assert_eq!(said("issue_comment", CREATED, &changes), Err(reason));
    }
}

#[test]
fn a_new_comment_on_a_commit_by_a_person_is_an_event() {
    let of = |action: &str, kind: &str| {
        let payload = json!({
            "action": action, "repository": {"full_name": "acme/shop"},
            "comment": {
                "id": 9, "commit_id": "a".repeat(40), "user": {"login": "dora", "type": kind}, "body": "so:\r\n/retest",
            },
        });
        said("commit_comment", &payload.to_string(), &[])
    };
    let Ok(Event::CommitComment(event)) = of("created", "User") else { unreachable!("no event") };
    assert_eq!((event.commit.as_str(), event.comment.to_string()), (&*"a".repeat(40), "9".to_owned()));
    assert!(event.may_hold_command);
    assert_eq!(of("edited", "User"), Err(Ignored::UnusedAction));
    assert_eq!(of("created", "Bot"), Err(Ignored::BotComment));
}

#[test]
fn a_command_behind_any_length_of_text_counts() {
    for text in ["\u{e9}".repeat(100 * 1024), "\u{1}".repeat(100 * 1024)] {
        let changes = [
            ("/issue/pull_request", json!({"url": "x"})),
            ("/comment/body", json!(format!("{text}\r\n/test"))),
        ];
        let Ok(event) = said("issue_comment", CREATED, &changes) else { unreachable!("no event") };
        let Event::Comment(comment) = &event else { unreachable!("no comment") };
        assert!(comment.may_hold_command);
        assert!(serde_json::to_string(&event).expect("serialises").len() < 1024);
    }
}

fn pushed(changes: &[(&str, Value)]) -> PushEvent {
    match said("push", PUSHED, changes) {
        Ok(Event::Push(event)) => event,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn an_annotated_tag_is_shown_by_its_commit_and_a_branch_by_after() {
    let (object, commit) = ("a".repeat(40), "b".repeat(40));
    let changes = [("/after", json!(object)), ("/head_commit", json!({"id": commit}))];
    let [after, head_commit] = changes;
    let tag = pushed(&[("/ref", json!("refs/tags/v1")), after.clone(), head_commit.clone()]);
    assert_eq!(tag.after.expect("a commit").as_str(), commit);
    let bare_tag = pushed(&[("/ref", json!("refs/tags/v1")), after.clone(), ("/head_commit", Value::Null)]);
    assert_eq!(bare_tag.after.expect("a tag object").as_str(), object);
    let branch = pushed(&[after, head_commit]);
    assert_eq!(branch.after.expect("a commit").as_str(), object);
}

#[test]
fn a_deleted_ref_points_nowhere_and_other_refs_are_ignored() {
    for zeros in ["0".repeat(40), "0".repeat(64)] {
        assert_eq!(pushed(&[("/after", json!(zeros))]).after, None);
    }
    let notes = said("push", PUSHED, &[("/ref", json!("refs/notes/commits"))]);
    assert_eq!(notes, Err(Ignored::OtherRef));
}

#[test]
fn a_submitted_review_is_a_comment_by_its_id() {
    const SUBMITTED: &str =
        include_str!("../../../../../tests/payloads/github/pull_request_review.submitted.json");
    let review = |changes: &[(&str, Value)]| said("pull_request_review", SUBMITTED, changes);
    let event = |changes: &[(&str, Value)]| match review(changes) {
        Ok(Event::Comment(event)) => event,
        other => unreachable!("{other:?}"),
    };
    assert!(!event(&[]).may_hold_command, "a review without a text");
    let submitted = event(&[("/review/body", json!("Nice.\r\n/test"))]);
    assert!(submitted.may_hold_command);
    let pointer = CommentPointer::Review { review: tidegate_model::CommentId(237_895_671) };
    assert_eq!((submitted.comment, submitted.action), (pointer, CommentAction::Created));
    assert_eq!(event(&[("/action", json!("edited"))]).action, CommentAction::Edited);
    for (change, reason) in [
        (("/action", json!("dismissed")), Ignored::UnusedAction),
        (("/review/user/type", json!("Bot")), Ignored::BotComment),
    ] {
        assert_eq!(review(&[change]), Err(reason));
    }
}
