//! What people and credentials may do.

use axum::Json;
use http::StatusCode;

use super::*;

const PERMISSIONS: &str = "/2.0/workspaces/acme/permissions/repositories/shop";

fn of_dora() -> String {
    format!("GET {PERMISSIONS}?q=user.uuid%3D%22%7B{}%7D%22", DORA.trim_matches(['{', '}']))
}

#[tokio::test]
async fn the_right_of_a_person_is_the_one_that_the_host_shows_for_that_uuid() {
    let (server, client) = start().await;
    let other = user("{00000000-0000-4000-8000-000000000001}");
    for (permission, expected) in [
        ("admin", Permission::Admin),
        ("write", Permission::Write),
        ("read", Permission::Read),
        ("none", Permission::None),
        ("a new word", Permission::None),
    ] {
        let shown = json!([
            {"type": "repository_permission", "permission": "admin", "user": other},
            {"type": "repository_permission", "permission": permission, "user": user(DORA)},
        ]);
        server.on(&of_dora(), page(&shown));
        let facts = client.read_account(&repository(), &login(DORA)).await.expect("facts");
        assert_eq!(facts, AccountFacts { permission: expected, kind: AccountKind::Person });
    }
    for (kind, expected) in
        [("team", AccountKind::Organisation), ("app_user", AccountKind::Bot), ("x", AccountKind::Unknown)]
    {
        let mut account = user(DORA);
        account["type"] = kind.into();
        server.on(&of_dora(), page(&json!([{"permission": "write", "user": account}])));
        let facts = client.read_account(&repository(), &login(DORA)).await.expect("facts");
        assert_eq!(facts.kind, expected);
    }
}

#[tokio::test]
async fn whoever_is_not_shown_may_do_nothing() {
    let (server, client) = start().await;
    let nobody = AccountFacts { permission: Permission::None, kind: AccountKind::Unknown };
    let other = user("{00000000-0000-4000-8000-000000000001}");
    server
        .on(&of_dora(), page(&json!([])))
        .on(&of_dora(), page(&json!([{"permission": "admin", "user": other}, {"permission": "admin"}])))
        .on(&of_dora(), StatusCode::FORBIDDEN)
        .on(&of_dora(), StatusCode::NOT_FOUND);
    for _ in 0..4 {
        assert_eq!(client.read_account(&repository(), &login(DORA)).await.expect("facts"), nobody);
    }
    // What is no UUID never gets into a query.
    for odd in ["dora", "{}", "{1\"|user.uuid!=\"}", "{é}"] {
        assert_eq!(client.read_account(&repository(), &login(odd)).await.expect("facts"), nobody);
    }
    assert_eq!(server.calls().len(), 4);
    server.on(&of_dora(), StatusCode::UNAUTHORIZED);
    let denied = client.read_account(&repository(), &login(DORA)).await;
    assert!(matches!(denied, Err(HostError::Unauthorized)), "{denied:?}");
}

#[tokio::test]
async fn a_missing_right_is_named_with_the_scope_that_the_host_asks_for() {
    let (server, client) = start().await;
    let line = format!("GET {PERMISSIONS}?pagelen=1");
    let refusal = json!({"type": "error", "error": {
        "message": "Your credentials lack one or more required privilege scopes.",
        "detail": {"granted": ["webhook"], "required": ["repository:admin"]},
    }});
    server.on(&line, page(&json!([]))).on(&line, (StatusCode::FORBIDDEN, Json(refusal)));
    assert_eq!(client.find_missing_right(&repository()).await.expect("an answer"), None);
    let right = client.find_missing_right(&repository()).await.expect("an answer").expect("a right");
    assert!(right.ends_with("required privilege scopes. Required: repository:admin"), "{right}");
    server.on(&line, StatusCode::NOT_FOUND);
    assert!(client.find_missing_right(&repository()).await.expect("an answer").is_some());
}

#[tokio::test]
async fn an_api_token_sets_statuses_where_its_owner_may_write() {
    let server = Canned::start().await;
    let credential = Credential::TokenOf { email: "dora@example.com".into(), token: "ATATT3x".into() };
    let url = format!("{}/2.0", server.url);
    let client = HostClient::new(Host::Bitbucket, &url, credential, settings()).expect("a client");
    let line =
        "GET /2.0/user/workspaces/acme/permissions/repositories?q=repository.full_name%3D%22acme/shop%22";
    let of = |path: &str, permission: &str| json!([{"permission": permission, "user": user(DORA), "repository": {"full_name": path}}]);
    for (shown, may) in [
        (of("acme/shop", "admin"), true),
        (of("Acme/Shop", "write"), true),
        (of("acme/shop", "read"), false),
        (of("acme/other", "admin"), false),
        (json!([]), false),
    ] {
        server
            .on(&format!("GET {ROOT}?fields=full_name"), Json(json!({"full_name": "acme/shop"})))
            .on(line, page(&shown));
        assert_eq!(client.check_status_right(&repository()).await.expect("an answer"), may, "{shown}");
    }
    server.on(&format!("GET {ROOT}?fields=full_name"), StatusCode::NOT_FOUND);
    let hidden = client.check_status_right(&repository()).await;
    assert!(matches!(hidden, Err(HostError::NotFound)), "{hidden:?}");
}

#[tokio::test]
async fn an_access_token_sets_statuses_where_it_was_made_to_write() {
    let (server, client) = start().await;
    let hooks = format!("GET {ROOT}/hooks?pagelen=1");
    for (is_private, scopes, hooks_answer, may) in [
        (true, "pullrequest, repository:write", None, true),
        (true, "read:repository:bitbucket, write:repository:bitbucket", None, true),
        (true, "repository, webhook", Some(StatusCode::OK), true),
        (true, "repository", Some(StatusCode::FORBIDDEN), false),
        (false, "repository:write", Some(StatusCode::FORBIDDEN), false),
        (false, "repository:write", Some(StatusCode::OK), true),
        (true, "", Some(StatusCode::NOT_FOUND), false),
    ] {
        let shown = ([("x-oauth-scopes", scopes)], Json(json!({"is_private": is_private})));
        server.on(&format!("GET {ROOT}?fields=is_private"), shown);
        if let Some(status) = hooks_answer {
            server.on(&hooks, (status, Json(json!({"values": []}))));
        }
        assert_eq!(client.check_status_right(&repository()).await.expect("an answer"), may, "{scopes}");
    }
}
