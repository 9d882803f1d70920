use serde_json::{Value, json};
use tidegate_model::{
    Account, CommentAction, CommentId, CommentPointer, Event, Host, PullRequestAction, PushEvent,
};

use crate::{
    delivery::Outcome,
    inbound,
    intake::{Ignored, NormaliseError},
    normalise::normalise,
};

const CREATED: &str = include_str!("../../../../../tests/payloads/bitbucket/pullrequest.created.json");
const PUSHED: &str = include_str!("../../../../../tests/payloads/bitbucket/repo.push.json");
const COMMENTED: &str =
    include_str!("../../../../../tests/payloads/bitbucket/pullrequest.comment_created.json");

fn said(kind: &str, recorded: &str, changes: &[(&str, Value)]) -> Result<Event, Ignored> {
    inbound::tests::said(Host::Bitbucket, kind, recorded, changes)
}

#[test]
fn the_kind_says_what_happened_to_a_pull_request_and_the_state_nothing() {
    for (kind, expected) in [
        ("created", PullRequestAction::Opened),
        ("push", PullRequestAction::Synchronized),
        ("updated", PullRequestAction::Updated),
        ("fulfilled", PullRequestAction::Merged),
        ("rejected", PullRequestAction::Closed),
    ] {
        for state in [json!("OPEN"), json!("a new word"), Value::Null] {
            let changes = [("/pullrequest/state", state)];
            let Ok(Event::PullRequest(event)) = said(&format!("pullrequest:{kind}"), CREATED, &changes)
            else {
                unreachable!("no event")
            };
            assert_eq!(event.action, expected);
            assert_eq!(event.repository.as_str(), "team_name/repo_name");
        }
    }
}

#[test]
fn a_pull_request_is_shown_with_the_digits_and_the_account_of_the_host() {
    let Ok(Event::PullRequest(event)) = said("pullrequest:created", CREATED, &[]) else {
        unreachable!("no event")
    };
    let shown = event.pull_request;
    let author = shown.author.expect("an author");
    assert_eq!(author.id.as_str(), "{a54f16da-24e9-4d7f-a3a7-b1ba2cd98aa3}");
    assert_eq!(author.shown(), "Emma");
    assert_eq!(shown.head.sha.map(String::from).as_deref(), Some("d3022fc0ca3d"));
    assert_eq!(shown.head.branch.map(String::from).as_deref(), Some("branch2"));
    assert_eq!(shown.head.repository.map(String::from).as_deref(), Some("team_name/repo_name"));
    assert_eq!(shown.base.map(String::from).as_deref(), Some("master"));
}

#[test]
fn a_deleted_fork_and_a_deleted_author_are_no_errors() {
    let changes = [("/pullrequest/source/repository", Value::Null), ("/pullrequest/author", Value::Null)];
    let Ok(Event::PullRequest(event)) = said("pullrequest:created", CREATED, &changes) else {
        unreachable!("no event")
    };
    assert_eq!(event.pull_request.head.repository, None);
    let author = event.pull_request.author.expect("a stand-in");
    assert_eq!(author.id.as_str(), "{00000000-0000-0000-0000-000000000000}");
}

fn pushed(changes: &Value) -> Result<Outcome, NormaliseError> {
    let mut payload: Value = serde_json::from_str(PUSHED).expect("recorded JSON");
    payload["push"]["changes"] = changes.clone();
    super::parse("repo:push", payload.to_string().as_bytes()).map(normalise)
}

fn events(changes: &Value) -> Vec<PushEvent> {
    let Ok(Outcome::Events(events)) = pushed(changes) else { unreachable!("no events") };
    let push = |event| match event {
        Event::Push(push) => push,
        other => unreachable!("{other:?}"),
    };
    events.into_iter().map(push).collect()
}

fn end(kind: &str, name: &str, hash: &str) -> Value {
    json!({"type": kind, "name": name, "target": {"type": "commit", "hash": hash, "message": "Fix it\n"}})
}

#[test]
fn one_push_is_an_event_for_each_branch_and_tag() {
    let (a, b) = ("a".repeat(40), "b".repeat(40));
    let changes = json!([
        {"new": end("branch", "feature/ü", &a), "old": null, "created": true},
        {"new": end("branch", "main", &b), "old": end("branch", "main", &a), "forced": true},
        {"new": end("tag", "v1", &b), "old": null},
        {"new": null, "old": end("branch", "old", &a), "closed": true},
        {"new": null, "old": end("tag", "v0", &a), "closed": true},
        {"new": end("bookmark", "x", &a), "old": null},
        {"new": null, "old": null},
    ]);
    let shown = |push: &PushEvent| (push.reference.to_string(), push.after.clone().map(String::from));
    let expected = [
        ("refs/heads/feature/ü", Some(&a)),
        ("refs/heads/main", Some(&b)),
        ("refs/tags/v1", Some(&b)),
        ("refs/heads/old", None),
        ("refs/tags/v0", None),
    ];
    let expected = expected.map(|(reference, after)| (reference.to_owned(), after.cloned()));
    let events = events(&changes);
    assert_eq!(events.iter().map(shown).collect::<Vec<_>>(), expected);
    assert_eq!(events[0].message, "Fix it\n");
    assert_eq!(events[0].sender.as_ref().map(Account::shown), Some("Emma"));
    for nothing in [json!([]), json!([{"new": end("bookmark", "x", &a), "old": null}])] {
        assert_eq!(pushed(&nothing), Ok(Outcome::Ignored(Ignored::OtherRef)));
    }
}

#[test]
fn a_push_needs_the_name_and_the_whole_hash_of_what_is_new() {
    let whole = json!({"new": end("branch", "main", &"a".repeat(40)), "old": null});
    for (pointer, odd) in [
        ("/new/target/hash", json!("d3022fc0ca3d")),
        ("/new/target/hash", json!("0".repeat(40))),
        ("/new/target", Value::Null),
        ("/new/name", json!("a..b")),
        ("/new/type", Value::Null),
        ("/new", json!("main")),
    ] {
        let mut change = whole.clone();
        *change.pointer_mut(pointer).expect("a member") = odd;
        assert!(matches!(pushed(&json!([change])), Err(NormaliseError::Body { .. })), "{pointer}");
    }
    for (pointer, odd) in
        [("/new/target/message", json!(7)), ("/old", json!("main")), ("/old", json!({"type": 7, "name": []}))]
    {
        let mut change = whole.clone();
        *change.pointer_mut(pointer).expect("a member") = odd;
        assert_eq!(events(&json!([change])).len(), 1, "{pointer}");
    }
}

#[test]
fn the_kind_says_what_happened_to_a_comment_and_programs_write_none() {
    for (kind, expected) in [
        ("comment_created", Ok(CommentAction::Created)),
        ("comment_updated", Ok(CommentAction::Edited)),
        ("comment_deleted", Err(Ignored::DeletedComment)),
        ("comment_resolved", Err(Ignored::UnusedAction)),
        ("comment_reopened", Err(Ignored::UnusedAction)),
        ("approved", Err(Ignored::UnusedKind)),
    ] {
        let changes = [("/comment/content/raw", json!("Nice.\n/test"))];
        let event = said(&format!("pullrequest:{kind}"), COMMENTED, &changes);
        let action = event.map(|event| match event {
            Event::Comment(event) => {
                assert!(event.may_hold_command);
                assert_eq!(event.comment, CommentPointer::Comment(CommentId(17)));
                event.action
            }
            other => unreachable!("{other:?}"),
        });
        assert_eq!(action, expected, "{kind}");
    }
    // An old payload names only who did it.
    let Ok(Event::Comment(event)) = said("pullrequest:comment_created", COMMENTED, &[]) else {
        unreachable!("no event")
    };
    assert_eq!(event.author.shown(), "Emma");
    let program = json!({"type": "app_user", "uuid": "{1}", "display_name": "CI"});
    let by_program = said("pullrequest:comment_created", COMMENTED, &[("/comment/user", program)]);
    assert_eq!(by_program, Err(Ignored::BotComment));
}

#[test]
fn no_delivery_however_long_its_texts_makes_an_event_that_a_queue_does_not_take() {
    for character in ["\u{1}", "\"", "\\", "a", "\u{10ffff}"] {
        let long = json!(format!("{}\n/test", character.repeat(300 * 1024 / character.len())));
        for (kind, recorded, pointer) in [
            ("pullrequest:comment_created", COMMENTED, "/comment/content/raw"),
            ("pullrequest:created", CREATED, "/pullrequest/title"),
            ("pullrequest:created", CREATED, "/pullrequest/author/display_name"),
            ("repo:push", PUSHED, "/push/changes/0/new/target/message"),
        ] {
            let mut payload: Value = serde_json::from_str(recorded).expect("recorded JSON");
            *payload.pointer_mut(pointer).expect("a member") = long.clone();
            let outcome = super::parse(kind, payload.to_string().as_bytes()).map(normalise);
            let Ok(Outcome::Events(events)) = outcome else { unreachable!("{kind}: {outcome:?}") };
            for event in events {
                let text = serde_json::to_string(&event).expect("serialises");
                assert!(text.len() < 64 * 1024, "{kind}: {} bytes", text.len());
                if let Event::Comment(comment) = event {
                    assert!(comment.may_hold_command, "the line behind the long text counts");
                }
            }
        }
    }
}
