//! Bitbucket's repository, pull requests, refs, statuses and hooks.

mod accounts;
mod comments;
mod heads;
mod lenient;

use axum::Json;
use http::StatusCode;

use super::*;

const ROOT: &str = "/2.0/repositories/acme/shop";
const DORA: &str = "{d301aafa-d676-4ee0-88be-962be7417567}";

async fn start() -> (Canned, HostClient) {
    let (server, client, _) = super::start(Host::Bitbucket).await;
    (server, client)
}

fn user(uuid: &str) -> Value {
    json!({"type": "user", "uuid": uuid, "display_name": "Dora Lange", "nickname": "dora", "account_id": "1"})
}

/// The fields of a list's last page.
fn page(values: &Value) -> Json<Value> {
    Json(json!({"pagelen": 100, "page": 1, "size": 1, "values": values}))
}

#[tokio::test]
async fn an_api_token_is_sent_with_the_address_of_its_owner_and_an_access_token_alone() {
    let server = Canned::start().await;
    let url = format!("{}/2.0", server.url);
    let of = |token: &str| Credential::TokenOf { email: "dora@example.com".into(), token: token.into() };
    for (credential, expected) in [
        (of("ATATT3x"), Some("Basic ZG9yYUBleGFtcGxlLmNvbTpBVEFUVDN4")),
        (of("ATCTT3x"), Some("Bearer ATCTT3x")),
        (Credential::Token("ATCTT3x".into()), Some("Bearer ATCTT3x")),
        (Credential::Anonymous, None),
    ] {
        let client = HostClient::new(Host::Bitbucket, &url, credential, settings()).expect("a client");
        server.on(&format!("GET {ROOT}?fields=full_name"), Json(json!({"full_name": "acme/Store"})));
        let path = client.read_repository(&repository()).await.expect("an answer");
        assert_eq!(path.as_str(), "acme/Store");
        assert_eq!(server.calls().last().expect("a call").header("authorization"), expected);
        assert!(!format!("{client:?}").contains("T3x"));
    }
    // Other hosts know a token by itself.
    for (host, prefix) in [(Host::Github, "Bearer"), (Host::Gitea, "token")] {
        let client = HostClient::new(host, &url, of("t"), settings()).expect("a client");
        let root = if host == Host::Github { "/2.0" } else { "/2.0/api/v1" };
        server.on(&format!("GET {root}/repos/acme/shop"), Json(json!({"full_name": "acme/shop"})));
        client.read_repository(&repository()).await.expect("an answer");
        let expected = format!("{prefix} t");
        assert_eq!(server.calls().last().expect("a call").header("authorization"), Some(&*expected));
    }
}

#[tokio::test]
async fn the_next_page_is_where_the_host_says_and_nowhere_else() {
    let (server, client) = start().await;
    let first = format!("GET {ROOT}/hooks?pagelen=100");
    let hook = |uuid: &str| json!([{"uuid": uuid, "url": "https://ci.example/hooks/x"}]);
    let to = |next: &str| Json(json!({"values": hook("{1}"), "next": next}));
    let next = format!("{}{ROOT}/hooks?pagelen=100&page=abc%3D", server.url);
    server.on(&first, to(&next)).on(&format!("GET {ROOT}/hooks?pagelen=100&page=abc%3D"), page(&hook("{2}")));
    let hooks = client.list_hooks(&repository()).await.expect("hooks");
    assert_eq!(hooks.iter().map(|hook| &*hook.id).collect::<Vec<_>>(), ["{1}", "{2}"]);

    let other = Canned::start().await;
    for elsewhere in [
        format!("{}{ROOT}/hooks?page=2", other.url),
        format!("{}/1.0/hooks", server.url),
        format!("{}/2.0evil/hooks", server.url),
        "/2.0/hooks".to_owned(),
    ] {
        server.on(&first, to(&elsewhere));
        let error = client.list_hooks(&repository()).await.expect_err("not followed");
        assert!(matches!(error, HostError::Unreadable { .. }), "{elsewhere}: {error:?}");
    }
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_list_without_an_end_is_cut() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/hooks?pagelen=100");
    for _ in 0..10 {
        server.on(
            &line,
            Json(json!({"values": [], "next": format!("{}{ROOT}/hooks?pagelen=100", server.url)})),
        );
    }
    let error = client.list_hooks(&repository()).await.expect_err("no end");
    assert!(matches!(error, HostError::Unreadable { .. }), "{error:?}");
    assert_eq!(server.calls().len(), 10);
}

#[tokio::test]
async fn branches_and_tags_are_read_with_their_commits() {
    let (server, client) = start().await;
    let query = "pagelen=100&fields=next,values.name,values.target.hash";
    let named = |name: &str, digit: &str| json!({"name": name, "target": {"hash": digit.repeat(40)}});
    let branches =
        json!([named("main", "a"), named("fix/a#1", "b"), {"name": "x", "target": {"hash": "d3022f"}}]);
    server
        .on(&format!("GET {ROOT}/refs/branches?{query}"), page(&branches))
        .on(&format!("GET {ROOT}/refs/tags?{query}"), page(&json!([named("v1", "c")])));
    let listing = client.list_refs(&repository()).await.expect("a list");
    let of = |name: &str, digit: &str| RefFacts { reference: reference(name), sha: sha(digit) };
    let expected = [of("refs/heads/main", "a"), of("refs/heads/fix/a#1", "b"), of("refs/tags/v1", "c")];
    assert_eq!((&listing.items[..], listing.unreadable), (&expected[..], 1));

    for (name, path) in [("refs/heads/fix/a#1", "branches/fix/a%231"), ("refs/tags/v1", "tags/v1")] {
        let line = format!("GET {ROOT}/refs/{path}?fields=target.hash");
        server.on(&line, Json(json!({"target": {"hash": "b".repeat(40)}}))).on(&line, StatusCode::NOT_FOUND);
        for expected in [Some(sha("b")), None] {
            assert_eq!(client.read_ref(&repository(), &reference(name)).await.expect("an answer"), expected);
        }
    }
}

#[tokio::test]
async fn an_ancestor_is_the_common_one() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/merge-base/{}..{}?fields=hash", sha("a"), sha("b"));
    for (answer, expected) in [("a", true), ("c", false)] {
        server.on(&line, Json(json!({"hash": answer.repeat(40)})));
        let is_ancestor = client.is_ancestor(&repository(), &sha("a"), &sha("b")).await;
        assert_eq!(is_ancestor.expect("an answer"), expected);
    }
    server.on(&line, StatusCode::NOT_FOUND);
    assert!(!client.is_ancestor(&repository(), &sha("a"), &sha("b")).await.expect("an answer"));
}

#[tokio::test]
async fn a_missing_commit_differs_from_a_repository_that_is_hidden() {
    let (server, client) = start().await;
    let (line, whole) =
        (format!("GET {ROOT}/commit/{}?fields=hash", sha("a")), format!("GET {ROOT}?fields=full_name"));
    server.on(&line, Json(json!({"hash": "a".repeat(40)})));
    assert!(client.has_commit(&repository(), &sha("a")).await.expect("an answer"));
    server.on(&line, StatusCode::NOT_FOUND).on(&whole, Json(json!({"full_name": "acme/shop"})));
    assert!(!client.has_commit(&repository(), &sha("a")).await.expect("an answer"));
    server.on(&line, StatusCode::NOT_FOUND).on(&whole, StatusCode::NOT_FOUND);
    let hidden = client.has_commit(&repository(), &sha("a")).await;
    assert!(matches!(hidden, Err(HostError::NotFound)), "{hidden:?}");
}

#[tokio::test]
async fn a_status_has_a_key_of_its_context_and_always_an_address() {
    let (server, client) = start().await;
    let line = format!("POST {ROOT}/commit/{}/statuses/build", sha("a"));
    for (state, word, code) in [
        (StatusState::Pending, "INPROGRESS", StatusCode::CREATED),
        (StatusState::Success, "SUCCESSFUL", StatusCode::OK),
        (StatusState::Failure, "FAILED", StatusCode::OK),
        (StatusState::Error, "FAILED", StatusCode::OK),
    ] {
        server.on(&line, (code, Json(json!({}))));
        client.set_status(&repository(), &CommitStatus { state, ..status() }).await.expect("set");
        let body = json!({
            // printf %s tidegate/shop/test | sha256sum | cut -c -40
            "key": "731ca6884a4d285717bef1343a6a1776ad0fbae4", "name": "tidegate/shop/test",
            "state": word, "description": "exit code 1",
            "url": format!("{}/acme/shop/commits/{}", server.url, sha("a")),
        });
        assert_eq!(server.calls().last().expect("a call").body, body);
    }
    server.on(&line, (StatusCode::CREATED, Json(json!({}))));
    let target_url = Some("https://ci.example/runs/1".to_owned());
    let of_pull_request = CommitStatus { target_url, branch: "fix".parse().ok(), ..status() };
    client.set_status(&repository(), &of_pull_request).await.expect("set");
    let body = &server.calls()[4].body;
    assert_eq!((&body["url"], &body["refname"]), (&json!("https://ci.example/runs/1"), &json!("fix")));
}

#[tokio::test]
async fn statuses_are_read_by_their_names_with_the_time_of_the_last_write() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/commit/{}/statuses?pagelen=100&sort=-updated_on", sha("a"));
    let shown = json!({
        "key": "k", "name": "tidegate/shop/unit", "state": "INPROGRESS", "description": "queued",
        "created_on": "2026-11-24T10:00:00.5+00:00", "updated_on": "2026-11-24T10:00:03+00:00",
    });
    server.on(&line, page(&json!([null, {"key": "x"}, shown])));
    let expected = StatusFacts {
        context: "tidegate/shop/unit".to_owned(),
        description: "queued".to_owned(),
        created_at: "2026-11-24T10:00:03Z".parse().expect("a time"),
    };
    assert_eq!(client.list_statuses(&repository(), &sha("a")).await.expect("statuses"), [expected]);
}

#[tokio::test]
async fn a_hook_is_created_and_repaired_with_all_that_deliveries_need() {
    let (server, client) = start().await;
    let uuid = "{6c1f4c3a-0000-4000-8000-000000000001}";
    let path = format!("{ROOT}/hooks/%7B6c1f4c3a-0000-4000-8000-000000000001%7D");
    server
        .on(&format!("POST {ROOT}/hooks"), (StatusCode::CREATED, Json(json!({"uuid": uuid}))))
        .on(&format!("PUT {path}"), Json(json!({"uuid": uuid})))
        .on(&format!("DELETE {path}"), StatusCode::NO_CONTENT);
    assert_eq!(client.create_hook(&repository(), &spec()).await.expect("created"), uuid);
    assert_eq!(client.update_hook(&repository(), uuid, &spec()).await.expect("repaired"), uuid);
    client.delete_hook(&repository(), uuid).await.expect("deleted");
    let calls = server.calls();
    let body = &calls[0].body;
    assert_eq!(body["secret"], "s3cret");
    assert_eq!((&body["active"], &body["skip_cert_verification"]), (&json!(true), &json!(false)));
    assert_eq!(*body, calls[1].body);

    let whole = json!({
        "uuid": uuid, "url": "https://ci.example/hooks/x", "active": true, "events": body["events"],
        "secret_set": true, "skip_cert_verification": false,
    });
    let mut hooks = vec![whole.clone()];
    for (name, spoilt) in [
        ("active", json!(false)),
        ("events", json!(["repo:push"])),
        ("secret_set", json!(false)),
        ("skip_cert_verification", json!(true)),
    ] {
        let mut hook = whole.clone();
        hook[name] = spoilt;
        hooks.push(hook);
    }
    server.on(&format!("GET {ROOT}/hooks?pagelen=100"), page(&json!(hooks)));
    let shown = client.list_hooks(&repository()).await.expect("hooks");
    let as_registered: Vec<bool> =
        shown.iter().map(|hook| hook.is_as_registered(HookLabel::Bitbucket)).collect();
    assert_eq!(as_registered, [true, false, false, false, false]);
}

#[test]
fn bitbucket_has_no_reactions_and_no_refs_of_pull_requests() {
    let offered = capabilities(Host::Bitbucket);
    assert!(offered.comments_on_commits && offered.permissions_need_admin && !offered.labels);
    assert!(!offered.reacts_to(CommentKind::Comment) && !offered.reacts_to(CommentKind::Review));
    assert_eq!(crate::pull_request_ref(Host::Bitbucket, PullRequestNumber(7)), None);
}
