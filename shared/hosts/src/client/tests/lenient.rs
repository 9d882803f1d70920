//! An answer is read as long as it says what the facts need, and one odd item doesn't spoil a list.

use axum::Json;
use serde_json::{Value, json};

use super::*;

const HEAD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn user() -> Value {
    json!({"login": "dora", "id": 7, "type": "User"})
}

fn pull_request() -> Value {
    json!({
        "number": 7, "state": "open", "merged": false, "draft": false, "title": "Fix", "user": user(), "stack": null,
        "head": {"sha": HEAD, "ref": "fix", "repo": {"full_name": "acme/shop"}},
        "base": {"ref": "main", "repo": {"full_name": "acme/shop"}},
    })
}

fn comment() -> Value {
    json!({
        "id": 5, "issue_url": "https://git.example/acme/shop/issues/7", "user": user(), "body": "/test",
        "pull_request_url": "https://git.example/acme/shop/pulls/7",
        "created_at": "2026-11-24T10:00:01Z", "updated_at": "2026-11-24T10:00:02Z",
    })
}

fn review() -> Value {
    json!({
        "id": 5, "pull_request_url": "https://git.example/acme/shop/pulls/7", "user": user(), "state": "APPROVED",
        "body": "/test", "commit_id": HEAD, "submitted_at": "2026-11-24T10:00:01Z",
        "updated_at": "2026-11-24T10:00:02Z",
    })
}

fn hook() -> Value {
    json!({
        "id": 3, "active": true, "events": ["push"], "type": "gitea",
        "config": {"url": "https://ci.example/hooks/x", "content_type": "json"},
    })
}

/// The pointers of all members, each before what it holds.
pub(super) fn members(value: &Value, at: &str) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    let below = |(name, child): (&String, &Value)| {
        let pointer = format!("{at}/{name}");
        std::iter::once(pointer.clone()).chain(members(child, &pointer)).collect::<Vec<_>>()
    };
    fields.iter().flat_map(below).collect()
}

/// The object with a member missing, null, and of shapes that nobody expects.
pub(super) fn changed(object: &Value, pointer: &str) -> Vec<Value> {
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let mut missing = object.clone();
    missing.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(member);
    let odd = [Value::Null, json!(""), json!("\u{1} odd"), json!(1e30), json!([1]), json!({"login": 1})];
    let odd = odd.into_iter().map(|value| {
        let mut object = object.clone();
        *object.pointer_mut(pointer).expect("a member") = value;
        object
    });
    std::iter::once(missing).chain(odd).collect()
}

#[tokio::test]
async fn only_what_the_facts_of_a_pull_request_need_must_be_there() {
    let needed = ["/number", "/state", "/head", "/head/sha", "/base", "/base/ref", "/stack"];
    for host in V3 {
        let (server, client, root) = start(host).await;
        let line = format!("GET {root}/pulls/7");
        for pointer in members(&pull_request(), "") {
            for shown in changed(&pull_request(), &pointer) {
                server.on(&line, Json(shown.clone()));
                let read = client.read_pull_request(&repository(), PullRequestNumber(7)).await;
                assert!(read.is_ok() || needed.contains(&&*pointer), "{host}, {pointer}: {shown}: {read:?}");
            }
        }
        // Gitea shows a closed one whose commits it has dropped without them.
        for pointer in ["/head/sha", "/base/ref"] {
            let mut closed = pull_request();
            (closed["state"], *closed.pointer_mut(pointer).expect("a member")) = ("closed".into(), "".into());
            server.on(&line, Json(closed));
            let read = client.read_pull_request(&repository(), PullRequestNumber(7)).await;
            assert!(matches!(read, Ok(None)), "{host}, {pointer}: {read:?}");
        }
        let mut gone = pull_request();
        (gone["user"], gone["head"]["repo"], gone["head"]["ref"]) = (Value::Null, Value::Null, json!("a..b"));
        server.on(&line, Json(gone));
        let facts = client
            .read_pull_request(&repository(), PullRequestNumber(7))
            .await
            .expect("an answer")
            .expect("facts");
        assert_eq!(facts.author.as_str().to_lowercase(), "ghost");
        assert_eq!(facts.head, HeadFacts { sha: sha("a"), branch: None, repository: None, owner: None });
    }
}

#[tokio::test]
async fn only_what_the_facts_of_comments_and_reviews_need_must_be_there() {
    for host in V3 {
        let (server, client, root) = start(host).await;
        let line = format!("GET {root}/issues/comments/5");
        for pointer in members(&comment(), "") {
            for shown in changed(&comment(), &pointer) {
                server.on(&line, Json(shown.clone()));
                let read = read_comment(&client, CommentId(5)).await;
                let is_needed = ["/id", "/created_at"].contains(&&*pointer);
                assert!(read.is_ok() || is_needed, "{host}, {pointer}: {shown}: {read:?}");
            }
        }
        let line = format!("GET {root}/pulls/7/reviews/5");
        let review_5 = CommentPointer::Review { review: CommentId(5) };
        for pointer in members(&review(), "") {
            for shown in changed(&review(), &pointer) {
                server.on(&line, Json(shown.clone()));
                let read = client.read_comments(&repository(), PullRequestNumber(7), &review_5).await;
                let is_needed = ["/id", "/submitted_at", "/state"].contains(&&*pointer);
                assert!(read.is_ok() || is_needed, "{host}, {pointer}: {shown}: {read:?}");
            }
        }
    }
}

#[tokio::test]
async fn one_odd_item_does_not_spoil_a_list() {
    let total = [("x-total-count", "6")];
    let list = |good: Value| Json(json!([null, "odd", 7, {"id": "x"}, {}, good]));
    for host in V3 {
        let (server, client, root) = start(host).await;
        let since: Timestamp = "2026-11-24T10:00:00Z".parse().expect("a time");
        let number = PullRequestNumber(7);
        let paths: [&str; 3] = match host {
            Host::Github => [
                "/issues/7/comments?since=2026-11-24T10:00:00Z&per_page=100&page=1",
                "/hooks?per_page=100&page=1",
                "/statuses?per_page=100&page=1",
            ],
            Host::Gitea => [
                "/issues/7/comments?since=2026-11-24T10:00:00Z",
                "/hooks?limit=50&page=1",
                "/statuses?sort=leastindex&limit=50&page=1",
            ],
            Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
        };
        let [comments, hooks, statuses] = paths;
        server.on(&format!("GET {root}{comments}"), (total, list(comment())));
        assert_eq!(client.list_comments(&repository(), number, since).await.expect("comments").len(), 1);
        server.on(&format!("GET {root}{hooks}"), (total, list(hook())));
        assert_eq!(client.list_hooks(&repository()).await.expect("hooks").len(), 1);
        let shown = json!({"context": "tidegate/shop/unit", "description": null, "created_at": "2026-11-24T10:00:01Z"});
        server.on(&format!("GET {root}/commits/{HEAD}{statuses}"), (total, list(shown)));
        assert_eq!(client.list_statuses(&repository(), &sha("a")).await.expect("statuses").len(), 1);
        if host == Host::Gitea {
            server.on(&format!("GET {root}/pulls/7/reviews?limit=50&page=1"), (total, list(review())));
            let pointer = CommentPointer::LatestReview {
                reviewer: login("dora"),
                shown_at: "2026-11-24T10:00:05Z".parse().expect("a time"),
            };
            assert_eq!(
                client.read_comments(&repository(), number, &pointer).await.expect("reviews").len(),
                1
            );
        }
        // A list without items, as Go writes it.
        server.on(&format!("GET {root}{hooks}"), Json(Value::Null));
        assert_eq!(client.list_hooks(&repository()).await.expect("hooks"), []);
        server.on(&format!("GET {root}{comments}"), Json(Value::Null));
        assert_eq!(client.list_comments(&repository(), number, since).await.expect("comments"), []);
    }
}

#[tokio::test]
async fn only_the_id_of_a_hook_must_be_there() {
    for host in V3 {
        let (server, client, root) = start(host).await;
        let page = match host {
            Host::Github => "/hooks?per_page=100&page=1",
            Host::Gitea => "/hooks?limit=50&page=1",
            Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
        };
        for pointer in members(&hook(), "") {
            // Without an address it is a hook of another kind.
            let is_needed = ["/id", "/config", "/config/url"].contains(&&*pointer);
            for shown in changed(&hook(), &pointer) {
                server.on(&format!("GET {root}{page}"), ([("x-total-count", "1")], Json(json!([shown]))));
                let hooks = client.list_hooks(&repository()).await.expect("hooks");
                assert!(hooks.len() == 1 || is_needed, "{host}, {pointer}: {shown}");
            }
        }
    }
}
