use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::signature::signed_headers;

const BODY: &[u8] = br#"{"zen":"Keep it logically awesome."}"#;

fn secrets(texts: &[&str]) -> Vec<SecretString> {
    texts.iter().map(|text| (*text).into()).collect()
}

fn signed(host: Host, event: &str, body: &[u8]) -> HeaderMap {
    let id = "d-1".parse().expect("delivery id");
    signed_headers(host, event, &id, body, &"s3cret".into()).expect("headers")
}

fn signature_header(host: Host) -> &'static str {
    match host {
        Host::Github => "x-hub-signature-256",
        Host::Gitea => "x-gitea-signature",
    }
}

#[test]
fn a_delivery_is_believed_with_either_live_secret_and_with_no_other() {
    for host in Host::ALL {
        let headers = signed(host, "ping", BODY);
        assert!(verify(host, &headers, BODY, &secrets(&["old", "s3cret"])).is_ok());
        assert!(verify(host, &headers, BODY, &secrets(&["s3cret"])).is_ok());
        for wrong in [&["old", "s3cre"][..], &[]] {
            let result = verify(host, &headers, BODY, &secrets(wrong));
            assert_eq!(result.expect_err("wrong secret"), VerifyError::Mismatch);
        }
    }
}

#[test]
fn an_empty_secret_proves_nothing() {
    let id = "d-1".parse().expect("delivery id");
    for host in Host::ALL {
        let headers = signed_headers(host, "ping", &id, BODY, &"".into()).expect("headers");
        let result = verify(host, &headers, BODY, &secrets(&[""]));
        assert_eq!(result.expect_err("empty secret"), VerifyError::Mismatch);
    }
}

#[test]
fn a_missing_and_a_malformed_signature_are_different_errors() {
    for host in Host::ALL {
        let header = signature_header(host);
        let mut headers = signed(host, "ping", BODY);
        let good = headers.remove(header).expect("signed");
        // SHA-1, and what the other host would accept, are as good as nothing.
        headers.insert(
            "x-hub-signature",
            HeaderValue::from_static("sha1=0000000000000000000000000000000000000000"),
        );
        let check = |headers: &HeaderMap| {
            verify(host, headers, BODY, &secrets(&["s3cret"])).map(|_| ()).expect_err("no proof")
        };
        assert_eq!(check(&headers), VerifyError::Missing { header });
        let good = good.to_str().expect("ASCII");
        let digits = good.trim_start_matches("sha256=");
        for bad in [
            "",
            "sha256=",
            &good[..good.len() - 2],
            &format!("{good}00"),
            &format!("sha1={digits}"),
            &format!("sha256=sha256={digits}"),
            &good.replace(|c: char| c.is_ascii_digit(), "x"),
        ] {
            headers.insert(header, HeaderValue::from_str(bad).expect("header"));
            assert_eq!(check(&headers), VerifyError::Malformed { header }, "{bad:?}");
        }
    }
}

#[test]
fn one_hosts_signature_is_not_taken_for_the_others() {
    let headers = signed(Host::Github, "ping", BODY);
    let error = verify(Host::Gitea, &headers, BODY, &secrets(&["s3cret"])).expect_err("no header of Gitea");
    assert_eq!(error, VerifyError::Missing { header: "x-gitea-signature" });
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
        format!("{:?}", verify(Host::Github, &headers, BODY, &secrets(&["s3cret"])).expect("verified"));
    assert_eq!(shown, "Verified(Unverified { host: Github, body_len: 36, .. })");
}

proptest! {
    #[test]
    fn any_flipped_byte_of_the_body_breaks_the_proof(
        mut body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, flip in 1_u8..,
        host in prop::sample::select(&Host::ALL),
    ) {
        let headers = signed(host, "push", &body);
        prop_assert!(verify(host, &headers, &body, &secrets(&["s3cret"])).is_ok());
        let at = at.index(body.len());
        body[at] ^= flip;
        prop_assert_eq!(verify(host, &headers, &body, &secrets(&["s3cret"])).map(|_| ()), Err(VerifyError::Mismatch));
    }

    #[test]
    fn any_flipped_byte_of_the_signature_breaks_the_proof(
        at: prop::sample::Index, flip in 1_u8.., host in prop::sample::select(&Host::ALL),
    ) {
        // Small and capital letters are the same digits.
        prop_assume!(flip != 0x20);
        let mut headers = signed(host, "push", BODY);
        let header = signature_header(host);
        let mut bytes = headers[header].as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        // Not every byte can stand in a header.
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            headers.insert(header, value);
            prop_assert!(verify(host, &headers, BODY, &secrets(&["s3cret"])).is_err());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        body in prop::collection::vec(any::<u8>(), 0..300), host in prop::sample::select(&Host::ALL),
        kind in prop::sample::select(&["push", "pull_request", "issue_comment", "ping", "x"][..]),
    ) {
        let headers = signed(host, kind, b"");
        drop(Unverified::new(host, &headers, &body).normalise());
        prop_assert!(verify(host, &headers, &body, &secrets(&["other"])).is_err());
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
