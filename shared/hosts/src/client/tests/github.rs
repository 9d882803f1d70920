use axum::Json;
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};

use super::{canned::Canned, *};

async fn start() -> (Canned, HostClient) {
    let (server, client, _) = super::start(Host::Github).await;
    (server, client)
}

fn object(kind: &str, digit: &str) -> Json<Value> {
    Json(json!({"object": {"type": kind, "sha": digit.repeat(40)}}))
}

#[tokio::test]
async fn a_pull_request_is_read_from_what_github_shows() {
    let (server, client) = start().await;
    server.on(
        "GET /api/v3/repos/acme/shop/pulls/7",
        Json(json!({
            "number": 7, "state": "open", "merged": false, "draft": true, "title": "Fix", "user": {"login": "ann"},
            "head": {"sha": "a".repeat(40), "ref": "fix", "repo": {"full_name": "ann/shop"}},
            "base": {"sha": "b".repeat(40), "ref": "main", "repo": {"full_name": "acme/shop"}}, "unknown": 1
        })),
    );
    let facts = client
        .read_pull_request(&repository(), PullRequestNumber(7))
        .await
        .expect("an answer")
        .expect("facts");
    assert_eq!(
        facts,
        PullRequestFacts {
            number: PullRequestNumber(7),
            open: true,
            merged: false,
            head: HeadFacts {
                sha: sha("a"),
                branch: Some("fix".parse().expect("branch")),
                repository: Some("ann/shop".parse().expect("repository")),
                owner: Some(login("ann")),
            },
            base: "main".parse().expect("branch"),
            author: login("ann"),
            title: "Fix".to_owned(),
            draft: true,
        }
    );
    let call = &server.calls()[0];
    assert_eq!(call.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(call.header("accept"), Some("application/vnd.github+json"));
    assert!(call.header("user-agent").is_some_and(|agent| agent.starts_with("tidegate/")));
}

#[tokio::test]
async fn people_and_forks_that_are_gone_are_no_errors() {
    let (server, client) = start().await;
    server.on(
        "GET /api/v3/repos/acme/shop/pulls/7",
        Json(json!({
            "number": 7, "state": "closed", "merged": true, "title": "", "user": null,
            "head": {"sha": "a".repeat(40), "ref": "fix", "repo": null}, "base": {"ref": "main"}
        })),
    );
    let facts = client
        .read_pull_request(&repository(), PullRequestNumber(7))
        .await
        .expect("an answer")
        .expect("facts");
    assert_eq!((facts.open, facts.merged), (false, true));
    assert_eq!((facts.author.as_str(), facts.head.repository), ("ghost", None));
}

#[tokio::test]
async fn permissions_are_those_of_github_and_strangers_have_none() {
    let (server, client) = start().await;
    for (shown, expected) in [
        ("admin", Permission::Admin),
        ("write", Permission::Write),
        ("read", Permission::Read),
        ("none", Permission::None),
        ("new-right", Permission::None),
    ] {
        let line = "GET /api/v3/repos/acme/shop/collaborators/ann/permission";
        let user = json!({"login": "ann", "type": "User"});
        server.on(line, Json(json!({"permission": shown, "role_name": "x", "user": user})));
        let account = client.read_account(&repository(), &login("ann")).await.expect("an account");
        assert_eq!(account, AccountFacts { permission: expected, kind: AccountKind::Person });
    }
    let line = "GET /api/v3/repos/acme/shop/collaborators/bot%5Bbot%5D/permission";
    server.on(line, StatusCode::NOT_FOUND);
    let account = client.read_account(&repository(), &login("bot[bot]")).await.expect("an account");
    assert_eq!(account, AccountFacts { permission: Permission::None, kind: AccountKind::Unknown });
}

#[tokio::test]
async fn what_an_account_is_is_known_only_where_github_says_it() {
    let (server, client) = start().await;
    for (user, expected) in [
        (json!({"login": "ann", "type": "User"}), AccountKind::Person),
        (json!({"login": "ann", "type": "Bot"}), AccountKind::Bot),
        (json!({"login": "ann", "type": "Organization"}), AccountKind::Organisation),
        (json!({"login": "ann", "type": "Mannequin"}), AccountKind::Unknown),
        (json!({"login": "ann"}), AccountKind::Unknown),
        (json!(null), AccountKind::Unknown),
    ] {
        let line = "GET /api/v3/repos/acme/shop/collaborators/ann/permission";
        server.on(line, Json(json!({"permission": "write", "user": user})));
        let account = client.read_account(&repository(), &login("ann")).await.expect("an account");
        assert_eq!(account, AccountFacts { permission: Permission::Write, kind: expected }, "{user}");
    }
}

#[tokio::test]
async fn refs_lead_to_commits_through_tags() {
    let (server, client) = start().await;
    server
        .on("GET /api/v3/repos/acme/shop/git/ref/heads/fix/a%231", object("commit", "a"))
        .on("GET /api/v3/repos/acme/shop/git/ref/heads/gone", StatusCode::NOT_FOUND)
        .on("GET /api/v3/repos/acme/shop/git/ref/tags/v1", object("tag", "b"))
        .on(&format!("GET /api/v3/repos/acme/shop/git/tags/{}", sha("b")), object("commit", "c"));
    let target =
        async |name: &str| client.read_ref(&repository(), &reference(name)).await.expect("an answer");
    assert_eq!(target("refs/heads/fix/a#1").await, Some(sha("a")));
    assert_eq!(target("refs/heads/gone").await, None);
    assert_eq!(target("refs/tags/v1").await, Some(sha("c")));
}

#[tokio::test]
async fn hooks_are_listed_over_all_pages() {
    let (server, client) = start().await;
    let hook = |id: u64, active: bool, events: Value, content_type: &str| {
        json!({"id": id, "active": active, "events": events,
               "config": {"url": format!("https://ci.example/{id}"), "content_type": content_type, "secret": "********"}})
    };
    let all = json!(["push", "pull_request", "pull_request_review", "issue_comment", "commit_comment"]);
    let first = [hook(1, true, all.clone(), "json"), hook(2, false, all.clone(), "json")];
    let second = [
        hook(3, true, all, "form"),
        hook(4, true, json!(["push"]), "json"),
        hook(5, true, json!(["*"]), "json"),
        hook(6, true, json!(["push", "pull_request", "pull_request_review", "issue_comment"]), "json"),
    ];
    let link = [("link", "<https://x/hooks?page=2>; rel=\"next\", <https://x/hooks?page=2>; rel=\"last\"")];
    server
        .on("GET /api/v3/repos/acme/shop/hooks?per_page=100&page=1", (link, Json(json!(first))))
        .on("GET /api/v3/repos/acme/shop/hooks?per_page=100&page=2", Json(json!(second)));
    let hooks = client.list_hooks(&repository()).await.expect("hooks");
    let ids: Vec<_> =
        hooks.iter().map(|hook| (hook.id.as_str(), hook.is_as_registered(HookLabel::Github))).collect();
    assert_eq!(ids, [("1", true), ("2", false), ("3", false), ("4", false), ("5", true), ("6", false)]);
    assert_eq!(hooks[0].url, "https://ci.example/1");
}

#[tokio::test]
async fn hooks_are_registered_repaired_and_removed() {
    let (server, client) = start().await;
    let hooks = "/api/v3/repos/acme/shop/hooks";
    let shown = Json(json!({"id": 12, "active": true}));
    server
        .on(&format!("POST {hooks}"), (StatusCode::CREATED, shown.clone()))
        .on(&format!("PATCH {hooks}/12"), shown)
        .on(&format!("DELETE {hooks}/12"), StatusCode::NO_CONTENT)
        .on(&format!("DELETE {hooks}/12"), StatusCode::NOT_FOUND);
    assert_eq!(client.create_hook(&repository(), &spec()).await.expect("created"), "12");
    assert_eq!(client.update_hook(&repository(), "12", &spec()).await.expect("repaired"), "12");
    client.delete_hook(&repository(), "12").await.expect("removed");
    client.delete_hook(&repository(), "12").await.expect("gone already");
    let body = json!({
        "name": "web", "active": true, "events": ["commit_comment", "issue_comment", "pull_request", "pull_request_review", "push"],
        "config": {"url": "https://ci.example/hooks/x", "content_type": "json", "insecure_ssl": "0", "secret": "s3cret"}
    });
    let calls = server.calls();
    assert_eq!((&calls[0].body, &calls[1].body), (&body, &body));
}

/// An RSA key in PEM format, generated here so that the repository holds no key.
fn private_key() -> String {
    use aws_lc_rs::{
        encoding::{AsDer, Pkcs8V1Der},
        rsa::{KeyPair, KeySize},
    };
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("PKCS #8");
    let text = BASE64_STANDARD.encode(der.as_ref());
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn app(url: &str, private_key: String) -> Result<HostClient, HostError> {
    let credential = Credential::GithubApp { app_id: 5, installation_id: 9, private_key: private_key.into() };
    HostClient::new(Host::Github, url, credential, settings())
}

#[tokio::test]
async fn an_app_exchanges_its_key_for_a_token_and_uses_it_again() {
    let server = Canned::start().await;
    let client = app(&server.url, private_key()).expect("a client");
    let token = json!({"token": "ghs_1", "expires_at": "2999-01-01T00:00:00Z", "permissions": {}});
    let exchange = "POST /app/installations/9/access_tokens";
    let statuses = format!("POST /repos/acme/shop/statuses/{}", sha("a"));
    server.on(exchange, (StatusCode::CREATED, Json(token)));
    for _ in 0..2 {
        server.on(&statuses, (StatusCode::CREATED, Json(json!({}))));
        client.set_status(&repository(), &status()).await.expect("set");
    }
    assert_eq!(server.lines(), [exchange, &statuses, &statuses]);
    let calls = server.calls();
    let jwt = calls[0].header("authorization").and_then(|text| text.strip_prefix("Bearer ")).expect("a JWT");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).expect("claims")).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["iss"], 5);
    assert_eq!(calls[1].header("authorization"), Some("Bearer ghs_1"));
    assert_eq!(calls[2].header("authorization"), Some("Bearer ghs_1"));
}

#[tokio::test]
async fn a_token_that_is_about_to_expire_is_renewed() {
    let server = Canned::start().await;
    let client = app(&server.url, private_key()).expect("a client");
    let exchange = "POST /app/installations/9/access_tokens";
    let statuses = format!("POST /repos/acme/shop/statuses/{}", sha("a"));
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(30);
    for (token, expires_at) in [("ghs_1", soon.to_string()), ("ghs_2", "2999-01-01T00:00:00Z".to_owned())] {
        server.on(exchange, (StatusCode::CREATED, Json(json!({"token": token, "expires_at": expires_at}))));
        server.on(&statuses, (StatusCode::CREATED, Json(json!({}))));
        client.set_status(&repository(), &status()).await.expect("set");
    }
    assert_eq!(server.lines(), [exchange, &statuses, exchange, &statuses]);
    assert_eq!(server.calls()[3].header("authorization"), Some("Bearer ghs_2"));
}

#[tokio::test]
async fn an_answer_without_a_token_is_unreadable_and_shows_nothing_of_it() {
    let server = Canned::start().await;
    let answer = Json(json!({"token": ["s3cret"], "expires_at": "2999-01-01T00:00:00Z"}));
    server.on("POST /app/installations/9/access_tokens", (StatusCode::CREATED, answer));
    let client = app(&server.url, private_key()).expect("a client");
    let error = client.set_status(&repository(), &status()).await.expect_err("no token");
    assert!(matches!(&error, HostError::Unreadable { reason } if !reason.contains("s3cret")), "{error:?}");
}

#[tokio::test]
async fn an_uninstalled_app_and_an_invalid_key_are_different_errors() {
    let server = Canned::start().await;
    server.on(
        "POST /app/installations/9/access_tokens",
        (StatusCode::NOT_FOUND, Json(json!({"message": "Not Found"}))),
    );
    let client = app(&server.url, private_key()).expect("a client");
    let error = client.set_status(&repository(), &status()).await.expect_err("no installation");
    assert!(matches!(error, HostError::NotFound), "{error:?}");
    let error = app(&server.url, "no key".to_owned()).expect_err("no key");
    assert!(matches!(error, HostError::PrivateKey), "{error:?}");
}

#[tokio::test]
async fn an_installation_sets_statuses_where_it_gets_a_token_of_that_right_for_that_repository() {
    let server = Canned::start().await;
    let client = app(&server.url, private_key()).expect("a client");
    let token = |repositories: Value| {
        let shown =
            json!({"token": "ghs_1", "expires_at": "2999-01-01T00:00:00Z", "repositories": repositories});
        (StatusCode::CREATED, Json(shown))
    };
    let none =
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": "not granted to this installation"})));
    let exchange = "POST /app/installations/9/access_tokens";
    for (answer, may) in [
        (token(json!([{"full_name": "Acme/shop"}])), true),
        // A repository of this name in the App's own account proves nothing.
        (token(json!([{"full_name": "evil/shop"}])), false),
        (token(json!([])), false),
        (token(Value::Null), false),
        (none, false),
    ] {
        server.on(exchange, answer);
        assert_eq!(client.check_status_right(&repository()).await.expect("an answer"), may);
    }
    assert_eq!(
        server.calls()[0].body,
        json!({"repositories": ["shop"], "permissions": {"statuses": "write"}})
    );
    server.on(exchange, (StatusCode::NOT_FOUND, Json(json!({"message": "Not Found"}))));
    let gone = client.check_status_right(&repository()).await;
    assert!(matches!(gone, Err(HostError::NotFound)), "{gone:?}");
}
