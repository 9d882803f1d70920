//! GitLab's projects, merge requests, refs and people.

use axum::Json;
use http::StatusCode;

use super::{canned::Canned, *};

/// A GitLab below a path, with three levels of groups.
pub(super) const ROOT: &str = "/git/api/v4/projects/acme%2Fweb%2Ffront-end%2Fshop";
const API: &str = "/git/api/v4";

pub(super) fn shop() -> RepositoryPath {
    "acme/web/front-end/shop".parse().expect("repository")
}

pub(super) async fn start() -> (Canned, HostClient) {
    let (server, client, _) = super::start(Host::Gitlab).await;
    (server, client)
}

/// What GitLab shows of merge request 7, whose head is `aaa…`.
pub(super) fn merge_request(changes: &[(&str, Value)]) -> Value {
    let recorded = include_str!("../../../../../tests/payloads/gitlab-answers/merge_request.json");
    let mut shown: Value = serde_json::from_str(recorded).expect("JSON");
    for (member, value) in [("iid", json!(7)), ("sha", json!("a".repeat(40))), ("head_pipeline", Value::Null)]
    {
        shown[member] = value;
    }
    for (member, value) in changes {
        shown[*member] = value.clone();
    }
    shown
}

async fn read(client: &HostClient) -> Option<PullRequestFacts> {
    client.read_pull_request(&shop(), PullRequestNumber(7)).await.expect("an answer")
}

#[tokio::test]
async fn a_merge_request_is_read_from_what_gitlab_shows() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/merge_requests/7");
    server.on(&line, Json(merge_request(&[])));
    let expected = PullRequestFacts {
        number: PullRequestNumber(7),
        open: true,
        merged: false,
        head: HeadFacts {
            sha: sha("a"),
            branch: Some("delete-designs-v2".parse().expect("branch")),
            repository: Some(shop()),
            owner: None,
        },
        base: "master".parse().expect("branch"),
        author: login("alexkalderimis"),
        title: "Add deletion support for designs".to_owned(),
        draft: true,
    };
    assert_eq!(read(&client).await, Some(expected));
    assert_eq!(server.calls()[0].header("authorization"), Some("Bearer t0ken"));
    assert_eq!(server.lines().len(), 1, "one call, as it is no fork's");
    server.on(&line, StatusCode::NOT_FOUND);
    assert_eq!(read(&client).await, None);
}

#[tokio::test]
async fn the_states_of_a_merge_request_are_open_closed_and_merged() {
    let (server, client) = start().await;
    for (state, open, merged) in
        [("opened", true, false), ("locked", true, false), ("closed", false, false), ("merged", false, true)]
    {
        server.on(&format!("GET {ROOT}/merge_requests/7"), Json(merge_request(&[("state", json!(state))])));
        let facts = read(&client).await.expect("facts");
        assert_eq!((facts.open, facts.merged), (open, merged), "{state}");
    }
}

#[tokio::test]
async fn a_draft_is_told_by_its_mark_and_else_by_the_title() {
    let (server, client) = start().await;
    let (yes, no) = (json!(true), json!(false));
    for (draft, old, title, expected) in [
        (yes.clone(), no.clone(), "Fix", true),
        (no.clone(), yes.clone(), "Draft: fix", false),
        (Value::Null, yes, "Fix", true),
        (Value::Null, no, "Fix", false),
        (Value::Null, Value::Null, "DRAFT: fix", true),
        (Value::Null, Value::Null, "[WIP] fix", true),
        (Value::Null, Value::Null, "Drafting", false),
    ] {
        let shown = merge_request(&[("draft", draft), ("work_in_progress", old), ("title", json!(title))]);
        server.on(&format!("GET {ROOT}/merge_requests/7"), Json(shown.clone()));
        assert_eq!(read(&client).await.expect("facts").draft, expected, "{shown}");
    }
}

#[tokio::test]
async fn a_fork_is_named_by_one_more_call_and_a_hidden_one_by_nothing() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/merge_requests/7");
    let fork = format!("GET {API}/projects/99");
    server
        .on(&line, Json(merge_request(&[("source_project_id", json!(99))])))
        .on(&fork, Json(json!({"path_with_namespace": "steve/a/b/shop"})));
    let facts = read(&client).await.expect("facts");
    assert_eq!(facts.head.repository.expect("a fork").as_str(), "steve/a/b/shop");
    assert_eq!(facts.head.owner, None, "no namespace is shown");
    for (kind, path, owner) in [("user", "steve", Some("steve")), ("group", "a", None)] {
        let namespace = json!({"kind": kind, "path": path});
        server.on(&line, Json(merge_request(&[("source_project_id", json!(99))])));
        server.on(&fork, Json(json!({"path_with_namespace": "x/shop", "namespace": namespace})));
        let found = read(&client).await.expect("facts").head.owner;
        assert_eq!(found.as_ref().map(Login::as_str), owner, "only a person vouches for a fork");
    }
    for hidden in [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN] {
        server.on(&line, Json(merge_request(&[("source_project_id", json!(99))]))).on(&fork, hidden);
        assert_eq!(read(&client).await.expect("facts").head.repository, None);
    }
    server.on(&line, Json(merge_request(&[("source_project_id", Value::Null)])));
    assert_eq!(read(&client).await.expect("facts").head.repository, None, "it was deleted");
    server
        .on(&line, Json(merge_request(&[("source_project_id", json!(99))])))
        .on(&fork, StatusCode::UNAUTHORIZED);
    let error = client.read_pull_request(&shop(), PullRequestNumber(7)).await.expect_err("no answer");
    assert!(matches!(error, HostError::Unauthorized), "{error:?}");
}

#[tokio::test]
async fn a_renamed_project_is_shown_by_its_new_path() {
    let (server, client) = start().await;
    let moved = format!("{}{API}/projects/5", server.url);
    server
        .on(&format!("GET {ROOT}"), (StatusCode::MOVED_PERMANENTLY, [("location", moved)]))
        .on(&format!("GET {API}/projects/5"), Json(json!({"path_with_namespace": "acme/store"})));
    assert_eq!(client.read_repository(&shop()).await.expect("an answer").as_str(), "acme/store");
    assert!(server.calls()[1].header("authorization").is_some());
}

#[tokio::test]
async fn lists_are_read_until_no_next_page_is_named() {
    let (server, client) = start().await;
    let line = |page| {
        format!(
            "GET {ROOT}/merge_requests?state=opened&order_by=created_at&sort=asc&per_page=100&page={page}"
        )
    };
    let numbered = |number: u64, source: u64| {
        merge_request(&[("iid", json!(number)), ("source_project_id", json!(source))])
    };
    let odd = merge_request(&[("sha", json!("no SHA")), ("diff_refs", Value::Null)]);
    server
        .on(&line(1), ([("x-next-page", "2")], Json(json!([numbered(3, 278_964), odd]))))
        .on(&line(2), ([("x-next-page", "")], Json(json!([numbered(5, 99)]))));
    let listing = client.list_open_pull_requests(&shop()).await.expect("a list");
    let numbers: Vec<u64> = listing.items.iter().map(|pull| pull.number.0).collect();
    assert_eq!((numbers, listing.unreadable), (vec![3, 5], 1));
    assert_eq!(listing.items[0].head.repository, Some(shop()));
    assert_eq!(listing.items[1].head.repository, None, "a fork's name would take a call");

    for page in 1..=10 {
        server.on(&line(page), ([("link", "<x>; rel=\"next\"")], Json(json!([numbered(page, 1)]))));
    }
    let listing = client.list_open_pull_requests(&shop()).await.expect("a list");
    assert_eq!((listing.items.len(), listing.is_complete()), (10, false));
}

#[tokio::test]
async fn refs_lead_to_commits() {
    let (server, client) = start().await;
    let recorded = include_str!("../../../../../tests/payloads/gitlab-answers/branches.json");
    let branches: Value = serde_json::from_str(recorded).expect("JSON");
    let tag = |name: &str, commit: Value| json!({"name": name, "target": "d".repeat(40), "commit": commit});
    let tags = json!([tag("v1", json!({"id": "c".repeat(40)})), tag("blob", Value::Null)]);
    server
        .on(&format!("GET {ROOT}/repository/branches?per_page=100&page=1"), Json(branches))
        .on(&format!("GET {ROOT}/repository/tags?per_page=100&page=1"), Json(tags));
    let listing = client.list_refs(&shop()).await.expect("a list");
    let shown: Vec<_> =
        listing.items.iter().map(|of| (of.reference.to_string(), of.sha.to_string())).collect();
    let of = |name: &str, sha: &str| (name.to_owned(), sha.to_owned());
    let branch = "7b5c3cc8be40ee161ae89a06bba6229da1032a0c";
    let expected = [
        of("refs/heads/master", branch),
        of("refs/heads/develop", branch),
        of("refs/tags/v1", &"c".repeat(40)),
    ];
    assert_eq!((shown, listing.unreadable), (expected.to_vec(), 1));

    server
        .on(
            &format!("GET {ROOT}/repository/branches/fix%2Fa%231"),
            Json(json!({"name": "fix/a#1", "commit": {"id": "a".repeat(40)}})),
        )
        .on(&format!("GET {ROOT}/repository/branches/gone"), StatusCode::NOT_FOUND)
        .on(&format!("GET {ROOT}/repository/tags/v1"), Json(tag("v1", json!({"id": "c".repeat(40)}))));
    let target = async |name: &str| client.read_ref(&shop(), &reference(name)).await.expect("an answer");
    assert_eq!(target("refs/heads/fix/a#1").await, Some(sha("a")));
    assert_eq!(target("refs/heads/gone").await, None);
    assert_eq!(target("refs/tags/v1").await, Some(sha("c")));
}

#[tokio::test]
async fn an_ancestor_is_what_both_have_in_common() {
    let (server, client) = start().await;
    let line = format!("GET {ROOT}/repository/merge_base?refs%5B%5D={}&refs%5B%5D={}", sha("b"), sha("a"));
    let missing = Json(json!({"message": "Could not find ref: bbb"}));
    server
        .on(&line, Json(json!({"id": "b".repeat(40)})))
        .on(&line, Json(json!({"id": "c".repeat(40)})))
        .on(&line, StatusCode::NOT_FOUND)
        .on(&line, (StatusCode::BAD_REQUEST, missing));
    for expected in [true, false, false, false] {
        let is_ancestor = client.is_ancestor(&shop(), &sha("b"), &sha("a")).await;
        assert_eq!(is_ancestor.expect("an answer"), expected);
    }
}

#[tokio::test]
async fn a_missing_commit_differs_from_a_project_that_is_hidden() {
    let (server, client) = start().await;
    let (line, project) =
        (format!("GET {ROOT}/repository/commits/{}?stats=false", sha("a")), format!("GET {ROOT}"));
    server.on(&line, Json(json!({})));
    assert!(client.has_commit(&shop(), &sha("a")).await.expect("an answer"));
    server.on(&line, StatusCode::NOT_FOUND).on(&project, Json(json!({})));
    assert!(!client.has_commit(&shop(), &sha("a")).await.expect("an answer"));
    server.on(&line, StatusCode::NOT_FOUND).on(&project, StatusCode::NOT_FOUND);
    let hidden = client.has_commit(&shop(), &sha("a")).await;
    assert!(matches!(hidden, Err(HostError::NotFound)), "{hidden:?}");
}

fn member(level: u64) -> Value {
    json!({"id": 7, "username": "dora", "state": "active", "membership_state": "active", "access_level": level})
}

#[tokio::test]
async fn an_account_may_do_what_its_membership_says_wherever_it_comes_from() {
    let (server, client) = start().await;
    let users = format!("GET {API}/users?username=dora");
    let (members, profile) = (format!("GET {ROOT}/members/all/7"), format!("GET {API}/users/7"));
    let found = || Json(json!([{"id": 7, "username": "Dora", "state": "active"}]));
    let account = async || client.read_account(&shop(), &login("dora")).await.expect("an answer");
    for (level, permission) in [
        (50, Permission::Admin),
        (40, Permission::Admin),
        (30, Permission::Write),
        (25, Permission::Read),
        (20, Permission::Read),
        (10, Permission::None),
        (0, Permission::None),
    ] {
        server.on(&users, found()).on(&members, Json(member(level)));
        if permission.can_write() {
            server.on(&profile, Json(json!({"id": 7, "bot": false})));
        }
        let kind = if permission.can_write() { AccountKind::Person } else { AccountKind::Unknown };
        assert_eq!(account().await, AccountFacts { permission, kind }, "{level}");
    }
    for (bot, kind) in [(json!(true), AccountKind::Bot), (Value::Null, AccountKind::Unknown)] {
        server.on(&users, found()).on(&members, Json(member(30))).on(&profile, Json(json!({"bot": bot})));
        assert_eq!(account().await.kind, kind);
    }
    let nobody = AccountFacts { permission: Permission::None, kind: AccountKind::Unknown };
    for (pointer, state) in [("state", "blocked"), ("membership_state", "awaiting"), ("access_level", "30")] {
        let mut blocked = member(30);
        blocked[pointer] = state.into();
        server.on(&users, found()).on(&members, Json(blocked));
        assert_eq!(account().await, nobody, "{pointer}");
    }
    for status in [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN] {
        server.on(&users, found()).on(&members, status);
        assert_eq!(account().await, nobody);
    }
    // A group, and a user that the host takes for alike.
    for others in [json!([]), json!([{"id": 8, "username": "dora2"}])] {
        server.on(&users, Json(others));
        assert_eq!(account().await, nobody);
    }
}

#[tokio::test]
async fn a_token_sets_statuses_where_its_owner_is_a_developer_by_any_group() {
    let (server, client) = start().await;
    let project = format!("GET {ROOT}");
    let may = async || client.check_status_right(&shop()).await.expect("an answer");
    for (of_project, of_group, expected) in
        [(json!({"access_level": 30}), Value::Null, true), (Value::Null, json!({"access_level": 40}), true)]
    {
        let shown = json!({"permissions": {"project_access": of_project, "group_access": of_group}});
        server.on(&project, Json(shown));
        assert_eq!(may().await, expected);
    }
    for (level, expected) in [(30, true), (20, false)] {
        let low = json!({"permissions": {"project_access": {"access_level": 20}, "group_access": null}});
        server
            .on(&project, Json(low))
            .on(&format!("GET {API}/user"), Json(json!({"id": 7})))
            .on(&format!("GET {ROOT}/members/all/7"), Json(member(level)));
        assert_eq!(may().await, expected);
    }
}

#[tokio::test]
async fn a_right_that_is_missing_to_judge_people_is_named() {
    let (server, client) = start().await;
    let (members, profile) = (format!("GET {ROOT}/members/all?per_page=1"), format!("GET {API}/users/7"));
    let missing = async || client.find_missing_right(&shop()).await.expect("an answer");
    server.on(&members, Json(json!([member(30)]))).on(&profile, Json(json!({"bot": false})));
    assert_eq!(missing().await, None);
    server.on(&members, Json(json!([member(30)]))).on(&profile, StatusCode::FORBIDDEN);
    assert!(missing().await.expect("a right").contains("which accounts are bots"));
    let scope = Json(json!({"error": "insufficient_scope", "scope": "api read_api"}));
    server.on(&members, (StatusCode::FORBIDDEN, scope));
    let right = missing().await.expect("a right");
    assert!(right.contains("scope api") && right.contains("insufficient_scope"), "{right}");
}

#[tokio::test]
async fn an_app_of_github_is_no_credential_here() {
    let credential = Credential::GithubApp { app_id: 1, installation_id: 2, private_key: "x".into() };
    let error = HostClient::new(Host::Gitlab, "https://gitlab.com/api/v4", credential, settings())
        .expect_err("no App");
    assert!(matches!(error, HostError::Unauthorized), "{error:?}");
}
