//! A delivery is read as long as it says what its event needs. Everything else may be missing, null, or of any shape.

use std::time::SystemTime;

use serde_json::{Value, json};
use tidegate_hosts::{
    hook::HookLabel,
    intake::{Ignored, NormaliseError, Outcome, Unverified, signed_headers},
};
use tidegate_model::{Event, Host, PullRequestAction};

/// A recorded delivery, and the fields that its event needs.
struct Delivery {
    host: Host,
    kind: &'static str,
    recorded: &'static str,
    needed: &'static [&'static str],
}

const PULL_REQUEST: &[&str] =
    &["/action", "/pull_request", "/pull_request/number", "/repository", "/repository/full_name"];
const PUSH: &[&str] = &["/ref", "/after", "/repository", "/repository/full_name"];
const COMMENT: &[&str] = &[
    "/action",
    "/issue",
    "/issue/number",
    "/comment",
    "/comment/id",
    "/repository",
    "/repository/full_name",
];

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../tests/payloads/", $name))
    };
}

const MERGE_REQUEST: &[&str] =
    &["/object_attributes", "/object_attributes/iid", "/project", "/project/path_with_namespace"];

const BITBUCKET_PULL_REQUEST: &[&str] =
    &["/pullrequest", "/pullrequest/id", "/repository", "/repository/full_name"];

const BITBUCKET: [Delivery; 4] = [
    Delivery {
        host: Host::Bitbucket,
        kind: "pullrequest:created",
        recorded: recorded!("bitbucket/pullrequest.created.json"),
        needed: BITBUCKET_PULL_REQUEST,
    },
    Delivery {
        host: Host::Bitbucket,
        kind: "pullrequest:rejected",
        recorded: recorded!("bitbucket/pullrequest.rejected.json"),
        needed: BITBUCKET_PULL_REQUEST,
    },
    Delivery {
        host: Host::Bitbucket,
        kind: "pullrequest:comment_updated",
        recorded: recorded!("bitbucket/pullrequest.comment_updated.json"),
        needed: &[
            "/comment",
            "/comment/id",
            "/pullrequest",
            "/pullrequest/id",
            "/repository",
            "/repository/full_name",
        ],
    },
    Delivery {
        host: Host::Bitbucket,
        kind: "repo:commit_comment_created",
        recorded: recorded!("bitbucket/repo.commit_comment_created.json"),
        needed: &[
            "/comment",
            "/comment/id",
            "/commit",
            "/commit/hash",
            "/repository",
            "/repository/full_name",
        ],
    },
];

const DELIVERIES: [Delivery; 13] = [
    Delivery {
        host: Host::Github,
        kind: "pull_request",
        recorded: recorded!("github/pull_request.opened.json"),
        needed: PULL_REQUEST,
    },
    Delivery {
        host: Host::Github,
        kind: "pull_request",
        recorded: recorded!("github/pull_request.closed.json"),
        needed: PULL_REQUEST,
    },
    Delivery {
        host: Host::Github,
        kind: "push",
        recorded: recorded!("github/push.branch-created.json"),
        needed: PUSH,
    },
    Delivery {
        host: Host::Github,
        kind: "issue_comment",
        recorded: recorded!("github/issue_comment.created.json"),
        needed: COMMENT,
    },
    Delivery {
        host: Host::Github,
        kind: "pull_request_review",
        recorded: recorded!("github/pull_request_review.submitted.json"),
        needed: &[
            "/action",
            "/review",
            "/review/id",
            "/pull_request",
            "/pull_request/number",
            "/repository",
            "/repository/full_name",
        ],
    },
    Delivery {
        host: Host::Gitlab,
        kind: "Merge Request Hook",
        recorded: recorded!("gitlab/client-go/merge_request.json"),
        needed: MERGE_REQUEST,
    },
    Delivery {
        host: Host::Gitlab,
        kind: "Push Hook",
        recorded: recorded!("gitlab/client-go/push.json"),
        needed: &["/ref", "/after", "/project", "/project/path_with_namespace"],
    },
    Delivery {
        host: Host::Gitlab,
        kind: "Note Hook",
        recorded: recorded!("gitlab/client-go/note_merge_request.json"),
        needed: &[
            "/object_attributes",
            "/object_attributes/id",
            "/merge_request",
            "/merge_request/iid",
            "/project",
            "/project/path_with_namespace",
        ],
    },
    Delivery {
        host: Host::Gitlab,
        kind: "Note Hook",
        recorded: recorded!("gitlab/client-go/note_commit.json"),
        needed: &[
            "/object_attributes",
            "/object_attributes/id",
            "/object_attributes/commit_id",
            "/project",
            "/project/path_with_namespace",
        ],
    },
    Delivery {
        host: Host::Gitea,
        kind: "pull_request",
        recorded: recorded!("gitea/005-pull_request-opened.json"),
        needed: PULL_REQUEST,
    },
    Delivery { host: Host::Gitea, kind: "push", recorded: recorded!("gitea/025-push.json"), needed: PUSH },
    Delivery {
        host: Host::Gitea,
        kind: "issue_comment",
        recorded: recorded!("gitea/006-issue_comment-created.json"),
        needed: COMMENT,
    },
    Delivery {
        host: Host::Gitea,
        kind: "pull_request_comment",
        recorded: recorded!("gitea/014-pull_request_comment-reviewed.json"),
        needed: &[
            "/action",
            "/sender",
            "/sender/login",
            "/pull_request",
            "/pull_request/number",
            "/pull_request/updated_at",
            "/repository",
            "/repository/full_name",
        ],
    },
];

/// Every proof takes it: it is a signing token of GitLab.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn normalise(host: Host, kind: &str, payload: &Value) -> Result<Result<Event, Ignored>, NormaliseError> {
    let body = payload.to_string();
    let id = "d-1".parse().expect("a delivery id");
    let label = HookLabel::for_host(host);
    let headers = signed_headers(label, kind, &id, body.as_bytes(), &SECRET.into(), SystemTime::now())
        .expect("headers");
    Ok(match Unverified::new(host, &headers, body.as_bytes()).normalise()?.outcome {
        Outcome::Events(events) => {
            let [event] = <[Event; 1]>::try_from(events).expect("one event");
            Ok(event)
        }
        Outcome::Ignored(reason) => Err(reason),
    })
}

/// The names of all members that some payload type has.
const READ: [&str; 60] = [
    "action",
    "actor",
    "after",
    "author",
    "author_id",
    "base",
    "body",
    "branch",
    "changes",
    "checkout_sha",
    "comment",
    "commit",
    "commit_id",
    "commits",
    "content",
    "destination",
    "display_name",
    "full_name",
    "hash",
    "head",
    "head_commit",
    "id",
    "iid",
    "is_pull",
    "issue",
    "last_commit",
    "login",
    "merge_request",
    "merged",
    "message",
    "name",
    "note",
    "noteable_type",
    "number",
    "object_attributes",
    "oldrev",
    "path_with_namespace",
    "project",
    "pull_request",
    "pullrequest",
    "raw",
    "ref",
    "repo",
    "repository",
    "review",
    "sender",
    "sha",
    "source",
    "source_branch",
    "source_project_id",
    "system",
    "target_branch",
    "target_project_id",
    "title",
    "type",
    "updated_at",
    "user",
    "user_username",
    "username",
    "uuid",
];

/// What happens to a member of a name that no payload type has.
#[derive(Clone, Copy)]
enum Unread {
    Removed,
    Null,
}

/// The payload with the members changed that nobody reads.
fn reduced(value: &Value, unread: Unread) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let reduce = |(name, child): (&String, &Value)| match (READ.contains(&&**name), unread) {
        (true, _) => Some((name.clone(), reduced(child, unread))),
        (false, Unread::Removed) => None,
        (false, Unread::Null) => Some((name.clone(), Value::Null)),
    };
    fields.iter().filter_map(reduce).collect::<serde_json::Map<_, _>>().into()
}

/// The pointers of all members of all objects in a payload.
fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, child)| (format!("{at}/{name}"), child)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(i, child)| (format!("{at}/{i}"), child)).collect()
        }
        _ => Vec::new(),
    };
    for (pointer, child) in children {
        members(child, &pointer, found);
        found.push(pointer);
    }
}

/// The payload without a member.
fn without(payload: &Value, pointer: &str) -> Value {
    let mut payload = payload.clone();
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    match payload.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(member)),
        Some(Value::Array(items)) => drop(items.remove(member.parse().expect("an index"))),
        _ => unreachable!("{pointer}"),
    }
    payload
}

fn with(payload: &Value, pointer: &str, value: Value) -> Value {
    let mut payload = payload.clone();
    *payload.pointer_mut(pointer).expect("a member") = value;
    payload
}

#[test]
fn only_what_the_event_needs_must_be_there() {
    for Delivery { host, kind, recorded, needed } in DELIVERIES.into_iter().chain(BITBUCKET) {
        let recorded: Value = serde_json::from_str(recorded).expect("recorded JSON");
        let whole = normalise(host, kind, &recorded).expect("a recorded delivery");
        for unread in [Unread::Removed, Unread::Null] {
            assert_eq!(
                normalise(host, kind, &reduced(&recorded, unread)),
                Ok(whole.clone()),
                "{kind} of {host}"
            );
        }
        let payload = reduced(&recorded, Unread::Removed);
        let mut pointers = Vec::new();
        members(&payload, "", &mut pointers);
        for pointer in needed {
            assert!(pointers.iter().any(|known| known == pointer), "{kind} of {host} has no {pointer}");
        }
        for pointer in pointers {
            let missing = [without(&payload, &pointer), with(&payload, &pointer, Value::Null)];
            if needed.contains(&&*pointer) {
                for payload in missing {
                    let refused = normalise(host, kind, &payload);
                    let Err(NormaliseError::Body { .. }) = refused else {
                        unreachable!("{kind} of {host} without {pointer}: {refused:?}")
                    };
                }
                continue;
            }
            // The text of a comment is a text, if it is there.
            let texts = [
                "/comment/body",
                "/comment/content/raw",
                "/review/body",
                "/review/content",
                "/review",
                "/object_attributes/note",
            ];
            let is_text = texts.contains(&&*pointer);
            let odd =
                [json!(""), json!("\u{1} odd"), json!(1e30), json!(-7), json!([1]), json!({"login": 1})];
            let odd = odd.into_iter().filter(|_| !is_text).map(|value| with(&payload, &pointer, value));
            for payload in missing.into_iter().chain(odd) {
                let read = normalise(host, kind, &payload);
                assert!(read.is_ok(), "{kind} of {host} with {pointer} changed: {read:?}");
            }
        }
    }
}

#[test]
fn a_close_without_a_head_is_still_a_close() {
    let recorded: Value = serde_json::from_str(recorded!("github/pull_request.closed.json")).expect("JSON");
    let changes = [("/pull_request/head/sha", json!("")), ("/pull_request/head", Value::Null)];
    for payload in changes.map(|(pointer, value)| with(&recorded, pointer, value)) {
        for (host, kind) in [(Host::Github, "pull_request"), (Host::Gitea, "pull_request")] {
            let Ok(Ok(Event::PullRequest(event))) = normalise(host, kind, &payload) else {
                unreachable!("no event of {host}")
            };
            assert_eq!(event.action, PullRequestAction::Closed);
            assert_eq!(event.pull_request.head.sha, None);
        }
    }
}

#[test]
fn a_head_branch_of_any_name_is_no_reason_to_refuse() {
    let recorded: Value = serde_json::from_str(recorded!("github/pull_request.opened.json")).expect("JSON");
    for name in ["a..b".to_owned(), "x".repeat(500), String::new()] {
        let payload = with(&recorded, "/pull_request/head/ref", json!(name));
        let Ok(Ok(Event::PullRequest(event))) = normalise(Host::Github, "pull_request", &payload) else {
            unreachable!("no event")
        };
        assert_eq!(event.pull_request.head.branch, None, "{name:?}");
        assert!(event.pull_request.head.sha.is_some());
    }
}

#[test]
fn what_nobody_uses_is_ignored_whatever_else_the_delivery_holds() {
    for (host, kind, action, reason) in [
        (Host::Github, "pull_request", "labeled", Ignored::UnusedAction),
        (Host::Github, "issue_comment", "deleted", Ignored::DeletedComment),
        (Host::Github, "issue_comment", "pinned", Ignored::UnusedAction),
        (Host::Github, "pull_request_review", "dismissed", Ignored::UnusedAction),
        (Host::Gitea, "pull_request", "label_updated", Ignored::UnusedAction),
        (Host::Gitea, "issue_comment", "deleted", Ignored::DeletedComment),
        (Host::Gitea, "pull_request_approved", "a new word", Ignored::UnusedAction),
    ] {
        let payload = json!({"action": action, "pull_request": null, "repository": 7});
        assert_eq!(normalise(host, kind, &payload), Ok(Err(reason)), "{kind} {action}");
    }
}

#[test]
fn a_gitea_without_is_pull_shows_by_the_issue_whether_it_is_a_pull_request() {
    let recorded: Value =
        serde_json::from_str(recorded!("gitea/006-issue_comment-created.json")).expect("JSON");
    let old = without(&recorded, "/is_pull");
    assert!(matches!(normalise(Host::Gitea, "issue_comment", &old), Ok(Ok(Event::Comment(_)))));
    let plain = with(&old, "/issue/pull_request", Value::Null);
    assert_eq!(normalise(Host::Gitea, "issue_comment", &plain), Ok(Err(Ignored::PlainIssue)));
}
