use axum::Json;
use http::StatusCode;
use serde_json::json;

use super::{canned::Canned, *};

async fn start() -> (Canned, HostClient) {
    let (server, client, _) = super::start(Host::Gitea).await;
    (server, client)
}

#[tokio::test]
async fn a_pull_request_is_read_from_what_gitea_shows() {
    let (server, client) = start().await;
    let recorded = include_str!("../../../../../tests/payloads/gitea/028-pull_request-opened.json");
    let recorded: serde_json::Value = serde_json::from_str(recorded).expect("JSON");
    server.on("GET /api/v1/repos/acme/shop/pulls/2", Json(recorded["pull_request"].clone()));
    let facts = client
        .read_pull_request(&repository(), PullRequestNumber(2))
        .await
        .expect("an answer")
        .expect("facts");
    assert_eq!(
        facts,
        PullRequestFacts {
            number: PullRequestNumber(2),
            open: true,
            merged: false,
            head: HeadFacts {
                sha: "f91e24e13cb8f2af20e1d60107f94bb18d5ad3d8".parse().expect("SHA"),
                branch: Some("forkb".parse().expect("branch")),
                repository: Some("dev/r-fork".parse().expect("repository")),
                owner: Some(login("dev")),
            },
            base: "main".parse().expect("branch"),
            author: login("dev"),
            title: recorded["pull_request"]["title"].as_str().expect("title").to_owned(),
            draft: false,
        }
    );
    assert_eq!(server.calls()[0].header("authorization"), Some("token t0ken"));
}

#[tokio::test]
async fn refs_lead_to_commits() {
    let (server, client) = start().await;
    server
        .on("GET /api/v1/repos/acme/shop/branches/fix/a", Json(json!({"commit": {"id": "a".repeat(40)}})))
        .on("GET /api/v1/repos/acme/shop/branches/gone", StatusCode::NOT_FOUND)
        .on(
            "GET /api/v1/repos/acme/shop/tags/v1",
            Json(json!({"id": "b".repeat(40), "commit": {"sha": "c".repeat(40)}})),
        );
    let target =
        async |name: &str| client.read_ref(&repository(), &reference(name)).await.expect("an answer");
    assert_eq!(target("refs/heads/fix/a").await, Some(sha("a")));
    assert_eq!(target("refs/heads/gone").await, None);
    assert_eq!(target("refs/tags/v1").await, Some(sha("c")));
}

#[tokio::test]
async fn hooks_are_listed_until_their_number_is_reached() {
    let (server, client) = start().await;
    let hook = |id: u64| {
        json!([{"id": id, "active": true, "config": {"url": format!("https://ci.example/{id}"), "content_type": "json"},
                "events": ["push", "delete", "pull_request", "pull_request_sync", "pull_request_comment", "pull_request_review"]}])
    };
    let total = [("x-total-count", "2")];
    server
        .on("GET /api/v1/repos/acme/shop/hooks?limit=50&page=1", (total, Json(hook(1))))
        .on("GET /api/v1/repos/acme/shop/hooks?limit=50&page=2", (total, Json(hook(2))));
    let hooks = client.list_hooks(&repository()).await.expect("hooks");
    let ids: Vec<_> =
        hooks.iter().map(|hook| (hook.id.as_str(), hook.is_as_registered(HookLabel::Gitea))).collect();
    assert_eq!(ids, [("1", true), ("2", true)]);
}

#[tokio::test]
async fn a_hook_is_replaced_because_an_edit_would_keep_its_secret() {
    let (server, client) = start().await;
    let hooks = "/api/v1/repos/acme/shop/hooks";
    server.on(&format!("POST {hooks}"), (StatusCode::CREATED, Json(json!({"id": 13}))));
    assert_eq!(client.update_hook(&repository(), "12", &spec()).await.expect("replaced"), "13");
    assert_eq!(server.lines(), [format!("POST {hooks}")], "the old one may still have deliveries to make");
    assert_eq!(
        server.calls()[0].body,
        json!({
            "type": "gitea", "active": true,
            "events": [
                "push", "delete", "pull_request_only", "pull_request_sync", "pull_request_comment",
                "pull_request_review",
            ],
            "config": {"url": "https://ci.example/hooks/x", "content_type": "json", "secret": "s3cret"}
        })
    );
}

#[tokio::test]
async fn an_app_of_github_is_no_credential_here() {
    let credential = Credential::GithubApp { app_id: 1, installation_id: 2, private_key: "x".into() };
    let error =
        HostClient::new(Host::Gitea, "https://gitea.com", credential, settings()).expect_err("no App");
    assert!(matches!(error, HostError::Unauthorized), "{error:?}");
}
