//! An answer of GitLab is read as long as it says what the facts need.

use axum::Json;

use super::{
    gitlab::{ROOT, shop, start},
    lenient::{changed, members},
    *,
};

#[tokio::test]
async fn only_what_the_facts_of_a_merge_request_need_must_be_there() {
    let shown = json!({
        "iid": 7, "state": "opened", "sha": "a".repeat(40), "diff_refs": {"head_sha": "a".repeat(40)},
        "source_branch": "fix", "target_branch": "main", "source_project_id": 5, "target_project_id": 5,
        "author": {"username": "dora"}, "title": "Fix", "draft": false, "work_in_progress": false,
        "head_pipeline": {"id": 3, "sha": "a".repeat(40), "project_id": 5},
    });
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/merge_requests/7");
    for pointer in members(&shown, "") {
        for shown in changed(&shown, &pointer) {
            // It would be the fork's project that is read.
            if ["/source_project_id", "/target_project_id"].contains(&&*pointer) {
                continue;
            }
            server.on(&line, Json(shown.clone()));
            let read = client.read_pull_request(&shop(), PullRequestNumber(7)).await;
            let is_needed = ["/iid", "/state", "/target_branch"].contains(&&*pointer);
            assert!(read.is_ok() || is_needed, "{pointer}: {shown}: {read:?}");
        }
    }
    let mut gone = shown;
    (gone["sha"], gone["diff_refs"], gone["state"]) = (Value::Null, Value::Null, "closed".into());
    server.on(&line, Json(gone));
    let read = client.read_pull_request(&shop(), PullRequestNumber(7)).await;
    assert!(matches!(read, Ok(None)), "{read:?}");
}

#[tokio::test]
async fn only_what_the_facts_of_a_note_need_must_be_there() {
    let shown = json!({
        "id": 5, "author": {"username": "dora"}, "body": "/test", "system": false,
        "created_at": "2026-11-24T10:00:01Z", "updated_at": "2026-11-24T10:00:02Z",
    });
    let (server, client) = start().await;
    for pointer in members(&shown, "") {
        for shown in changed(&shown, &pointer) {
            server.on(&format!("GET {ROOT}/merge_requests/7/notes/5"), Json(shown.clone()));
            let pointed = CommentPointer::Comment(CommentId(5));
            let read = client.read_comments(&shop(), PullRequestNumber(7), &pointed).await;
            let is_needed = ["/id", "/created_at"].contains(&&*pointer);
            assert!(read.is_ok() || is_needed, "{pointer}: {shown}: {read:?}");
        }
    }
}

#[tokio::test]
async fn one_odd_item_does_not_spoil_a_list_of_hooks() {
    let (server, client) = start().await;
    let list = json!([null, "odd", 7, {"id": "x"}, {}, {"id": 3}]);
    server.on(&format!("GET {ROOT}/hooks?per_page=100&page=1"), Json(list));
    assert_eq!(client.list_hooks(&shop()).await.expect("hooks").len(), 1);
}
