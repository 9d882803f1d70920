//! Webhooks of GitLab.

use axum::Json;
use http::StatusCode;

use super::{
    gitlab::{ROOT, shop, start},
    *,
};

fn hook(changes: &[(&str, Value)]) -> Value {
    let mut hook = json!({
        "id": 12, "url": "https://ci.example/hooks/x", "push_events": true, "tag_push_events": true,
        "merge_requests_events": true, "note_events": true, "issues_events": false, "enable_ssl_verification": true,
        "push_events_branch_filter": null, "branch_filter_strategy": "all_branches", "custom_webhook_template": "",
        "custom_headers": [], "alert_status": "executable", "disabled_until": null, "token_present": false,
        "signing_token_present": true,
    });
    for (member, value) in changes {
        hook[*member] = value.clone();
    }
    hook
}

fn spec_of(label: HookLabel) -> HookSpec {
    HookSpec { label, ..spec() }
}

async fn listed(shown: Value) -> Hook {
    let (server, client) = start().await;
    server.on(&format!("GET {ROOT}/hooks?per_page=100&page=1"), Json(json!([shown])));
    client.list_hooks(&shop()).await.expect("hooks").remove(0)
}

#[tokio::test]
async fn whatever_silently_stops_deliveries_is_seen() {
    let right = listed(hook(&[])).await;
    assert_eq!((right.id.as_str(), right.url.as_str()), ("12", "https://ci.example/hooks/x"));
    assert!(right.is_as_registered(HookLabel::Gitlab));
    for spoiled in [
        ("push_events", json!(false)),
        ("tag_push_events", json!(false)),
        ("merge_requests_events", json!(false)),
        ("note_events", Value::Null),
        ("enable_ssl_verification", json!(false)),
        ("custom_webhook_template", json!("{}")),
        ("custom_headers", json!([{"key": "x-y"}])),
        ("alert_status", json!("disabled")),
        ("alert_status", json!("temporarily_disabled")),
        ("signing_token_present", json!(false)),
        ("signing_token_present", Value::Null),
    ] {
        let hook = listed(hook(std::slice::from_ref(&spoiled))).await;
        assert!(!hook.is_as_registered(HookLabel::Gitlab), "{spoiled:?}");
    }
    for (filter, strategy, is_right) in [
        (json!("main"), json!("wildcard"), false),
        (json!("main"), json!("regex"), false),
        (json!("main"), json!("all_branches"), true),
        (json!(""), json!("wildcard"), true),
        (json!("main"), Value::Null, false),
    ] {
        let filtered = [("push_events_branch_filter", filter), ("branch_filter_strategy", strategy)];
        assert_eq!(
            listed(hook(&filtered)).await.is_as_registered(HookLabel::Gitlab),
            is_right,
            "{filtered:?}"
        );
    }
}

#[tokio::test]
async fn a_hook_with_a_token_is_right_without_a_signature_and_shows_whether_it_could_sign() {
    for (present, signed) in [(Value::Null, None), (json!(false), Some(false)), (json!(true), Some(true))] {
        let hook = listed(hook(&[("signing_token_present", present)])).await;
        assert!(hook.is_as_registered(HookLabel::GitlabToken));
        assert_eq!(hook.signed, signed);
    }
    // What an old GitLab shows.
    let old = json!({
        "id": 1, "url": "x", "push_events": true, "tag_push_events": true, "merge_requests_events": true,
        "note_events": true, "enable_ssl_verification": true,
    });
    assert!(listed(old).await.is_as_registered(HookLabel::GitlabToken));
}

#[tokio::test]
async fn a_key_that_signs_is_never_a_token() {
    for (label, key) in [(HookLabel::Gitlab, "signing_token"), (HookLabel::GitlabToken, "token")] {
        let (server, client) = start().await;
        let present = json!(label == HookLabel::Gitlab);
        let shown = hook(&[("signing_token_present", present)]);
        server
            .on(&format!("POST {ROOT}/hooks"), (StatusCode::CREATED, Json(shown.clone())))
            .on(&format!("PUT {ROOT}/hooks/12"), Json(shown));
        assert_eq!(client.create_hook(&shop(), &spec_of(label)).await.expect("created"), "12");
        assert_eq!(client.update_hook(&shop(), "12", &spec_of(label)).await.expect("updated"), "12");
        for call in server.calls() {
            assert_eq!(
                call.body,
                json!({
                    "url": "https://ci.example/hooks/x", key: "s3cret", "push_events": true, "tag_push_events": true,
                    "merge_requests_events": true, "note_events": true, "enable_ssl_verification": true,
                    "branch_filter_strategy": "all_branches", "push_events_branch_filter": "",
                    "custom_webhook_template": "",
                })
            );
        }
    }
}

#[tokio::test]
async fn a_gitlab_without_signatures_keeps_no_hook_on_the_path_of_signed_ones() {
    for present in [Value::Null, json!(false)] {
        let (server, client) = start().await;
        let shown = hook(&[("signing_token_present", present)]);
        server
            .on(&format!("POST {ROOT}/hooks"), (StatusCode::CREATED, Json(shown.clone())))
            .on(&format!("PUT {ROOT}/hooks/12"), Json(shown));
        for _ in 0..2 {
            server.on(&format!("DELETE {ROOT}/hooks/12"), StatusCode::NO_CONTENT);
        }
        let spec = spec_of(HookLabel::Gitlab);
        let created = client.create_hook(&shop(), &spec).await;
        let updated = client.update_hook(&shop(), "12", &spec).await;
        assert!(matches!(created, Err(HostError::Unsupported)), "{created:?}");
        assert!(matches!(updated, Err(HostError::Unsupported)), "{updated:?}");
        let lines = server.lines();
        assert_eq!(lines.iter().filter(|line| line.starts_with("DELETE")).count(), 2, "{lines:?}");
    }
}

#[tokio::test]
async fn a_hook_that_an_edit_can_not_make_right_is_replaced() {
    for spoiled in [("alert_status", json!("disabled")), ("custom_headers", json!([{"key": "x-y"}]))] {
        let (server, client) = start().await;
        server
            .on(&format!("PUT {ROOT}/hooks/12"), Json(hook(&[spoiled])))
            .on(&format!("POST {ROOT}/hooks"), (StatusCode::CREATED, Json(hook(&[("id", json!(13))]))));
        let id = client.update_hook(&shop(), "12", &spec_of(HookLabel::Gitlab)).await.expect("replaced");
        assert_eq!(id, "13");
        assert_eq!(server.lines().len(), 2, "the old one is its caller's to delete");
    }
}

#[tokio::test]
async fn a_hook_that_is_gone_was_removed_well() {
    let (server, client) = start().await;
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        server.on(&format!("DELETE {ROOT}/hooks/12"), status);
        client.delete_hook(&shop(), "12").await.expect("deleted");
    }
}
