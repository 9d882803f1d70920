//! Into which pipeline of GitLab a status goes.

use axum::Json;
use http::StatusCode;

use super::{
    canned::Canned,
    gitlab::{ROOT, merge_request, shop, start},
    *,
};

const API: &str = "/git/api/v4";

fn merge_request_line() -> String {
    format!("GET {ROOT}/merge_requests/7")
}

fn status_line(project: &str) -> String {
    format!("POST {project}/statuses/{}", sha("a"))
}

fn created(pipeline: u64) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({"id": 1, "pipeline_id": pipeline})))
}

fn pipeline(id: u64, project: u64, digit: &str) -> Value {
    json!({"id": id, "sha": digit.repeat(40), "project_id": project, "ref": "x"})
}

/// The project of the merge request in `merge_request`.
const OWN: u64 = 278_964;

async fn read(client: &HostClient) {
    client.read_pull_request(&shop(), PullRequestNumber(7)).await.expect("an answer").expect("facts");
}

/// The pipeline and the ref of the last status.
fn chosen(server: &Canned) -> (Value, Value) {
    let body = server.calls().last().expect("a call").body.clone();
    (body["pipeline_id"].clone(), body["ref"].clone())
}

#[tokio::test]
async fn a_status_is_written_in_the_words_of_gitlab() {
    let (server, client) = start().await;
    server.on(&merge_request_line(), Json(merge_request(&[("head_pipeline", pipeline(5, OWN, "a"))])));
    read(&client).await;
    for (state, word) in [
        (StatusState::Pending, "pending"),
        (StatusState::Success, "success"),
        (StatusState::Failure, "failed"),
        (StatusState::Error, "failed"),
    ] {
        server.on(&status_line(ROOT), created(5));
        client.set_status(&shop(), &CommitStatus { state, ..status() }).await.expect("set");
        let body = json!({
            "state": word, "name": "tidegate/shop/test", "description": "exit code 1", "pipeline_id": 5,
        });
        assert_eq!(server.calls().last().expect("a call").body, body);
    }
    assert_eq!(server.lines().len(), 5, "the merge request was read once");
}

#[tokio::test]
async fn a_head_without_a_pipeline_of_its_own_gets_its_status_on_the_source_branch() {
    for head_pipeline in [Value::Null, pipeline(5, OWN, "b"), json!({"id": 5}), json!("odd")] {
        let (server, client) = start().await;
        server.on(&merge_request_line(), Json(merge_request(&[("head_pipeline", head_pipeline)])));
        read(&client).await;
        server.on(&status_line(ROOT), created(6));
        client.set_status(&shop(), &status()).await.expect("set");
        assert_eq!(chosen(&server), (Value::Null, json!("delete-designs-v2")));
    }
}

#[tokio::test]
async fn a_status_without_a_known_merge_request_looks_for_one_whose_head_the_commit_is() {
    let (server, client) = start().await;
    let of_commit = format!("GET {ROOT}/repository/commits/{}/merge_requests?per_page=100&page=1", sha("a"));
    let fork = merge_request(&[("iid", json!(8)), ("source_project_id", json!(99))]);
    let older = merge_request(&[("iid", json!(6)), ("sha", json!("b".repeat(40)))]);
    let closed = merge_request(&[("iid", json!(5)), ("state", json!("closed"))]);
    server
        .on(&of_commit, Json(json!([closed, older, fork, merge_request(&[])])))
        .on(&merge_request_line(), Json(merge_request(&[("head_pipeline", pipeline(5, OWN, "a"))])))
        .on(&status_line(ROOT), created(5));
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(chosen(&server), (json!(5), Value::Null));
}

#[tokio::test]
async fn the_statuses_of_a_pushed_commit_stay_in_one_pipeline_while_it_lasts() {
    let (server, client) = start().await;
    let of_commit = format!("GET {ROOT}/repository/commits/{}/merge_requests?per_page=100&page=1", sha("a"));
    server
        .on(&of_commit, Json(json!([])))
        .on(&status_line(ROOT), created(6))
        .on(&status_line(ROOT), created(6));
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(chosen(&server), (Value::Null, Value::Null));
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(chosen(&server), (json!(6), Value::Null));
    assert_eq!(server.lines().len(), 3);

    server
        .on(&status_line(ROOT), StatusCode::NOT_FOUND)
        .on(&of_commit, Json(json!([])))
        .on(&status_line(ROOT), created(7));
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(chosen(&server), (Value::Null, Value::Null), "the pipeline was removed");
}

#[tokio::test]
async fn a_pipeline_that_is_gone_or_full_is_chosen_again() {
    for refusal in [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY] {
        for (again, expected) in [
            (pipeline(6, OWN, "a"), (json!(6), Value::Null)),
            (pipeline(5, OWN, "a"), (Value::Null, json!("delete-designs-v2"))),
        ] {
            let (server, client) = start().await;
            server
                .on(&merge_request_line(), Json(merge_request(&[("head_pipeline", pipeline(5, OWN, "a"))])))
                .on(&status_line(ROOT), refusal)
                .on(&merge_request_line(), Json(merge_request(&[("head_pipeline", again)])))
                .on(&status_line(ROOT), created(6));
            read(&client).await;
            client.set_status(&shop(), &status()).await.expect("set");
            assert_eq!(chosen(&server), expected);
        }
    }
}

#[tokio::test]
async fn a_merge_request_that_was_merged_meanwhile_keeps_its_statuses() {
    let (server, client) = start().await;
    let head = |state: &str, id: u64| {
        Json(merge_request(&[("state", json!(state)), ("head_pipeline", pipeline(id, OWN, "a"))]))
    };
    server
        .on(&merge_request_line(), head("opened", 5))
        .on(&status_line(ROOT), StatusCode::NOT_FOUND)
        .on(&merge_request_line(), head("merged", 6))
        .on(&status_line(ROOT), created(6));
    read(&client).await;
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(chosen(&server), (json!(6), Value::Null));
}

#[tokio::test]
async fn a_repeated_state_was_set_and_a_conflict_passes() {
    let (server, client) = start().await;
    server.on(&merge_request_line(), Json(merge_request(&[])));
    read(&client).await;
    let line = status_line(ROOT);
    let answer = |status: StatusCode, message: &str| (status, Json(json!({"message": message})));
    let repeated = "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")";
    server.on(&line, answer(StatusCode::BAD_REQUEST, repeated));
    client.set_status(&shop(), &status()).await.expect("it has this state");

    server.on(&line, answer(StatusCode::BAD_REQUEST, "State is required"));
    let error = client.set_status(&shop(), &status()).await.expect_err("refused");
    assert!(matches!(error, HostError::Rejected { .. }), "{error:?}");
    server.on(&line, answer(StatusCode::CONFLICT, "Another update to this commit status is in progress"));
    let error = client.set_status(&shop(), &status()).await.expect_err("a conflict");
    assert!(error.class().is_transient(), "{error:?}");
    assert_eq!(server.lines().len(), 4, "a write is tried once");
}

#[tokio::test]
async fn the_statuses_of_a_fork_are_the_forks_and_a_refusal_says_so() {
    let (server, client) = start().await;
    let fork = json!(99);
    server
        .on(&merge_request_line(), Json(merge_request(&[("source_project_id", fork.clone())])))
        .on(&format!("GET {API}/projects/99"), Json(json!({"path_with_namespace": "steve/shop"})))
        .on(&status_line(&format!("{API}/projects/99")), created(6));
    read(&client).await;
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(chosen(&server), (Value::Null, json!("delete-designs-v2")));
    for refusal in [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN] {
        server.on(&status_line(&format!("{API}/projects/99")), refusal);
        let error = client.set_status(&shop(), &status()).await.expect_err("refused");
        assert!(matches!(&error, HostError::StatusInFork), "{error:?}");
    }
    let calls = server.lines().len();
    assert_eq!(client.list_statuses(&shop(), &sha("a")).await.expect("statuses"), []);
    assert_eq!(server.lines().len(), calls, "the owner of the fork writes its statuses");

    // A member ran the fork's pipeline in the base project.
    let (server, client) = start().await;
    let shown = merge_request(&[("source_project_id", fork), ("head_pipeline", pipeline(5, OWN, "a"))]);
    server
        .on(&merge_request_line(), Json(shown))
        .on(&format!("GET {API}/projects/99"), StatusCode::NOT_FOUND)
        .on(&status_line(ROOT), created(5));
    read(&client).await;
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(chosen(&server), (json!(5), Value::Null));
}

#[tokio::test]
async fn a_fork_with_the_commit_of_another_merge_request_does_not_take_its_statuses() {
    let (server, client) = start().await;
    let stranger = merge_request(&[("iid", json!(8)), ("source_project_id", json!(99))]);
    server
        .on(&merge_request_line(), Json(merge_request(&[])))
        .on(&format!("GET {ROOT}/merge_requests/8"), Json(stranger))
        .on(&format!("GET {API}/projects/99"), StatusCode::NOT_FOUND)
        .on(&status_line(ROOT), created(6));
    read(&client).await;
    client.read_pull_request(&shop(), PullRequestNumber(8)).await.expect("an answer").expect("facts");
    client.set_status(&shop(), &status()).await.expect("set");
    assert_eq!(server.lines().last(), Some(&status_line(ROOT)));
}

#[tokio::test]
async fn statuses_are_listed_newest_first() {
    let (server, client) = start().await;
    server.on(&merge_request_line(), Json(merge_request(&[])));
    read(&client).await;
    let shown = |id: u64, name: &str, description: Value| json!({"id": id, "name": name, "description": description, "created_at": "2026-11-24T11:00:00.123+01:00"});
    let list = format!("GET {ROOT}/repository/commits/{}/statuses?per_page=100&page=1", sha("a"));
    server.on(
        &list,
        Json(json!([shown(4, "lint", Value::Null), {"id": 5}, shown(9, "unit", json!("queued"))])),
    );
    let statuses = client.list_statuses(&shop(), &sha("a")).await.expect("statuses");
    let of: Vec<_> = statuses.iter().map(|status| (&*status.context, &*status.description)).collect();
    assert_eq!(of, [("unit", "queued"), ("lint", "")]);
}
