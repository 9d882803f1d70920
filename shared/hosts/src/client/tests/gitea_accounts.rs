//! Who may write to the code, by answers that were recorded from a real Gitea 1.26: `acme` is an organisation, olga one of its
//! owners; tina is in team `coders` (`repo.code`: write), ivan in team `triage` (`repo.issues`: write, `repo.code`: read), cora
//! and the bot robo are collaborators who may write, as is the organisation evilorg; steve is a stranger.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use super::{canned::Canned, *};

const SCOPE: &str = "token does not have at least one of required scope(s), required=[read:organization], token \
                     scope=write:issue,write:repository";

async fn start() -> (Canned, HostClient) {
    let server = Canned::start().await;
    let client = client(Host::Gitea, &server.url);
    (server, client)
}

fn recorded() -> Value {
    let text = include_str!("../../../../../tests/payloads/gitea-answers/accounts.json");
    serde_json::from_str(text).expect("JSON")
}

fn replay(server: &Canned, line: &str, answer: &Value) {
    let status = u16::try_from(answer["status"].as_u64().expect("a status")).expect("a status");
    let status = StatusCode::from_u16(status).expect("a status");
    match &answer["body"] {
        Value::Null => server.on(line, status),
        body => server.on(line, (status, Json(body.clone()))),
    };
}

/// The account, on a host whose answers are those that were recorded, but for these.
async fn account(name: &str, changed: &[(&str, Value)]) -> AccountFacts {
    let (server, client) = start().await;
    for (line, answer) in recorded().as_object().expect("answers") {
        let other = changed.iter().find(|(changed, _)| changed == line);
        replay(&server, line, other.map_or(answer, |(_, answer)| answer));
    }
    client.read_account(&repository(), &login(name)).await.expect("an account")
}

fn read(kind: AccountKind) -> AccountFacts {
    AccountFacts { permission: Permission::Read, kind }
}

#[tokio::test]
async fn in_an_organisation_a_writer_is_who_may_write_to_the_code_by_whatever_way() {
    use AccountKind::{Person, Unknown};
    use Permission::{Admin, None, Read, Write};
    for (name, permission, kind) in [
        ("olga", Admin, Person),
        // Gitea shows `read`.
        ("tina", Write, Person),
        ("ivan", Read, Unknown),
        ("cora", Write, Person),
        ("robo", Write, Unknown),
        ("evilorg", Write, Unknown),
        ("steve", Read, Unknown),
        ("ghosty", None, Unknown),
    ] {
        assert_eq!(account(name, &[]).await, AccountFacts { permission, kind }, "{name}");
    }
}

#[tokio::test]
async fn before_1_24_a_team_that_may_write_to_issues_alone_makes_no_writer() {
    let line = "GET /api/v1/repos/acme/shop/collaborators/ivan/permission";
    let shown = json!({"status": 200, "body": {"permission": "write", "user": {"id": 4, "login": "ivan"}}});
    assert_eq!(account("ivan", &[(line, shown)]).await, read(AccountKind::Unknown));
    // Tina's team read as `write`, too, and may write to the code.
    let line = "GET /api/v1/repos/acme/shop/collaborators/tina/permission";
    let shown = json!({"status": 200, "body": {"permission": "write", "user": {"id": 3, "login": "tina"}}});
    assert_eq!(account("tina", &[(line, shown)]).await.permission, Permission::Write);
}

#[tokio::test]
async fn in_a_persons_repository_the_answer_is_that_of_the_code() {
    let teams = json!({"status": 405, "body": {"message": "repo is not owned by an organization"}});
    for (shown, expected) in [
        ("owner", Permission::Admin),
        ("admin", Permission::Admin),
        ("write", Permission::Write),
        ("read", Permission::Read),
        ("none", Permission::None),
        ("new-right", Permission::None),
    ] {
        let line = "GET /api/v1/repos/acme/shop/collaborators/tina/permission";
        let permission = json!({"status": 200, "body": {"permission": shown, "user": {"id": 3}}});
        let changed = [("GET /api/v1/repos/acme/shop/teams", teams.clone()), (line, permission)];
        assert_eq!(account("tina", &changed).await.permission, expected, "{shown}");
    }
}

#[tokio::test]
async fn what_the_token_may_not_see_makes_nobody_a_writer() {
    let forbidden = json!({"status": 403, "body": {"message": SCOPE}});
    let member = [("GET /api/v1/teams/2/members/tina", forbidden.clone())];
    assert_eq!(account("tina", &member).await, read(AccountKind::Unknown));
    for hidden in [forbidden, json!({"status": 404, "body": {"message": "not found"}})] {
        let search = [("GET /api/v1/users/search?uid=5", hidden)];
        assert_eq!(account("cora", &search).await.kind, AccountKind::Unknown);
    }
    // Gitea's own account for its Actions.
    let line = "GET /api/v1/repos/acme/shop/collaborators/cora/permission";
    let shown = json!({"status": 200, "body": {"permission": "write", "user": {"id": -2}}});
    assert_eq!(account("cora", &[(line, shown)]).await.kind, AccountKind::Bot);
}

async fn missing(changed: &[(&str, Value)]) -> Option<String> {
    let (server, client) = start().await;
    for (line, answer) in recorded().as_object().expect("answers") {
        let other = changed.iter().find(|(changed, _)| changed == line);
        replay(&server, line, other.map_or(answer, |(_, answer)| answer));
    }
    client.find_missing_right(&repository()).await.expect("an answer")
}

#[tokio::test]
async fn a_missing_scope_is_named_and_the_teams_that_administrate_are_not_looked_at() {
    assert_eq!(missing(&[]).await, None);
    let forbidden = |scope: &str| {
        let message = format!("token does not have at least one of required scope(s), required=[{scope}]");
        json!({"status": 403, "body": {"message": message}})
    };
    let search = missing(&[("GET /api/v1/users/search?limit=1", forbidden("read:user"))]).await;
    assert!(search.expect("a reason").starts_with("without the scope read:user the token can't tell people"));
    let off = json!({"status": 404, "body": {"message": "not found"}});
    let off = missing(&[("GET /api/v1/users/search?limit=1", off)]).await;
    assert!(off.expect("a reason").contains("DISABLE_USERS_PAGE"));
    let team = missing(&[("GET /api/v1/teams/2", forbidden("read:organization"))]).await;
    let team = team.expect("a reason");
    assert!(team.starts_with("the token can't see who is in team coders of acme"), "{team}");
    assert!(team.contains("it needs the scope read:organization"), "{team}");
    let hidden = json!({"status": 404, "body": {"message": "not found"}});
    let hidden = missing(&[("GET /api/v1/teams/2", hidden)]).await.expect("a reason");
    assert!(hidden.ends_with("the host hides the team from it"), "{hidden}");
}
