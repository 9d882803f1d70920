//! Comments, reactions and statuses, on both hosts.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use super::{canned::Canned, *};

async fn start(host: Host) -> (Canned, HostClient, &'static str) {
    let server = Canned::start().await;
    let (client, root) = match host {
        Host::Github => (client(host, &format!("{}/api/v3", server.url)), "/api/v3/repos/acme/shop"),
        Host::Gitea => (client(host, &server.url), "/api/v1/repos/acme/shop"),
    };
    (server, client, root)
}

fn recorded(host: Host) -> Value {
    let text = match host {
        Host::Github => include_str!("../../../../../tests/payloads/github/issue_comment.created.json"),
        Host::Gitea => include_str!("../../../../../tests/payloads/gitea/006-issue_comment-created.json"),
    };
    serde_json::from_str::<Value>(text).expect("JSON")["comment"].clone()
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[tokio::test]
async fn a_comment_is_read_from_what_the_hosts_show() {
    for host in Host::ALL {
        let (server, client, root) = start(host).await;
        let shown = recorded(host);
        let line = format!("GET {root}/issues/comments/5");
        server.on(&line, Json(shown.clone()));
        let facts = client.comment(&repository(), CommentId(5)).await.expect("an answer").expect("a comment");
        assert_eq!(facts.id, CommentId(shown["id"].as_u64().expect("an id")));
        assert_eq!(facts.pull_request, Some(PullRequestNumber(1)));
        assert_eq!(facts.author.as_str(), shown["user"]["login"].as_str().expect("a login"));
        assert_eq!(facts.body, shown["body"].as_str().expect("a body"));
        assert_eq!(facts.created_at, time(shown["created_at"].as_str().expect("a time")));
        assert!(!facts.is_by_bot && facts.updated_at == facts.created_at);

        server.on(&line, StatusCode::NOT_FOUND);
        assert_eq!(client.comment(&repository(), CommentId(5)).await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn bots_and_people_who_are_gone_are_told_apart() {
    for (host, bot) in [
        (Host::Github, json!({"login": "ci[bot]", "id": 1, "type": "Bot"})),
        (Host::Gitea, json!({"login": "gitea-actions", "id": -2})),
    ] {
        let (server, client, root) = start(host).await;
        let line = format!("GET {root}/issues/comments/5");
        for (user, is_by_bot) in [(bot, true), (Value::Null, false)] {
            let mut shown = recorded(host);
            shown["user"] = user;
            server.on(&line, Json(shown));
            let facts = client.comment(&repository(), CommentId(5)).await.expect("an answer");
            assert_eq!(facts.expect("a comment").is_by_bot, is_by_bot, "{host}");
        }
    }
}

#[tokio::test]
async fn what_is_no_comment_on_gitea_has_no_content() {
    let (server, client, root) = start(Host::Gitea).await;
    server.on(&format!("GET {root}/issues/comments/5"), StatusCode::NO_CONTENT);
    assert_eq!(client.comment(&repository(), CommentId(5)).await.expect("an answer"), None);

    let mut on_an_issue = recorded(Host::Gitea);
    on_an_issue["pull_request_url"] = "".into();
    server.on(&format!("GET {root}/issues/comments/6"), Json(on_an_issue));
    let facts = client.comment(&repository(), CommentId(6)).await.expect("an answer").expect("a comment");
    assert_eq!(facts.pull_request, None);
}

#[tokio::test]
async fn comments_are_listed_since_a_time_and_githubs_to_the_last_page() {
    let since = time("2026-11-24T10:00:00Z");
    let (server, client, root) = start(Host::Github).await;
    let line =
        |page| format!("GET {root}/issues/7/comments?since=2026-11-24T10:00:00Z&per_page=100&page={page}");
    let next = [("link", "<https://api.github.com/x?page=2>; rel=\"next\"")];
    server
        .on(&line(1), (next, Json(json!([recorded(Host::Github)]))))
        .on(&line(2), Json(json!([recorded(Host::Github)])));
    let comments = client.comments_since(&repository(), PullRequestNumber(7), since).await.expect("comments");
    assert_eq!(comments.len(), 2);

    let (server, client, root) = start(Host::Gitea).await;
    server.on(
        &format!("GET {root}/issues/7/comments?since=2026-11-24T10:00:00Z"),
        Json(json!([recorded(Host::Gitea)])),
    );
    let comments = client.comments_since(&repository(), PullRequestNumber(7), since).await.expect("comments");
    assert_eq!(comments.len(), 1);
}

#[tokio::test]
async fn a_list_of_comments_without_an_end_is_given_up() {
    let (server, client, root) = start(Host::Github).await;
    let next = [("link", "<https://api.github.com/x>; rel=\"next\"")];
    for page in 1..=10 {
        let line =
            format!("GET {root}/issues/7/comments?since=1970-01-01T00:00:00Z&per_page=100&page={page}");
        server.on(&line, (next, Json(json!([]))));
    }
    let listed = client.comments_since(&repository(), PullRequestNumber(7), Timestamp::UNIX_EPOCH).await;
    assert!(matches!(listed, Err(HostError::Unreadable { .. })), "{listed:?}");
}

#[tokio::test]
async fn answers_are_written_once_and_a_reaction_that_is_there_is_no_error() {
    for host in Host::ALL {
        let (server, client, root) = start(host).await;
        let (comment, reaction) =
            (format!("POST {root}/issues/7/comments"), format!("POST {root}/issues/comments/5/reactions"));
        server.on(&comment, (StatusCode::CREATED, Json(json!({}))));
        client.create_comment(&repository(), PullRequestNumber(7), "hello").await.expect("written");
        for status in [StatusCode::CREATED, StatusCode::OK] {
            server.on(&reaction, (status, Json(json!({}))));
            client.react(&repository(), CommentId(5), Reaction::ThumbsUp).await.expect("reacted");
        }
        server.on(&reaction, StatusCode::BAD_GATEWAY);
        client.react(&repository(), CommentId(5), Reaction::ThumbsUp).await.expect_err("not tried again");
        let bodies: Vec<Value> = server.calls().into_iter().map(|call| call.body).collect();
        let thumb = json!({"content": "+1"});
        assert_eq!(bodies, [json!({"body": "hello"}), thumb.clone(), thumb.clone(), thumb]);
    }
}

#[tokio::test]
async fn statuses_are_read_with_the_time_of_the_host() {
    let expected = StatusFacts {
        context: "tidegate/shop/unit".to_owned(),
        description: "queued".to_owned(),
        created_at: time("2026-11-24T10:00:00Z"),
    };
    let shown = json!({
        "id": 1, "state": "pending", "status": "pending", "context": expected.context,
        "description": expected.description, "created_at": "2026-11-24T11:00:00+01:00",
    });
    let (server, client, root) = start(Host::Github).await;
    let line = format!("GET {root}/commits/{}/statuses?per_page=100&page=1", sha("a"));
    server.on(&line, Json(json!([shown])));
    let statuses = client.statuses(&repository(), &sha("a")).await.expect("statuses");
    assert_eq!(statuses, std::slice::from_ref(&expected));

    let (server, client, root) = start(Host::Gitea).await;
    let line =
        |page| format!("GET {root}/commits/{}/statuses?sort=leastindex&limit=50&page={page}", sha("a"));
    let total = [("x-total-count", "2")];
    server.on(&line(1), (total, Json(json!([shown])))).on(&line(2), (total, Json(json!([shown]))));
    let statuses = client.statuses(&repository(), &sha("a")).await.expect("statuses");
    assert_eq!(statuses, [expected.clone(), expected]);
}
