//! Pull requests and the full ids of their heads.

use axum::Json;
use http::StatusCode;

use super::*;

pub(super) const PULL: &str = "GET /2.0/repositories/acme/shop/pullrequests/7";
pub(super) const COMMITS: &str =
    "GET /2.0/repositories/acme/shop/pullrequests/7/commits?pagelen=1&fields=values.hash";
const FORK: &str = "GET /2.0/repositories/dora/shop";

/// What Bitbucket shows of pull request 7, from a repository.
pub(super) fn shown(from: &str) -> Value {
    json!({
        "type": "pullrequest", "id": 7, "state": "OPEN", "draft": true, "title": "Fix", "author": user(DORA),
        "source": {
            "branch": {"name": "fix"}, "commit": {"type": "commit", "hash": "aaaaaaaaaaaa"},
            "repository": {"type": "repository", "full_name": from, "uuid": "{1}"},
        },
        "destination": {
            "branch": {"name": "main"}, "commit": {"hash": "bbbbbbbbbbbb"}, "repository": {"full_name": "acme/shop"},
        },
    })
}

pub(super) fn commits(digits: &[&str]) -> Json<Value> {
    page(&digits.iter().map(|digit| json!({"hash": digit.repeat(40)})).collect())
}

/// A commit that shares the digits that are shown, and no others.
fn twin() -> String {
    format!("{}{}", "a".repeat(12), "f".repeat(28))
}

async fn read(client: &HostClient) -> Result<Option<PullRequestFacts>, HostError> {
    client.read_pull_request(&repository(), PullRequestNumber(7)).await
}

#[tokio::test]
async fn a_pull_request_has_the_full_id_of_its_head() {
    let (server, client) = start().await;
    server.on(PULL, Json(shown("ACME/shop"))).on(COMMITS, commits(&["a"]));
    let facts = read(&client).await.expect("an answer").expect("facts");
    let expected = PullRequestFacts {
        number: PullRequestNumber(7),
        open: true,
        merged: false,
        head: HeadFacts {
            sha: sha("a"),
            branch: "fix".parse().ok(),
            repository: "ACME/shop".parse().ok(),
            owner: None,
        },
        base: "main".parse().expect("a branch"),
        author: login(DORA),
        title: "Fix".to_owned(),
        draft: true,
    };
    assert_eq!(facts, expected);
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn a_head_that_the_commits_do_not_show_is_read_from_its_branch() {
    let (server, client) = start().await;
    let branch = "GET /2.0/repositories/acme/shop/refs/branches/fix?fields=target.hash";
    let target = |hash: String| Json(json!({"target": {"hash": hash}}));
    server.on(PULL, Json(shown("acme/shop"))).on(COMMITS, commits(&["c"])).on(branch, target(twin()));
    let facts = read(&client).await.expect("an answer").expect("facts");
    assert_eq!(facts.head.sha.as_str(), twin());

    // Nothing that begins with other digits is ever the head.
    server.on(PULL, Json(shown("acme/shop"))).on(COMMITS, commits(&[])).on(branch, target("c".repeat(40)));
    let moved = read(&client).await.expect_err("no head");
    assert!(moved.class().is_transient(), "{moved:?}");
    let mut gone = shown("acme/shop");
    gone["source"]["repository"] = Value::Null;
    server.on(PULL, Json(gone)).on(COMMITS, StatusCode::NOT_FOUND);
    read(&client).await.expect_err("no head");
}

#[tokio::test]
async fn a_fork_belongs_to_a_person_or_to_nobody() {
    let (server, client) = start().await;
    let team = json!({"type": "team", "uuid": "{2}", "display_name": "Acme"});
    for (answer, expected) in [
        (Some(json!({"owner": user(DORA)})), Some(login(DORA))),
        (Some(json!({"owner": team})), None),
        (Some(json!({"owner": null})), None),
        (Some(json!({})), None),
        (None, None),
    ] {
        let line = format!("{FORK}?fields=owner.uuid,owner.type");
        server.on(PULL, Json(shown("dora/shop"))).on(COMMITS, commits(&["a"]));
        match answer {
            Some(answer) => server.on(&line, Json(answer)),
            None => server.on(&line, StatusCode::FORBIDDEN),
        };
        let facts = read(&client).await.expect("an answer").expect("facts");
        assert_eq!(facts.head.owner, expected);
        assert_eq!(facts.head.repository, "dora/shop".parse().ok());
    }
}

#[tokio::test]
async fn only_the_words_for_an_end_close_a_pull_request() {
    let (server, client) = start().await;
    for (state, open, merged) in [
        ("OPEN", true, false),
        ("MERGED", false, true),
        ("DECLINED", false, false),
        ("SUPERSEDED", false, false),
        ("A_NEW_WORD", true, false),
    ] {
        let mut pull = shown("acme/shop");
        pull["state"] = state.into();
        server.on(PULL, Json(pull)).on(COMMITS, commits(&["a"]));
        let facts = read(&client).await.expect("an answer").expect("facts");
        assert_eq!((facts.open, facts.merged), (open, merged), "{state}");
    }
    // One that is closed, and whose commits are gone with its branch.
    let mut closed = shown("acme/shop");
    closed["state"] = "DECLINED".into();
    server.on(PULL, Json(closed)).on(COMMITS, commits(&[]));
    assert_eq!(read(&client).await.expect("an answer"), None);
    server.on(PULL, StatusCode::NOT_FOUND).on(COMMITS, StatusCode::NOT_FOUND);
    assert_eq!(read(&client).await.expect("an answer"), None);
}

#[tokio::test]
async fn people_and_forks_that_are_gone_are_no_errors() {
    let (server, client) = start().await;
    let mut pull = shown("acme/shop");
    (pull["author"], pull["source"]["repository"]) = (Value::Null, Value::Null);
    pull["source"]["branch"] = json!({"name": "a..b"});
    server.on(PULL, Json(pull)).on(COMMITS, commits(&["a"]));
    let facts = read(&client).await.expect("an answer").expect("facts");
    assert_eq!(facts.author.as_str(), "{00000000-0000-0000-0000-000000000000}");
    assert_eq!(facts.head, HeadFacts { sha: sha("a"), branch: None, repository: None, owner: None });
}

#[tokio::test]
async fn open_pull_requests_are_listed_with_few_calls() {
    let (server, client) = start().await;
    let numbered = |number: u64, from: &str, branch: &str| {
        let mut pull = shown(from);
        (pull["id"], pull["source"]["branch"]["name"]) = (number.into(), branch.into());
        pull
    };
    let commits_of =
        |number: u64| format!("GET {ROOT}/pullrequests/{number}/commits?pagelen=1&fields=values.hash");
    let pulls = json!([
        numbered(1, "acme/shop", "fix"),
        numbered(2, "acme/shop", "moved"),
        numbered(3, "dora/shop", "fix"),
        null,
        numbered(4, "dora/shop", "gone"),
    ]);
    let branches = json!([
        {"name": "fix", "target": {"hash": "a".repeat(40)}}, {"name": "moved", "target": {"hash": "c".repeat(40)}},
    ]);
    let query = "pagelen=100&fields=next,values.name,values.target.hash";
    server
        .on(&format!("GET {ROOT}/pullrequests?state=OPEN&sort=created_on&pagelen=50"), page(&pulls))
        .on(&format!("GET {ROOT}/refs/branches?{query}"), page(&branches))
        .on(&commits_of(2), commits(&["a"]))
        .on(&commits_of(3), commits(&["a"]))
        .on(&commits_of(4), commits(&[]))
        .on("GET /2.0/repositories/dora/shop/refs/branches/gone?fields=target.hash", StatusCode::NOT_FOUND);
    let listing = client.list_open_pull_requests(&repository()).await.expect("a list");
    let shown: Vec<u64> = listing.items.iter().map(|pull| pull.number.0).collect();
    assert_eq!((shown, listing.unreadable, listing.is_truncated), (vec![1, 2, 3], 2, false));
    assert!(listing.items.iter().all(|pull| pull.head.sha == sha("a")));
    assert_eq!(server.calls().len(), 6);
}
