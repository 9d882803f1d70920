//! Lists of pull requests, branches and tags, on the hosts of v3.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use super::*;

const NEXT: [(&str, &str); 1] = [("link", "<https://x/y?page=2>; rel=\"next\"")];

fn pulls(host: Host, page: usize) -> String {
    let (root, query) = match host {
        Host::Github => ("/api/v3", "sort=created&direction=asc&per_page=100"),
        Host::Gitea => ("/api/v1", "sort=oldest&limit=50"),
        Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
    };
    format!("GET {root}/repos/acme/shop/pulls?state=open&{query}&page={page}")
}

fn refs(host: Host, kind: &str, page: usize) -> String {
    let (root, query) = match host {
        Host::Github => ("/api/v3", "per_page=100"),
        Host::Gitea => ("/api/v1", "limit=50"),
        Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
    };
    format!("GET {root}/repos/acme/shop/{kind}?{query}&page={page}")
}

/// What a host sends in an event about a pull request, as it was recorded.
fn recorded(host: Host) -> Value {
    let text = match host {
        Host::Github => include_str!("../../../../../tests/payloads/github/pull_request.opened.json"),
        Host::Gitea => include_str!("../../../../../tests/payloads/gitea/028-pull_request-opened.json"),
        Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
    };
    serde_json::from_str::<Value>(text).expect("JSON")["pull_request"].clone()
}

fn numbers(listing: &Listing<PullRequestFacts>) -> Vec<u64> {
    listing.items.iter().map(|pull| pull.number.0).collect()
}

#[tokio::test]
async fn open_pull_requests_are_listed_to_the_last_page() {
    for host in V3 {
        let (server, client, _) = start(host).await;
        let numbered = |number: u64| {
            let mut pull = recorded(host);
            pull["number"] = number.into();
            json!([pull])
        };
        match host {
            Host::Github => {
                server.on(&pulls(host, 1), (NEXT, Json(numbered(3)))).on(&pulls(host, 2), Json(numbered(5)))
            }
            Host::Gitea => {
                let total = [("x-total-count", "2")];
                let (first, second) = ((total, Json(numbered(3))), (total, Json(numbered(5))));
                server.on(&pulls(host, 1), first).on(&pulls(host, 2), second)
            }
            Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
        };
        let listing = client.list_open_pull_requests(&repository()).await.expect("a list");
        assert_eq!(numbers(&listing), [3, 5], "{host}");
        assert!(listing.is_complete());
        let shown = recorded(host);
        assert_eq!(listing.items[0].base.as_str(), shown["base"]["ref"].as_str().expect("a branch"));
        assert_eq!(listing.items[0].head.sha.as_str(), shown["head"]["sha"].as_str().expect("a SHA"));
        assert!(listing.items[0].open);
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_read_does_not_spoil_the_list_but_it_is_counted() {
    for host in V3 {
        let (server, client, _) = start(host).await;
        let mut odd = recorded(host);
        odd["head"]["sha"] = "no SHA".into();
        let mut whole = recorded(host);
        whole["number"] = 9.into();
        let total = [("x-total-count", "4")];
        server.on(&pulls(host, 1), (total, Json(json!([odd, null, whole, {"number": 4}]))));
        let listing = client.list_open_pull_requests(&repository()).await.expect("a list");
        assert_eq!(
            (numbers(&listing), listing.unreadable, listing.is_complete()),
            (vec![9], 3, false),
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_list_that_is_no_list_is_an_error() {
    for host in V3 {
        let (server, client, _) = start(host).await;
        server.on(&pulls(host, 1), Json(json!({"message": "please log in"})));
        let error = client.list_open_pull_requests(&repository()).await.expect_err("no list");
        assert!(matches!(error, HostError::Unreadable { .. }), "{host} {error:?}");
        server.on(&pulls(host, 1), StatusCode::FORBIDDEN);
        let error = client.list_open_pull_requests(&repository()).await.expect_err("forbidden");
        assert!(matches!(error, HostError::Forbidden { .. }), "{host} {error:?}");
    }
}

#[tokio::test]
async fn an_endless_list_of_pull_requests_is_cut_and_marked_as_cut() {
    for (host, pages) in [(Host::Github, 10), (Host::Gitea, 20)] {
        let (server, client, _) = start(host).await;
        for page in 1..=pages {
            let headers = [NEXT[0], ("x-total-count", "100000")];
            server.on(&pulls(host, page), (headers, Json(json!([recorded(host)]))));
        }
        let listing = client.list_open_pull_requests(&repository()).await.expect("a list");
        assert_eq!((listing.items.len(), listing.is_complete()), (pages, false), "{host}");
        assert_eq!(server.calls().len(), pages, "{host}");
    }
}

#[tokio::test]
async fn branches_and_tags_are_listed_with_their_commits() {
    for host in V3 {
        let (server, client, _) = start(host).await;
        let (branch, key) = match host {
            Host::Github => (json!({"sha": "a".repeat(40), "url": "x"}), "sha"),
            Host::Gitea => (json!({"id": "a".repeat(40), "message": "x"}), "id"),
            Host::Gitlab | Host::Bitbucket => unreachable!("no API like GitHub's"),
        };
        let second =
            json!([{"name": "fix/a#1", "commit": {key: "b".repeat(40)}}, {"name": "-x", "commit": {}}]);
        let tag = json!([{"name": "v1", "id": "d".repeat(40), "commit": {"sha": "c".repeat(40)}}]);
        let (all, one) = (("x-total-count", "3"), [("x-total-count", "1")]);
        server
            .on(
                &refs(host, "branches", 1),
                ([NEXT[0], all], Json(json!([{"name": "main", "commit": branch}]))),
            )
            .on(&refs(host, "branches", 2), ([all], Json(second)))
            .on(&refs(host, "tags", 1), (one, Json(tag)));
        let listing = client.list_refs(&repository()).await.expect("a list");
        let of = |name: &str, digit: &str| RefFacts { reference: reference(name), sha: sha(digit) };
        let expected = [of("refs/heads/main", "a"), of("refs/heads/fix/a#1", "b"), of("refs/tags/v1", "c")];
        assert_eq!(listing.items, expected, "{host}");
        assert_eq!(listing.unreadable, 1, "{host}");
    }
}

#[tokio::test]
async fn a_missing_commit_differs_from_a_repository_that_is_hidden() {
    let (server, client, _) = start(Host::Github).await;
    let line = format!("GET /api/v3/repos/acme/shop/commits/{}?per_page=1&page=2", sha("a"));
    server
        .on(&line, Json(json!({})))
        .on(&line, StatusCode::UNPROCESSABLE_ENTITY)
        .on(&line, StatusCode::NOT_FOUND);
    assert!(client.has_commit(&repository(), &sha("a")).await.expect("an answer"));
    assert!(!client.has_commit(&repository(), &sha("a")).await.expect("an answer"));
    let hidden = client.has_commit(&repository(), &sha("a")).await;
    assert!(matches!(hidden, Err(HostError::NotFound)), "{hidden:?}");

    let (server, client, _) = start(Host::Gitea).await;
    let repo = "GET /api/v1/repos/acme/shop";
    let line = format!("{repo}/git/commits/{}?stat=false&verification=false&files=false", sha("a"));
    server.on(&line, Json(json!({})));
    assert!(client.has_commit(&repository(), &sha("a")).await.expect("an answer"));
    server.on(&line, StatusCode::NOT_FOUND).on(repo, Json(json!({})));
    assert!(!client.has_commit(&repository(), &sha("a")).await.expect("an answer"));
    server.on(&line, StatusCode::NOT_FOUND).on(repo, StatusCode::NOT_FOUND);
    let hidden = client.has_commit(&repository(), &sha("a")).await;
    assert!(matches!(hidden, Err(HostError::NotFound)), "{hidden:?}");
}

#[tokio::test]
async fn a_pull_request_of_a_github_stack_is_judged_against_the_base_of_the_stack() {
    let (server, client, _) = start(Host::Github).await;
    let line = "GET /api/v3/repos/acme/shop/pulls/7";
    let mut pull = recorded(Host::Github);
    pull["base"]["ref"] = "step-1".into();
    for (stack, base) in [
        (
            json!({"id": 1, "number": 2, "size": 3, "position": 2, "base": {"ref": "main", "sha": "b".repeat(40)}}),
            "main",
        ),
        (Value::Null, "step-1"),
    ] {
        pull["stack"] = stack;
        server.on(line, Json(pull.clone()));
        let facts = client
            .read_pull_request(&repository(), PullRequestNumber(7))
            .await
            .expect("an answer")
            .expect("facts");
        assert_eq!(facts.base.as_str(), base);
    }
    pull["stack"] = json!({"id": 1});
    server.on(line, Json(pull));
    let error = client.read_pull_request(&repository(), PullRequestNumber(7)).await.expect_err("no base");
    assert!(matches!(error, HostError::Unreadable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_ancestor_is_not_ahead() {
    for (host, query, ahead) in [
        (Host::Github, "per_page=1&page=2", "ahead_by"),
        (Host::Gitea, "files=false&verification=false", "total_commits"),
    ] {
        let (server, client, root) = start(host).await;
        let compare = format!("GET {root}/compare/{}...{}?{query}", sha("a"), sha("b"));
        server
            .on(&compare, Json(json!({ahead: 0, "behind_by": 3})))
            .on(&compare, Json(json!({ahead: 1, "behind_by": 3})))
            // A commit that the repository doesn't have.
            .on(&compare, StatusCode::NOT_FOUND);
        for expected in [true, false, false] {
            let is_ancestor = client.is_ancestor(&repository(), &sha("b"), &sha("a")).await;
            assert_eq!(is_ancestor.expect("an answer"), expected, "{host}");
        }
    }
}
