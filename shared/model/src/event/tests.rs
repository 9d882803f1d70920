use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{CommentId, ConfigRef, Envelope, Host, Source, Version};

/// What a queue takes in one message.
const MAX_MESSAGE: usize = 256 * 1024;

#[test]
fn a_line_that_starts_with_a_slash_may_be_a_command() {
    for text in
        ["/test", "hello\n/test", "hello\r\n  /foo", "a\r/b", "\t/x", "\u{a0}/x", "/", "```\n/test\n```"]
    {
        assert!(CommentEvent::may_hold_command(text), "{text:?}");
    }
    let behind = format!("{}\n/test", "a".repeat(70 * 1024));
    assert!(CommentEvent::may_hold_command(&behind), "the whole text counts");
    for text in ["", "hello", "see /test", "> /test", "- /test", "\\/test", "`/test`", "a\n"] {
        assert!(!CommentEvent::may_hold_command(text), "{text:?}");
    }
}

#[test]
fn an_event_of_an_older_function_with_the_text_of_a_comment_is_read() {
    let event = |field: &str, value: serde_json::Value| {
        let mut event = json!({
            "kind": "comment", "repository": "acme/shop", "action": "created", "pull_request": 7, "comment": 9,
            "author": "dora",
        });
        event[field] = value;
        serde_json::from_value::<Event>(event)
    };
    for (field, value, expected) in [
        ("body", json!("Please\n/test"), true),
        ("body", json!("Please"), false),
        ("may_hold_command", json!(true), true),
        ("may_hold_command", json!(false), false),
    ] {
        let Ok(Event::Comment(read)) = event(field, value) else { unreachable!("{field}: no comment") };
        assert_eq!((read.may_hold_command, read.comment), (expected, CommentPointer::Comment(CommentId(9))));
    }
    assert!(event("body", json!(7)).is_err());
}

/// As many of these characters as a text of so many bytes holds.
fn filled(with: char, bytes: usize) -> String {
    with.to_string().repeat(bytes / with.len_utf8())
}

/// Every text of every event as long as its type allows, of the character that JSON makes longest among those it allows.
fn longest(message: &str) -> Vec<Event> {
    let login: crate::Login = filled('\\', 255).parse().expect("a login");
    let account = Account { id: login.clone(), name: Some(filled('"', 255).into()) };
    let branch: RefName = filled('"', 244).parse().expect("a branch");
    let repository: RepositoryPath = format!("a/{}", filled('b', 253)).parse().expect("a repository");
    let sha: CommitSha = filled('a', 64).parse().expect("a SHA");
    let shown_at = format!("2026-11-23T18:40:08.{}Z", filled('0', 19)).parse().expect("a time");
    vec![
        Event::PullRequest(PullRequestEvent {
            repository: repository.clone(),
            action: PullRequestAction::Synchronized,
            pull_request: PullRequest {
                number: PullRequestNumber(u64::MAX),
                author: Some(account.clone()),
                head: Head {
                    sha: Some(sha.clone().into()),
                    branch: Some(branch.clone()),
                    repository: Some(repository.clone()),
                },
                base: Some(branch.clone()),
            },
        }),
        Event::Push(PushEvent {
            repository: repository.clone(),
            reference: GitRef::Branch(branch),
            after: Some(sha),
            message: message.to_owned(),
            sender: Some(account.clone()),
        }),
        Event::Comment(CommentEvent {
            repository,
            action: CommentAction::Created,
            pull_request: PullRequestNumber(u64::MAX),
            comment: CommentPointer::LatestReview { reviewer: login, shown_at },
            author: account,
            may_hold_command: true,
        }),
    ]
}

proptest! {
    #[test]
    fn no_event_is_longer_as_json_than_a_queue_takes(with in any::<char>()) {
        for with in [with, '\u{1}', '\u{7f}', '"', '\\', '\u{2028}', '\u{10ffff}'] {
            for event in longest(&filled(with, PushEvent::MAX_MESSAGE)) {
                let envelope = Envelope {
                    v: Version,
                    delivery: filled('"', 128).parse().expect("a delivery id"),
                    host: Host::Github,
                    source: Source::Config(ConfigRef {
                        namespace: filled('a', 63).parse().expect("a namespace"),
                        name: filled('a', 63).parse().expect("a name"),
                    }),
                    salt: None,
                    received_at_ms: u64::MAX,
                    traceparent: crate::TraceParent::from_ids(u128::MAX, u64::MAX),
                    body: event,
                };
                let text = serde_json::to_string(&envelope).expect("serialises");
                // A quarter of the limit: there is room for attributes, and for a plugin's own fields.
                prop_assert!(text.len() < MAX_MESSAGE / 4, "{} bytes", text.len());
                prop_assert_eq!(serde_json::from_str::<Envelope<Event>>(&text).expect("parses"), envelope);
            }
        }
    }
}
