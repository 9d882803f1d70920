//! What ends a call that does not simply succeed.

use axum::Json;
use http::StatusCode;
use serde_json::json;

use super::{canned::Canned, *};

const HOOKS: [(Host, &str); 3] = [
    (Host::Github, "GET /repos/acme/shop/hooks?per_page=100&page=1"),
    (Host::Gitlab, "GET /projects/acme%2Fshop/hooks?per_page=100&page=1"),
    (Host::Gitea, "GET /api/v1/repos/acme/shop/hooks?limit=50&page=1"),
];

#[tokio::test]
async fn answers_are_folded_by_what_a_caller_can_do() {
    for (host, line) in HOOKS {
        let server = Canned::start().await;
        let client = client(host, &server.url);
        let message = || Json(json!({"message": "no way"}));
        for (answer, category) in [
            (StatusCode::UNAUTHORIZED, "unauthorized"),
            (StatusCode::FORBIDDEN, "forbidden"),
            (StatusCode::NOT_FOUND, "not_found"),
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            (StatusCode::CONFLICT, "rejected"),
            (StatusCode::OK, "unreadable"),
        ] {
            server.on(line, (answer, message()));
            let error = client.list_hooks(&repository()).await.expect_err("no hooks");
            assert_eq!(error.category(), category, "{error:?}");
        }
        // None of them is tried again at once.
        assert_eq!(server.lines().len(), 6);
    }
}

#[tokio::test]
async fn a_read_is_tried_three_times_and_then_given_up() {
    for (host, line) in HOOKS {
        let server = Canned::start().await;
        let client = client(host, &server.url);
        server
            .on(line, StatusCode::BAD_GATEWAY)
            .on(line, StatusCode::SERVICE_UNAVAILABLE)
            .on(line, Json(json!([])));
        assert_eq!(client.list_hooks(&repository()).await.expect("the third answer"), []);
        for _ in 0..3 {
            server.on(line, StatusCode::INTERNAL_SERVER_ERROR);
        }
        let error = client.list_hooks(&repository()).await.expect_err("three failures");
        assert_eq!(error.category(), "unavailable");
        assert_eq!(server.lines().len(), 6);
    }
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_and_a_long_one_is_returned() {
    for (host, line) in HOOKS {
        let server = Canned::start().await;
        let client = client(host, &server.url);
        server.on(line, (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")])).on(line, Json(json!([])));
        let start = std::time::Instant::now();
        client.list_hooks(&repository()).await.expect("the second answer");
        assert!(start.elapsed() >= Duration::from_secs(1), "asked again after {:?}", start.elapsed());

        server.on(line, (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")]));
        let error = client.list_hooks(&repository()).await.expect_err("a long wait");
        assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
        assert_eq!(server.lines().len(), 3);
    }
}

#[tokio::test]
async fn a_host_that_never_answers_is_unavailable() {
    for host in [Host::Github, Host::Gitlab, Host::Gitea] {
        let server = Canned::start().await;
        let short = ClientSettings { timeout: Duration::from_millis(100), ..settings() };
        let client = HostClient::new(host, &server.url, Credential::Anonymous, short).expect("a client");
        let error = client.set_status(&repository(), &status()).await.expect_err("no answer");
        assert_eq!(error.category(), "unavailable");
        // The call did arrive, without a credential.
        assert_eq!(server.calls()[0].header("authorization"), None);
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unavailable() {
    let url = Canned::start().await.url;
    for host in [Host::Github, Host::Gitlab, Host::Gitea] {
        let error =
            client(host, &url).set_status(&repository(), &status()).await.expect_err("nobody listens");
        assert_eq!(error.category(), "unavailable", "{error:?}");
    }
}

#[tokio::test]
async fn redirects_are_followed_at_home_only() {
    for (host, line) in HOOKS {
        let (server, other) = (Canned::start().await, Canned::start().await);
        let client = client(host, &server.url);
        server
            .on(line, (StatusCode::MOVED_PERMANENTLY, [("location", "/renamed")]))
            .on("GET /renamed", Json(json!([])));
        client.list_hooks(&repository()).await.expect("followed");
        assert!(server.calls()[1].header("authorization").is_some());

        server.on(line, (StatusCode::FOUND, [("location", other.url.as_str())]));
        other.on("GET /", Json(json!([])));
        let error = client.list_hooks(&repository()).await.expect_err("not followed");
        assert_eq!(error.category(), "rejected", "{error:?}");
        assert!(other.lines().is_empty());
    }
}

#[tokio::test]
async fn a_write_that_a_redirect_made_a_read_is_no_success() {
    let server = Canned::start().await;
    let line = format!("POST /api/v1/repos/acme/shop/statuses/{}", sha("a"));
    server.on(&line, (StatusCode::FOUND, [("location", "/login")])).on("GET /login", Json(json!({})));
    let error =
        client(Host::Gitea, &server.url).set_status(&repository(), &status()).await.expect_err("a read");
    assert_eq!(
        error.to_string(),
        "failed to read the host's answer: expected status 201 Created, got 200 OK"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    for (host, line) in HOOKS {
        let server = Canned::start().await;
        server.on(line, " ".repeat(9 * 1024 * 1024));
        let error = client(host, &server.url).list_hooks(&repository()).await.expect_err("too long");
        assert_eq!(error.to_string(), "failed to read the host's answer: it is longer than 8 MiB");
    }
}
