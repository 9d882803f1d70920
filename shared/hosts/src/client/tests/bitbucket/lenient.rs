//! An answer is read as long as it says what the facts need.

use axum::Json;

use super::{
    super::lenient::{changed, members},
    comments::comment,
    heads::{COMMITS, PULL, commits, shown},
    *,
};

#[tokio::test]
async fn only_what_the_facts_of_a_pull_request_need_must_be_there() {
    let needed = [
        "/id",
        "/state",
        "/source",
        "/source/commit",
        "/source/commit/hash",
        "/destination",
        "/destination/branch",
        "/destination/branch/name",
    ];
    let (server, client) = start().await;
    for pointer in members(&shown("acme/shop"), "") {
        for odd in changed(&shown("acme/shop"), &pointer) {
            server.on(PULL, Json(odd.clone())).on(COMMITS, commits(&["a"]));
            let read = client.read_pull_request(&repository(), PullRequestNumber(7)).await;
            assert!(read.is_ok() || needed.contains(&&*pointer), "{pointer}: {odd}: {read:?}");
        }
    }
}

#[tokio::test]
async fn only_what_the_facts_of_a_comment_need_must_be_there() {
    let (server, client) = start().await;
    let line = "GET /2.0/repositories/acme/shop/pullrequests/7/comments/5";
    for pointer in members(&comment(5), "") {
        for odd in changed(&comment(5), &pointer) {
            server.on(line, Json(odd.clone()));
            let read = read_comment(&client, CommentId(5)).await;
            let is_needed = ["/id", "/created_on"].contains(&&*pointer);
            assert!(read.is_ok() || is_needed, "{pointer}: {odd}: {read:?}");
        }
    }
}

#[tokio::test]
async fn only_the_address_and_the_id_of_a_hook_must_be_there() {
    let (server, client) = start().await;
    let hook = json!({
        "uuid": "{1}", "url": "https://ci.example/hooks/x", "active": true, "events": ["repo:push"],
        "secret_set": true, "skip_cert_verification": false, "description": "Tidegate",
    });
    for pointer in members(&hook, "") {
        for odd in changed(&hook, &pointer) {
            server.on(&format!("GET {ROOT}/hooks?pagelen=100"), page(&json!([odd])));
            let hooks = client.list_hooks(&repository()).await.expect("hooks");
            assert!(hooks.len() == 1 || ["/uuid", "/url"].contains(&&*pointer), "{pointer}: {odd}");
        }
    }
}
