//! Comments, reactions and statuses, on the hosts of v3.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use super::*;

fn recorded(host: Host) -> Value {
    let text = match host {
        Host::Github => include_str!("../../../../../tests/payloads/github/issue_comment.created.json"),
        Host::Gitea => include_str!("../../../../../tests/payloads/gitea/006-issue_comment-created.json"),
        Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
    };
    serde_json::from_str::<Value>(text).expect("JSON")["comment"].clone()
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[tokio::test]
async fn a_comment_is_read_from_what_the_hosts_show() {
    for host in V3 {
        let (server, client, root) = start(host).await;
        let shown = recorded(host);
        let line = format!("GET {root}/issues/comments/5");
        server.on(&line, Json(shown.clone()));
        let facts = read_comment(&client, CommentId(5)).await.expect("an answer").expect("a comment");
        assert_eq!(facts.id, CommentId(shown["id"].as_u64().expect("an id")));
        assert_eq!(facts.pull_request, Some(PullRequestNumber(1)));
        assert_eq!(facts.author.as_str(), shown["user"]["login"].as_str().expect("a login"));
        assert_eq!(facts.body, shown["body"].as_str().expect("a body"));
        assert_eq!(facts.created_at, time(shown["created_at"].as_str().expect("a time")));
        assert!(!facts.is_by_bot && facts.updated_at == facts.created_at);

        server.on(&line, StatusCode::NOT_FOUND);
        assert_eq!(read_comment(&client, CommentId(5)).await.expect("an answer"), None);
    }
}

fn review(host: Host, id: u64, login: &str, body: &str, second: u32) -> Value {
    let at = format!("2026-11-24T10:00:{second:02}Z");
    let submitted_state = match host {
        Host::Github => "APPROVED",
        Host::Gitea => "COMMENT",
        Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
    };
    json!({
        "id": id, "user": {"login": login, "id": 7}, "body": body, "state": submitted_state,
        "commit_id": "a".repeat(40), "submitted_at": at, "updated_at": at,
        "pull_request_url": "https://git.example/acme/shop/pulls/7",
    })
}

#[tokio::test]
async fn a_renamed_repository_is_shown_by_its_new_path() {
    for (host, status) in
        [(Host::Github, StatusCode::MOVED_PERMANENTLY), (Host::Gitea, StatusCode::TEMPORARY_REDIRECT)]
    {
        let (server, client, root) = start(host).await;
        let moved = format!("{}{root}-by-id", server.url);
        server.on(&format!("GET {root}"), (status, [("location", moved)]));
        server.on(&format!("GET {root}-by-id"), Json(json!({"full_name": "acme/store"})));
        let path = client.read_repository(&repository()).await.expect("an answer");
        assert_eq!(path.as_str(), "acme/store", "{host}");
    }
}

#[tokio::test]
async fn a_review_is_read_by_its_id_and_one_that_is_being_written_is_not_there() {
    for host in V3 {
        let (server, client, root) = start(host).await;
        let line = format!("GET {root}/pulls/7/reviews/5");
        server.on(&line, Json(review(host, 5, "dora", "/test", 3)));
        let pointer = CommentPointer::Review { review: CommentId(5) };
        let number = PullRequestNumber(7);
        let found = client.read_comments(&repository(), number, &pointer).await.expect("an answer");
        let expected = CommentFacts {
            id: CommentId(5),
            kind: CommentKind::Review,
            reviewed: Some(sha("a")),
            pull_request: Some(number),
            author: login("dora"),
            is_by_bot: false,
            body: "/test".to_owned(),
            created_at: time("2026-11-24T10:00:03Z"),
            updated_at: time("2026-11-24T10:00:03Z"),
        };
        assert_eq!(found, [expected]);

        let mut pending = review(host, 5, "dora", "/test", 3);
        pending["state"] = "PENDING".into();
        if host == Host::Github {
            pending["submitted_at"] = Value::Null;
        }
        server.on(&line, Json(pending)).on(&line, StatusCode::NOT_FOUND);
        for _ in 0..2 {
            assert_eq!(client.read_comments(&repository(), number, &pointer).await.expect("an answer"), []);
        }
    }
}

#[tokio::test]
async fn giteas_reviews_are_found_by_author_and_time_over_all_pages() {
    let (server, client, root) = start(Host::Gitea).await;
    let line = |page| format!("GET {root}/pulls/7/reviews?limit=50&page={page}");
    let one = |id, login, body, second| review(Host::Gitea, id, login, body, second);
    let mut pending = one(9, "dora", "/pending", 3);
    pending["state"] = "PENDING".into();
    let first = json!([one(1, "dora", "/old", 1), one(2, "dora", "/a", 3), one(3, "steve", "/no", 3)]);
    let second =
        json!([one(4, "dora", "/b", 3), one(5, "dora", "", 3), pending, one(8, "dora", "/young", 5)]);
    let total = [("x-total-count", "7")];
    let number = PullRequestNumber(7);
    for (shown_at, expected) in [
        ("2026-11-24T11:00:04+01:00", vec!["/a", "/b"]),
        ("2026-11-24T10:00:02Z", vec!["/old"]),
        ("2026-11-24T10:00:05Z", vec!["/young"]),
        ("2026-11-24T10:00:00Z", vec![]),
    ] {
        server.on(&line(1), (total, Json(first.clone()))).on(&line(2), (total, Json(second.clone())));
        let pointer = CommentPointer::LatestReview {
            reviewer: login("dora"),
            shown_at: shown_at.parse().expect("a time"),
        };
        let found = client.read_comments(&repository(), number, &pointer).await.expect("reviews");
        let bodies: Vec<&str> = found.iter().map(|review| &*review.body).collect();
        assert_eq!(bodies, expected, "{shown_at}");
    }
    // GitHub's deliveries name the review: nobody points so there.
    let (_server, github, _) = start(Host::Github).await;
    let pointer = CommentPointer::LatestReview {
        reviewer: login("dora"),
        shown_at: "2026-11-24T10:00:05Z".parse().expect("a time"),
    };
    assert_eq!(github.read_comments(&repository(), number, &pointer).await.expect("an answer"), []);
}

#[tokio::test]
async fn bots_are_distinguished_from_deleted_people() {
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
            let facts = read_comment(&client, CommentId(5)).await.expect("an answer");
            assert_eq!(facts.expect("a comment").is_by_bot, is_by_bot, "{host}");
        }
    }
}

#[tokio::test]
async fn what_is_no_comment_on_gitea_has_no_content() {
    let (server, client, root) = start(Host::Gitea).await;
    server.on(&format!("GET {root}/issues/comments/5"), StatusCode::NO_CONTENT);
    assert_eq!(read_comment(&client, CommentId(5)).await.expect("an answer"), None);

    let mut on_an_issue = recorded(Host::Gitea);
    on_an_issue["pull_request_url"] = "".into();
    server.on(&format!("GET {root}/issues/comments/6"), Json(on_an_issue));
    let facts = read_comment(&client, CommentId(6)).await.expect("an answer").expect("a comment");
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
    let comments = client.list_comments(&repository(), PullRequestNumber(7), since).await.expect("comments");
    assert_eq!(comments.len(), 2);

    let (server, client, root) = start(Host::Gitea).await;
    server.on(
        &format!("GET {root}/issues/7/comments?since=2026-11-24T10:00:00Z"),
        Json(json!([recorded(Host::Gitea)])),
    );
    let comments = client.list_comments(&repository(), PullRequestNumber(7), since).await.expect("comments");
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
    let listed = client.list_comments(&repository(), PullRequestNumber(7), Timestamp::UNIX_EPOCH).await;
    assert!(matches!(listed, Err(HostError::Unreadable { .. })), "{listed:?}");
}

#[tokio::test]
async fn answers_are_written_once_and_a_reaction_that_is_there_is_no_error() {
    for host in V3 {
        let (server, client, root) = start(host).await;
        let (comment, reaction) =
            (format!("POST {root}/issues/7/comments"), format!("POST {root}/issues/comments/5/reactions"));
        let number = PullRequestNumber(7);
        server.on(&comment, (StatusCode::CREATED, Json(json!({}))));
        client.create_comment(&repository(), number, "hello").await.expect("written");
        for status in [StatusCode::CREATED, StatusCode::OK] {
            server.on(&reaction, (status, Json(json!({}))));
            client.react(&repository(), number, CommentId(5), Reaction::ThumbsUp).await.expect("reacted");
        }
        server.on(&reaction, StatusCode::BAD_GATEWAY);
        client
            .react(&repository(), number, CommentId(5), Reaction::ThumbsUp)
            .await
            .expect_err("not tried again");
        let bodies: Vec<Value> = server.calls().into_iter().map(|call| call.body).collect();
        let thumb = json!({"content": "+1"});
        assert_eq!(bodies, [json!({"body": "hello"}), thumb.clone(), thumb.clone(), thumb]);
    }
}

#[tokio::test]
async fn the_text_of_a_comment_is_replaced_on_each_host() {
    for host in Host::ALL {
        let (server, client, root) = start(host).await;
        let line = match host {
            Host::Github | Host::Gitea => format!("PATCH {root}/issues/comments/5"),
            Host::Gitlab => format!("PUT {root}/merge_requests/7/notes/5"),
            Host::Bitbucket => format!("PUT {root}/pullrequests/7/comments/5"),
        };
        let repository = if host == Host::Gitlab { gitlab::shop() } else { repository() };
        server.on(&line, Json(json!({})));
        client
            .update_comment(&repository, PullRequestNumber(7), CommentId(5), "hello")
            .await
            .expect("written");
        let expected = match host {
            Host::Github | Host::Gitlab | Host::Gitea => json!({"body": "hello"}),
            Host::Bitbucket => json!({"content": {"raw": "hello"}}),
        };
        assert_eq!(server.calls()[0].body, expected, "{host}");
        server.on(&line, StatusCode::FORBIDDEN);
        let refused = client.update_comment(&repository, PullRequestNumber(7), CommentId(5), "hello").await;
        assert!(matches!(refused, Err(HostError::Forbidden { .. })), "{host}: {refused:?}");
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
    let statuses = client.list_statuses(&repository(), &sha("a")).await.expect("statuses");
    assert_eq!(statuses, std::slice::from_ref(&expected));

    let (server, client, root) = start(Host::Gitea).await;
    let line =
        |page| format!("GET {root}/commits/{}/statuses?sort=leastindex&limit=50&page={page}", sha("a"));
    let total = [("x-total-count", "2")];
    server.on(&line(1), (total, Json(json!([shown])))).on(&line(2), (total, Json(json!([shown]))));
    let statuses = client.list_statuses(&repository(), &sha("a")).await.expect("statuses");
    assert_eq!(statuses, [expected.clone(), expected]);
}

#[tokio::test]
async fn a_status_is_posted_once_in_the_words_of_the_host() {
    for host in V3 {
        let (server, client, root) = start(host).await;
        let line = format!("POST {root}/statuses/{}", sha("a"));
        for (state, word) in [
            (StatusState::Pending, "pending"),
            (StatusState::Success, "success"),
            (StatusState::Failure, "failure"),
            (StatusState::Error, "error"),
        ] {
            server.on(&line, (StatusCode::CREATED, Json(json!({}))));
            client.set_status(&repository(), &CommitStatus { state, ..status() }).await.expect("set");
            let body = json!({
                "state": word, "context": "tidegate/shop/test", "description": "exit code 1", "target_url": null,
            });
            assert_eq!(server.calls().last().expect("a call").body, body, "{host}");
        }
        server.on(&line, StatusCode::BAD_GATEWAY);
        let error = client.set_status(&repository(), &status()).await.expect_err("unavailable");
        assert!(error.class().is_transient(), "{error:?}");
        assert_eq!(server.lines().len(), 5, "{host}");
    }
}
