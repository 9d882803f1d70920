use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const BODY: &[u8] = br#"{"zen":"Keep it logically awesome."}"#;

fn signed(host: Host, event: &str, body: &[u8]) -> HeaderMap {
    let id = "d-1".parse().expect("delivery id");
    signed_headers(HookLabel::for_host(host), event, &id, body, &"s3cret".into()).expect("headers")
}

#[test]
fn only_json_is_read_and_the_error_names_the_setting() {
    let mut headers = signed(Host::Github, "ping", BODY);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("Application/JSON; charset=utf-8"));
    assert!(Unverified::new(Host::Github, &headers, BODY).normalise().is_ok());
    headers.remove(CONTENT_TYPE);
    assert!(Unverified::new(Host::Github, &headers, BODY).normalise().is_ok());

    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let error = Unverified::new(Host::Github, &headers, b"payload=%7B%7D").normalise().expect_err("a form");
    assert_eq!(
        error.to_string(),
        "failed to read the delivery: content type \"application/x-www-form-urlencoded\" is not application/json; \
         set the hook's content_type to json"
    );
}

#[test]
fn headers_that_say_what_a_delivery_is_must_be_there() {
    for host in Host::ALL {
        let full = signed(host, "ping", BODY);
        let names = [format!("x-{host}-event"), format!("x-{host}-delivery")];
        for name in names {
            let mut headers = full.clone();
            headers.remove(&name);
            let error = Unverified::new(host, &headers, BODY).normalise().expect_err("a header is missing");
            assert_eq!(error.to_string(), format!("failed to read the delivery: header {name} is missing"));
        }
        let mut headers = full.clone();
        let name = if host == Host::Github { "x-github-delivery" } else { "x-gitea-delivery" };
        headers.insert(name, HeaderValue::from_static("not one word"));
        let error = Unverified::new(host, &headers, BODY).normalise().expect_err("no delivery id");
        assert!(matches!(error, NormaliseError::DeliveryId { .. }), "{error:?}");
    }
}

#[test]
fn the_error_of_an_unreadable_body_names_the_field_and_stays_short() {
    let sha = "a".repeat(40);
    let long = "x".repeat(100_000);
    for host in Host::ALL {
        for (body, field, reason) in [
            (String::new(), ".", "EOF while parsing"),
            ("{".to_owned(), ".", "EOF while parsing"),
            ("[]".to_owned(), ".", "invalid length 0"),
            (r#"{"ref":"refs/heads/main"}"#.to_owned(), ".", "missing field `after`"),
            (r#"{"ref":"main"}"#.to_owned(), "ref", "ref \"main\" is invalid"),
            (r#"{"after":"zz"}"#.to_owned(), "after", "commit SHA \"zz\" is invalid"),
            (
                format!(r#"{{"after":"{sha}","repository":{{"full_name":7}}}}"#),
                "repository.full_name",
                "invalid type: integer `7`",
            ),
            (
                format!(r#"{{"repository":{{"full_name":"{long}"}}}}"#),
                "repository.full_name",
                "repository path \"xxx",
            ),
            (format!(r#"{{"repository":"{long}"}}"#), "repository", "invalid type: string \"xxx"),
        ] {
            let headers = signed(host, "push", body.as_bytes());
            let error = Unverified::new(host, &headers, body.as_bytes()).normalise().expect_err("unreadable");
            let NormaliseError::Body { field: found, reason: why } = &error else {
                unreachable!("{error:?}")
            };
            assert_eq!(found, field, "{error}");
            assert!(why.starts_with(reason), "{error}");
            assert!(error.to_string().len() < 300, "{error}");
        }
    }
}

#[test]
fn what_follows_the_body_is_an_error_too() {
    let body = include_bytes!("../../../../tests/payloads/github/push.branch-created.json");
    let mut longer = body.to_vec();
    longer.extend_from_slice(b"{}");
    let headers = signed(Host::Github, "push", &longer);
    let error =
        Unverified::new(Host::Github, &headers, &longer).normalise().expect_err("trailing characters");
    assert!(error.to_string().contains("trailing characters"), "{error}");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for kind in ["push", "pull_request", "issue_comment"] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = format!("{}0{}", open.repeat(500_000), close.repeat(500_000));
            for body in [
                deep.clone(),
                format!(r#"{{"unused":{deep}}}"#),
                format!(r#"{{"repository":{{"unused":{deep}}}}}"#),
            ] {
                for host in Host::ALL {
                    let headers = signed(host, kind, b"");
                    assert!(Unverified::new(host, &headers, body.as_bytes()).normalise().is_err());
                }
            }
        }
    }
}

#[test]
fn debug_shows_neither_headers_nor_body() {
    let headers = signed(Host::Github, "ping", BODY);
    let shown =
        format!("{:?}", verify(HookLabel::Github, &headers, BODY, &["s3cret".into()]).expect("verified"));
    assert_eq!(shown, "Verified(Unverified { host: Github, body_len: 36, .. })");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        body in prop::collection::vec(any::<u8>(), 0..300), host in prop::sample::select(&Host::ALL),
        kind in prop::sample::select(&["push", "pull_request", "issue_comment", "ping", "x"][..]),
    ) {
        let headers = signed(host, kind, b"");
        drop(Unverified::new(host, &headers, &body).normalise());
        prop_assert!(verify(HookLabel::for_host(host), &headers, &body, &["other".into()]).is_err());
    }

    #[test]
    fn no_cut_or_changed_payload_makes_it_panic(at: prop::sample::Index, byte: u8, cut: bool) {
        let body = include_bytes!("../../../../tests/payloads/github/pull_request.opened.json");
        let headers = signed(Host::Github, "pull_request", b"");
        let mut body = body.to_vec();
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = byte }
        drop(Unverified::new(Host::Github, &headers, &body).normalise());
    }
}
