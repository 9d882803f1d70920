//! Comments on pull requests and commits.

use axum::Json;
use http::StatusCode;

use super::*;

const COMMENTS: &str = "/2.0/repositories/acme/shop/pullrequests/7/comments";

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(super) fn comment(id: u64) -> Value {
    json!({
        "type": "pullrequest_comment", "id": id, "user": user(DORA), "content": {"raw": "/test", "html": "x"},
        "created_on": "2026-11-24T10:00:01.999+00:00", "updated_on": "2026-11-24T10:00:02.003+00:00",
        "deleted": false, "pending": false, "pullrequest": {"type": "pullrequest", "id": 7},
        "inline": {"path": "a.rs", "from": null, "to": 3},
    })
}

fn facts(id: u64) -> CommentFacts {
    CommentFacts {
        id: CommentId(id),
        kind: CommentKind::Comment,
        reviewed: None,
        pull_request: Some(PullRequestNumber(7)),
        author: login(DORA),
        is_by_bot: false,
        body: "/test".to_owned(),
        created_at: time("2026-11-24T10:00:01Z"),
        updated_at: time("2026-11-24T10:00:01Z"),
    }
}

#[tokio::test]
async fn a_comment_is_there_until_it_is_deleted_and_once_it_is_published() {
    let (server, client) = start().await;
    let line = format!("GET {COMMENTS}/5");
    server.on(&line, Json(comment(5)));
    assert_eq!(read_comment(&client, CommentId(5)).await.expect("an answer"), Some(facts(5)));
    for mark in ["deleted", "pending"] {
        let mut marked = comment(5);
        marked[mark] = true.into();
        server.on(&line, Json(marked));
        assert_eq!(read_comment(&client, CommentId(5)).await.expect("an answer"), None, "{mark}");
    }
    server.on(&line, StatusCode::NOT_FOUND);
    assert_eq!(read_comment(&client, CommentId(5)).await.expect("an answer"), None);

    let mut edited = comment(5);
    edited["updated_on"] = "2026-11-24T11:00:03.5+01:00".into();
    server.on(&line, Json(edited));
    let edited = read_comment(&client, CommentId(5)).await.expect("an answer").expect("a comment");
    assert_eq!(edited.updated_at, time("2026-11-24T10:00:03Z"));

    let mut odd = comment(5);
    (odd["user"], odd["content"], odd["pullrequest"]) = (Value::Null, Value::Null, Value::Null);
    server.on(&line, Json(odd));
    let odd = read_comment(&client, CommentId(5)).await.expect("an answer").expect("a comment");
    assert_eq!((odd.author.as_str(), &*odd.body), ("{00000000-0000-0000-0000-000000000000}", ""));
    assert_eq!(odd.pull_request, Some(PullRequestNumber(7)));
}

#[tokio::test]
async fn comments_since_a_time_are_listed_oldest_first() {
    let (server, client) = start().await;
    let query = "pagelen=100&sort=created_on&q=updated_on%20%3E%3D%202026-11-24T10%3A00%3A01%2B00%3A00";
    let mut older = comment(3);
    (older["created_on"], older["updated_on"]) = ("2026-11-24T09:00:00Z".into(), Value::Null);
    let mut deleted = comment(4);
    deleted["deleted"] = true.into();
    server.on(&format!("GET {COMMENTS}?{query}"), page(&json!([older, deleted, {"id": "x"}, comment(5)])));
    let since = time("2026-11-24T10:00:01Z");
    let listed = client.list_comments(&repository(), PullRequestNumber(7), since).await.expect("comments");
    assert_eq!(listed, [facts(5)]);
}

#[tokio::test]
async fn a_review_has_no_text_and_nobody_can_react() {
    let (server, client) = start().await;
    let number = PullRequestNumber(7);
    let pointer = CommentPointer::Review { review: CommentId(5) };
    assert_eq!(client.read_comments(&repository(), number, &pointer).await.expect("an answer"), []);
    let reacted = client.react(&repository(), number, CommentId(5), Reaction::ThumbsUp).await;
    assert!(matches!(reacted, Err(HostError::Unsupported)), "{reacted:?}");
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn comments_on_a_commit_are_read_and_written() {
    let (server, client) = start().await;
    let path = format!("{ROOT}/commit/{}/comments", sha("a"));
    let mut shown = comment(5);
    (shown["pullrequest"], shown["commit"]) = (Value::Null, json!({"hash": "a".repeat(40)}));
    let comment = CommentFacts { pull_request: None, ..facts(5) };
    let expected = CommitCommentFacts { commit: sha("a"), comment };
    server
        .on(&format!("GET {path}/5"), Json(shown.clone()))
        .on(&format!("GET {path}/5"), StatusCode::NOT_FOUND)
        .on(&format!("GET {path}?pagelen=100&sort=created_on"), page(&json!([shown])));
    for expected in [Some(expected.clone()), None] {
        let read = client.read_commit_comment(&repository(), &sha("a"), CommentId(5)).await;
        assert_eq!(read.expect("an answer"), expected);
    }
    let listed = client.list_commit_comments(&repository(), &sha("a")).await.expect("comments");
    assert_eq!(listed, [expected]);

    for line in [format!("POST {path}"), format!("POST {COMMENTS}")] {
        server.on(&line, (StatusCode::CREATED, Json(json!({}))));
    }
    client.create_commit_comment(&repository(), &sha("a"), "hello").await.expect("written");
    client.create_comment(&repository(), PullRequestNumber(7), "hello").await.expect("written");
    for call in &server.calls()[3..] {
        assert_eq!(call.body, json!({"content": {"raw": "hello"}}));
    }
}
