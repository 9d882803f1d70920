use serde_json::{Value, json};
use tidegate_model::{
    CommentAction, CommentId, CommentPointer, Event, Host, PullRequestAction, PullRequestNumber,
};

use super::*;
use crate::inbound;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../../../tests/payloads/gitlab/client-go/", $name, ".json"))
    };
}

const MERGE_REQUEST: &str = recorded!("merge_request");
/// A real one, of a head that moved.
const UPDATED: &str = recorded!("service_merge_request");
const ON_MERGE_REQUEST: &str = recorded!("note_merge_request");
const ON_COMMIT: &str = recorded!("note_commit");
const ON_ISSUE: &str = recorded!("note_issue");
const PUSHED: &str = recorded!("push");
const TAGGED: &str = recorded!("tag_push");

fn said(kind: &str, recorded: &str, changes: &[(&str, Value)]) -> Result<Event, Ignored> {
    inbound::tests::said(Host::Gitlab, kind, recorded, changes)
}

fn pull_request(
    recorded: &str,
    changes: &[(&str, Value)],
) -> Result<(PullRequestAction, PullRequest), Ignored> {
    match said("Merge Request Hook", recorded, changes)? {
        Event::PullRequest(event) => Ok((event.action, event.pull_request)),
        other => unreachable!("{other:?}"),
    }
}

fn action(changes: &[(&str, Value)]) -> Result<PullRequestAction, Ignored> {
    pull_request(MERGE_REQUEST, changes).map(|(action, _)| action)
}

#[test]
fn each_action_says_what_happened() {
    use PullRequestAction::{Closed, Merged, Opened, Reopened, Synchronized};
    for (word, expected) in [("open", Opened), ("reopen", Reopened), ("close", Closed), ("merge", Merged)] {
        assert_eq!(action(&[("/object_attributes/action", json!(word))]), Ok(expected));
    }
    for word in ["approved", "approval", "unapproved", "unapproval", "a new word", ""] {
        assert_eq!(action(&[("/object_attributes/action", json!(word))]), Err(Ignored::UnusedAction));
    }
    assert_eq!(action(&[("/object_attributes/action", Value::Null)]), Err(Ignored::UnusedAction));
    assert_eq!(pull_request(UPDATED, &[]).map(|(action, _)| action), Ok(Synchronized));
    let event = said("Merge Request Hook", UPDATED, &[]).expect("an event");
    assert_eq!(event.repository().as_str(), "test/woodpecker");
}

#[test]
fn an_update_is_unused_only_if_all_that_changed_is_known_to_be() {
    use PullRequestAction::{BaseChanged, TitleChanged, Updated};
    let updated = |names: &[&str]| {
        let changes: Value = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({"previous": 1, "current": 2})))
            .collect::<serde_json::Map<_, _>>()
            .into();
        action(&[("/object_attributes/action", json!("update")), ("/changes", changes)])
    };
    for (names, expected) in [
        (&["target_branch", "title"][..], Ok(BaseChanged)),
        (&["updated_at", "title"], Ok(TitleChanged)),
        (&["draft", "labels"], Ok(TitleChanged)),
        // All that GitLab says of another base.
        (&["merge_status"], Ok(Updated)),
        (&["merge_status", "labels"], Ok(Updated)),
        (&["updated_at"], Ok(Updated)),
        (&[], Ok(Updated)),
        (&["labels", "updated_at"], Err(Ignored::UnusedAction)),
        (&["description", "reviewers", "updated_by_id"], Err(Ignored::UnusedAction)),
    ] {
        assert_eq!(updated(names), expected, "{names:?}");
    }
    let none = [("/object_attributes/action", json!("update")), ("/changes", Value::Null)];
    assert_eq!(action(&none), Ok(Updated));
}

#[test]
fn the_author_is_known_only_where_the_author_acts() {
    let author = |acting: Value| {
        let (_, pull_request) = pull_request(MERGE_REQUEST, &[("/user", acting)]).expect("an event");
        pull_request.author.map(|author| author.id.to_string())
    };
    assert_eq!(author(json!({"id": 51, "username": "dora"})).as_deref(), Some("dora"));
    for other in
        [json!({"id": 1, "username": "dora"}), json!({"username": "dora"}), json!({"id": 51}), Value::Null]
    {
        assert_eq!(author(other.clone()), None, "{other}");
    }
    let both_missing =
        [("/user", json!({"username": "dora"})), ("/object_attributes/author_id", Value::Null)];
    assert_eq!(pull_request(MERGE_REQUEST, &both_missing).expect("an event").1.author, None);
}

#[test]
fn a_fork_is_told_by_the_numbers_of_the_projects() {
    let head = |changes: &[(&str, Value)]| {
        let (_, pull_request) = pull_request(MERGE_REQUEST, changes).expect("an event");
        pull_request.head.repository.map(|repository| repository.to_string())
    };
    let deep = json!({"path_with_namespace": "steve/team/sub/shop"});
    let forked = [("/object_attributes/source_project_id", json!(15)), ("/object_attributes/source", deep)];
    assert_eq!(head(&[]).as_deref(), Some("gitlabhq/gitlab-test"));
    assert_eq!(head(&forked).as_deref(), Some("steve/team/sub/shop"));
    assert_eq!(head(&[("/object_attributes/source_project_id", Value::Null)]), None, "it was deleted");
    assert_eq!(head(&[forked[0].clone(), ("/object_attributes/source", Value::Null)]), None);
    let (_, pull_request) = pull_request(UPDATED, &[]).expect("an event");
    assert_eq!(pull_request.number, PullRequestNumber(2));
    let sha = pull_request.head.sha.map(|sha| sha.to_string());
    assert_eq!(sha.as_deref(), Some("0ab96a10266b95b4b533dcfd98738015fbe70889"));
    assert_eq!(pull_request.head.branch.expect("a branch").as_str(), "next-feature");
    assert_eq!(pull_request.base.expect("a branch").as_str(), "master");
}

#[test]
fn a_note_is_found_by_its_id_where_it_is() {
    let Ok(Event::Comment(event)) = said("Note Hook", ON_MERGE_REQUEST, &[]) else {
        unreachable!("no event")
    };
    assert_eq!(event.repository.as_str(), "gitlab-org/gitlab-test");
    assert_eq!((event.pull_request, event.action), (PullRequestNumber(1), CommentAction::Created));
    assert_eq!(event.comment, CommentPointer::Comment(CommentId(1244)));
    assert_eq!((event.author.id.as_str(), event.may_hold_command), ("root", false));

    let note = |change: (&str, Value)| said("Note Hook", ON_MERGE_REQUEST, &[change]);
    let Ok(Event::Comment(event)) = note(("/object_attributes/note", json!("Nice.\n/test"))) else {
        unreachable!("no event")
    };
    assert!(event.may_hold_command);
    let Ok(Event::Comment(event)) = note(("/object_attributes/action", json!("update"))) else {
        unreachable!("no event")
    };
    assert_eq!(event.action, CommentAction::Edited);
    // Before 16.11.
    assert!(note(("/object_attributes/action", Value::Null)).is_ok());
    let Ok(Event::Comment(event)) = note(("/user", Value::Null)) else { unreachable!("no event") };
    assert_eq!(event.author.id.as_str(), "ghost");

    let Ok(Event::CommitComment(event)) = said("Note Hook", ON_COMMIT, &[]) else { unreachable!("no event") };
    assert_eq!(event.commit.as_str(), "cfe32cf61b73a0d5e9f13e774abde7ff789b1660");
    assert_eq!(event.comment, CommentId(1243));
}

#[test]
fn notes_that_concern_nobody_say_why() {
    let bot = json!({"id": 9, "username": "project_5_bot_3cca1d029554e372cf8f39df76bf507d"});
    for (recorded, change, reason) in [
        (ON_MERGE_REQUEST, ("/object_attributes/system", json!(true)), Ignored::BotComment),
        (ON_MERGE_REQUEST, ("/user", bot), Ignored::BotComment),
        (ON_MERGE_REQUEST, ("/object_attributes/action", json!("a new word")), Ignored::UnusedAction),
        (ON_COMMIT, ("/object_attributes/action", json!("update")), Ignored::UnusedAction),
        (ON_ISSUE, ("/object_attributes/system", json!(false)), Ignored::PlainIssue),
        (recorded!("note_snippet"), ("/object_attributes/system", json!(false)), Ignored::PlainIssue),
    ] {
        assert_eq!(said("Note Hook", recorded, &[change]), Err(reason));
    }
    for kind in ["Confidential Note Hook", "Emoji Hook", "Pipeline Hook", "System Hook", "note"] {
        assert_eq!(said(kind, ON_MERGE_REQUEST, &[]), Err(Ignored::UnusedKind), "{kind}");
    }
}

#[test]
fn only_the_accounts_of_tokens_are_bots_by_their_name() {
    for (name, expected) in [
        ("project_5_bot", true),
        ("project_5_bot_3cca1d029554", true),
        ("group_12_bot1", false),
        ("group_12_bot_x", true),
        ("project_bot_5", false),
        ("project_x_bot", false),
        ("project__bot", false),
        ("dora", false),
        ("ghost", false),
    ] {
        assert_eq!(crate::gitlab::account::is_bot(&name.parse().expect("a login")), expected, "{name}");
    }
}

fn push(kind: &str, recorded: &str, changes: &[(&str, Value)]) -> (String, Option<String>, String) {
    match said(kind, recorded, changes) {
        Ok(Event::Push(event)) => (event.reference.to_string(), event.after.map(String::from), event.message),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_push_has_the_message_of_the_commit_that_it_ends_with() {
    let sha = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7";
    let expected = ("refs/heads/master".to_owned(), Some(sha.to_owned()), "fixed readme\n".to_owned());
    assert_eq!(push("Push Hook", PUSHED, &[]), expected);
    for (pointer, value) in
        [("/commits", Value::Null), ("/commits", json!([])), ("/commits/1/id", json!("b".repeat(40)))]
    {
        let (reference, after, message) = push("Push Hook", PUSHED, &[(pointer, value)]);
        assert_eq!((reference, after, message.as_str()), (expected.0.clone(), expected.1.clone(), ""));
    }
    let Ok(Event::Push(event)) = said("Push Hook", PUSHED, &[]) else { unreachable!("no event") };
    assert_eq!(event.sender.expect("a sender").id.as_str(), "jsmith");
    assert_eq!(event.repository.as_str(), "mike/diaspora");
}

#[test]
fn a_deleted_ref_points_nowhere_and_an_annotated_tag_to_its_commit() {
    let zeros = [("/after", json!("0".repeat(40))), ("/checkout_sha", Value::Null)];
    assert_eq!(push("Push Hook", PUSHED, &zeros), ("refs/heads/master".to_owned(), None, String::new()));
    assert_eq!(push("Tag Push Hook", TAGGED, &zeros), ("refs/tags/v1.0.0".to_owned(), None, String::new()));
    let (_, after, message) = push("Tag Push Hook", TAGGED, &[("/after", json!("a".repeat(40)))]);
    assert_eq!(after.as_deref(), Some("82b3d5ae55f7080f1e6022629cdb57bfae7cccc7"));
    assert!(message.starts_with("Merge branch"), "{message}");
    // Of a branch, `after` counts.
    let (_, after, _) = push("Push Hook", PUSHED, &[("/after", json!("a".repeat(40)))]);
    assert_eq!(after, Some("a".repeat(40)));
    let other = said("Push Hook", PUSHED, &[("/ref", json!("refs/keep-around/1"))]);
    assert_eq!(other, Err(Ignored::OtherRef));
}

#[test]
fn what_nobody_uses_is_ignored_whatever_else_the_delivery_holds() {
    for (kind, action, reason) in [
        ("Merge Request Hook", "approved", Ignored::UnusedAction),
        ("Note Hook", "a new word", Ignored::UnusedAction),
    ] {
        let body = json!({"object_attributes": {"action": action}, "project": 7}).to_string();
        let read = parse(kind, body.as_bytes());
        assert!(matches!(read, Ok(Inbound::Nothing(found)) if found == reason), "{kind}");
    }
    let body = json!({"object_attributes": {"action": "open", "iid": 7}, "project": 7}).to_string();
    let Err(NormaliseError::Body { field, .. }) = parse("Merge Request Hook", body.as_bytes()) else {
        unreachable!("it was read")
    };
    assert_eq!(field, "project");
}

#[test]
fn no_delivery_however_long_its_texts_makes_an_event_that_a_queue_does_not_take() {
    for character in ["\u{1}", "\"", "\\", "\u{7f}", "a", "\u{10ffff}"] {
        let long = json!(format!("{}\n/test", character.repeat(300 * 1024 / character.len())));
        for (kind, recorded, pointer) in [
            ("Note Hook", ON_MERGE_REQUEST, "/object_attributes/note"),
            ("Note Hook", ON_COMMIT, "/object_attributes/note"),
            ("Push Hook", PUSHED, "/commits/1/message"),
            ("Merge Request Hook", MERGE_REQUEST, "/object_attributes/source_branch"),
        ] {
            let event = said(kind, recorded, &[(pointer, long.clone())]).expect("an event");
            let text = serde_json::to_string(&event).expect("serialises");
            assert!(text.len() < 64 * 1024, "{kind}: {} bytes", text.len());
        }
    }
}
