//! Notes of GitLab, on merge requests and commits.

use axum::Json;
use http::StatusCode;

use super::{
    gitlab::{ROOT, shop, start},
    *,
};

const NUMBER: PullRequestNumber = PullRequestNumber(7);

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn note(id: u64, body: &str, second: u32, changes: &[(&str, Value)]) -> Value {
    let mut note = json!({
        "id": id, "type": null, "body": body, "author": {"id": 7, "username": "dora"}, "system": false,
        "created_at": "2026-11-24T10:00:01.784Z", "updated_at": format!("2026-11-24T10:00:{second:02}.901Z"),
        "noteable_iid": 7, "noteable_type": "MergeRequest",
    });
    for (member, value) in changes {
        note[*member] = value.clone();
    }
    note
}

async fn read(client: &HostClient) -> Vec<CommentFacts> {
    let pointer = CommentPointer::Comment(CommentId(5));
    client.read_comments(&shop(), NUMBER, &pointer).await.expect("an answer")
}

#[tokio::test]
async fn a_comment_is_read_by_the_merge_request_and_its_id() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/merge_requests/7/notes/5");
    server.on(&line, Json(note(5, "/test", 1, &[])));
    let expected = CommentFacts {
        id: CommentId(5),
        kind: CommentKind::Comment,
        reviewed: None,
        pull_request: Some(NUMBER),
        author: login("dora"),
        is_by_bot: false,
        body: "/test".to_owned(),
        created_at: time("2026-11-24T10:00:01Z"),
        updated_at: time("2026-11-24T10:00:01Z"),
    };
    assert_eq!(read(&client).await, [expected]);
    let bot = json!({"id": 9, "username": "group_4_bot_3cca1d"});
    for (change, author, is_by_bot) in
        [(("author", Value::Null), "ghost", false), (("author", bot), "group_4_bot_3cca1d", true)]
    {
        server.on(&line, Json(note(5, "/test", 1, &[change])));
        let [facts] = &read(&client).await[..] else { unreachable!("one comment") };
        assert_eq!((facts.author.as_str(), facts.is_by_bot), (author, is_by_bot));
    }
    server.on(&line, Json(note(5, "changed the title", 1, &[("system", json!(true))])));
    assert_eq!(read(&client).await, []);
    server.on(&line, StatusCode::NOT_FOUND);
    assert_eq!(read(&client).await, []);

    // Nothing points to a review here.
    let review = CommentPointer::Review { review: CommentId(5) };
    assert_eq!(client.read_comments(&shop(), NUMBER, &review).await.expect("an answer"), []);
}

#[tokio::test]
async fn comments_are_read_back_to_the_time_that_is_asked_for() {
    let (server, client) = start().await;
    let line = |page| {
        format!(
            "GET {ROOT}/merge_requests/7/notes?order_by=updated_at&sort=desc&activity_filter=only_comments&per_page=100&page={page}"
        )
    };
    let system = note(8, "added 1 commit", 7, &[("system", json!(true))]);
    server
        .on(
            &line(1),
            ([("x-next-page", "2")], Json(json!([note(3, "a", 9, &[]), system, note(9, "b", 6, &[])]))),
        )
        .on(
            &line(2),
            (
                [("x-next-page", "3")],
                Json(json!([note(9, "b", 6, &[]), note(2, "c", 5, &[]), note(1, "d", 4, &[])])),
            ),
        );
    let since = time("2026-11-24T10:00:05Z");
    let comments = client.list_comments(&shop(), NUMBER, since).await.expect("comments");
    let ids: Vec<u64> = comments.iter().map(|comment| comment.id.0).collect();
    assert_eq!(ids, [2, 3, 9], "oldest first, each once");
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn no_line_of_an_answer_is_a_command_of_gitlab() {
    let (server, client) = start().await;
    let comment = format!("POST {ROOT}/merge_requests/7/notes");
    let on_commit = format!("POST {ROOT}/repository/commits/{}/comments", sha("a"));
    let text = "@dora:\n\n/merge\n  /close\n- `/test`: done";
    let expected = "@dora:\n\n\\/merge\n\\/close\n- `/test`: done";
    server
        .on(&comment, (StatusCode::CREATED, Json(json!({}))))
        .on(&on_commit, (StatusCode::CREATED, Json(json!({}))));
    client.create_comment(&shop(), NUMBER, text).await.expect("written");
    assert_eq!(server.calls()[0].body, json!({ "body": expected }));
    client.create_commit_comment(&shop(), &sha("a"), text).await.expect("written");
    assert_eq!(server.calls()[1].body, json!({ "note": expected }));
    // It was taken for commands, and not written.
    server.on(&comment, (StatusCode::ACCEPTED, Json(json!({}))));
    client.create_comment(&shop(), NUMBER, "hello").await.expect_err("not written");
}

#[tokio::test]
async fn a_reaction_that_is_there_is_no_error_and_a_missing_comment_is_one() {
    let (server, client) = start().await;
    let awards = format!("{ROOT}/merge_requests/7/notes/5/award_emoji");
    let (post, list) = (format!("POST {awards}"), format!("GET {awards}?per_page=100&page=1"));
    let react = async || client.react(&shop(), NUMBER, CommentId(5), Reaction::ThumbsUp).await;
    server.on(&post, (StatusCode::CREATED, Json(json!({}))));
    react().await.expect("reacted");
    assert_eq!(server.calls()[0].body, json!({"name": "thumbsup"}));
    let taken = || {
        (
            StatusCode::NOT_FOUND,
            Json(json!({"message": "404 Award Emoji Name has already been taken Not Found"})),
        )
    };
    server.on(&post, taken()).on(&list, Json(json!([{"name": "eyes"}, {"name": "thumbsup"}])));
    react().await.expect("it is there");
    server.on(&post, taken()).on(&list, Json(json!([{"name": "eyes"}])));
    assert!(matches!(react().await, Err(HostError::NotFound)));
    server.on(&post, taken()).on(&list, StatusCode::NOT_FOUND);
    assert!(matches!(react().await, Err(HostError::NotFound)));
}

#[tokio::test]
async fn a_comment_on_a_commit_is_found_among_its_discussions() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/repository/commits/{}/discussions?per_page=100&page=1", sha("a"));
    let discussions = || {
        Json(json!([
            {"id": "x", "notes": [note(9, "/retest", 1, &[]), note(4, "mentioned", 1, &[("system", json!(true))])]},
            {"id": "y", "notes": [note(5, "Nice.", 1, &[])]},
            {"id": "z"},
        ]))
    };
    server.on(&line, discussions());
    let listed = client.list_commit_comments(&shop(), &sha("a")).await.expect("comments");
    let ids: Vec<_> = listed.iter().map(|listed| (listed.commit.clone(), listed.comment.id.0)).collect();
    assert_eq!(ids, [(sha("a"), 5), (sha("a"), 9)]);
    assert_eq!(listed[0].comment.pull_request, None);

    let read =
        async |id| client.read_commit_comment(&shop(), &sha("a"), CommentId(id)).await.expect("an answer");
    for (id, expected) in [(9, Some("/retest")), (4, None), (6, None)] {
        server.on(&line, discussions());
        assert_eq!(read(id).await.map(|found| found.comment.body).as_deref(), expected);
    }
    server.on(&line, StatusCode::NOT_FOUND);
    assert_eq!(read(9).await, None);
    server.on(&line, StatusCode::NOT_FOUND);
    let listed = client.list_commit_comments(&shop(), &sha("a")).await;
    assert!(matches!(listed, Err(HostError::NotFound)), "{listed:?}");
}
