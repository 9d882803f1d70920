use std::time::UNIX_EPOCH;

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::hook::{HookPath, MasterKey};

const BODY: &[u8] = br#"{"zen":"Keep it logically awesome."}"#;

/// A signing token, as GitLab wants it. The other proofs take any text.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHiA=";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_780_000_000)
}

fn signed_for(label: HookLabel, event: &str, body: &[u8], secret: &SecretString) -> HeaderMap {
    let id = "d-1".parse().expect("delivery id");
    signed_headers(label, event, &id, body, secret, now()).expect("headers")
}

fn signed(host: Host, event: &str, body: &[u8]) -> HeaderMap {
    signed_for(HookLabel::for_host(host), event, body, &SECRET.into())
}

#[test]
fn what_is_valid_on_one_path_is_refused_on_the_four_others() {
    let (config, salt) = ("ci/shop", "0123456789abcdef");
    let secret = |label: HookLabel| {
        let path: HookPath = format!("/hooks/{label}/{config}/{salt}").parse().expect("a path");
        let HookPath::Config { label, config, salt } = path else { unreachable!("a config's hook") };
        MasterKey::from_hex(&"1".repeat(64).into()).expect("a key").derive(label, &config, &salt)
    };
    let mut refused = 0;
    for (from, to) in HookLabel::ALL.into_iter().flat_map(|from| HookLabel::ALL.map(|to| (from, to))) {
        let headers = signed_for(from, "push", BODY, &secret(from));
        let at = |headers: &HeaderMap, secret: SecretString| {
            verify(to, headers, BODY, &[secret], now()).map(|_| ())
        };
        let judged = at(&headers, secret(to));
        if from == to {
            assert_eq!(judged, Ok(()));
            continue;
        }
        assert!(matches!(judged, Err(VerifyError::Missing { .. })), "{from} {to}: {judged:?}");
        // The path decides which header counts, even if both have one secret.
        assert!(at(&headers, secret(from)).is_err(), "{from} {to}");
        // Nor do the four others help a proof with another secret.
        let all: HeaderMap = HookLabel::ALL
            .into_iter()
            .filter(|label| *label != to)
            .flat_map(|label| signed_for(label, "push", BODY, &secret(label)))
            .chain(signed_for(to, "push", BODY, &OTHER.into()))
            .filter_map(|(name, value)| Some((name?, value)))
            .collect();
        assert_eq!(at(&all, secret(to)), Err(VerifyError::Mismatch), "{from} {to}");
        refused += 1;
    }
    assert_eq!(refused, 20);
}

#[test]
fn a_message_that_was_signed_more_than_five_minutes_away_from_now_is_proven_and_not_read() {
    let headers = signed(Host::Gitlab, "Job Hook", BODY);
    let read = |now: SystemTime| {
        let verified = verify(HookLabel::Gitlab, &headers, BODY, &[SECRET.into()], now).expect("proven");
        verified.normalise().map(|delivery| delivery.id)
    };
    let second = Duration::from_secs(1);
    for near in [now(), now() + MAX_OFF, now() - MAX_OFF] {
        assert!(read(near).is_ok(), "{near:?}");
    }
    for (far, off_s) in
        [(now() + MAX_OFF + second, 301), (now() - MAX_OFF - second, 301), (UNIX_EPOCH, 1_780_000_000)]
    {
        assert_eq!(read(far), Err(NormaliseError::Clock { off_s }));
    }
    assert_eq!(
        verify(HookLabel::Gitlab, &headers, BODY, &[OTHER.into()], UNIX_EPOCH).map(|_| ()),
        Err(VerifyError::Mismatch),
        "a wrong signature stays wrong at any time"
    );
}

#[test]
fn an_older_gitlab_names_a_delivery_in_another_header() {
    let mut headers = signed_for(HookLabel::GitlabToken, "Job Hook", BODY, &SECRET.into());
    let id = |headers: &HeaderMap| {
        Unverified::new(Host::Gitlab, headers, BODY).normalise().map(|read| read.id.to_string())
    };
    for name in ["x-gitlab-event-uuid", "x-gitlab-webhook-uuid", "idempotency-key"] {
        headers.insert(name, HeaderValue::from_static(name));
        assert_eq!(id(&headers).as_deref(), Ok("d-1"), "the newest counts");
    }
    headers.remove("webhook-id");
    for name in ["idempotency-key", "x-gitlab-webhook-uuid", "x-gitlab-event-uuid"] {
        assert_eq!(id(&headers).as_deref(), Ok(name));
        headers.remove(name);
    }
    assert_eq!(id(&headers), Err(NormaliseError::MissingHeader { header: "webhook-id" }));
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
    for (host, kind, delivery) in [
        (Host::Github, "x-github-event", "x-github-delivery"),
        (Host::Gitea, "x-gitea-event", "x-gitea-delivery"),
        (Host::Gitlab, "x-gitlab-event", "webhook-id"),
        (Host::Bitbucket, "x-event-key", "x-request-uuid"),
    ] {
        let full = signed(host, "ping", BODY);
        let names = [kind, delivery];
        for name in names {
            let mut headers = full.clone();
            headers.remove(name);
            let error = Unverified::new(host, &headers, BODY).normalise().expect_err("a header is missing");
            assert_eq!(error.to_string(), format!("failed to read the delivery: header {name} is missing"));
        }
        let mut headers = full.clone();
        headers.insert(delivery, HeaderValue::from_static("not one word"));
        let error = Unverified::new(host, &headers, BODY).normalise().expect_err("no delivery id");
        assert!(matches!(error, NormaliseError::DeliveryId { .. }), "{error:?}");
    }
}

#[test]
fn the_error_of_an_unreadable_body_names_the_field_and_stays_short() {
    let sha = "a".repeat(40);
    let long = "x".repeat(100_000);
    for host in [Host::Github, Host::Gitea] {
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
fn the_error_of_an_unreadable_body_of_bitbucket_names_the_field() {
    for (kind, body, field, reason) in [
        ("repo:push", "{", ".", "EOF while parsing"),
        ("repo:push", r#"{"repository":{"full_name":"acme/shop"}}"#, ".", "missing field `push`"),
        (
            "repo:push",
            r#"{"push":{"changes":[{"new":{"target":{"hash":"d3022fc0ca3d"}}}]}}"#,
            "push.changes[0].new.target.hash",
            "commit SHA \"d3022fc0ca3d\" is invalid",
        ),
        ("pullrequest:created", r#"{"pullrequest":{"id":"x"}}"#, "pullrequest.id", "invalid type: string"),
        ("pullrequest:created", r#"{"pullrequest":{"id":1}}"#, ".", "missing field `repository`"),
    ] {
        let headers = signed(Host::Bitbucket, kind, body.as_bytes());
        let error = Unverified::new(Host::Bitbucket, &headers, body.as_bytes()).normalise();
        let Err(NormaliseError::Body { field: found, reason: why }) = &error else {
            unreachable!("{error:?}")
        };
        assert_eq!(found, field);
        assert!(why.starts_with(reason), "{why}");
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
    for (host, kinds) in [
        (Host::Github, ["push", "pull_request", "issue_comment"]),
        (Host::Gitlab, ["Push Hook", "Merge Request Hook", "Note Hook"]),
        (Host::Gitea, ["push", "pull_request", "issue_comment"]),
        (Host::Bitbucket, ["repo:push", "pullrequest:created", "pullrequest:comment_created"]),
    ] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = format!("{}0{}", open.repeat(500_000), close.repeat(500_000));
            for body in [
                deep.clone(),
                format!(r#"{{"unused":{deep}}}"#),
                format!(r#"{{"repository":{{"unused":{deep}}}}}"#),
                format!(r#"{{"actor":{deep}}}"#),
            ] {
                for kind in kinds {
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
    let shown = format!(
        "{:?}",
        verify(HookLabel::Github, &headers, BODY, &[SECRET.into()], now()).expect("verified")
    );
    assert_eq!(shown, "Verified { delivery: Unverified { host: Github, body_len: 36, .. }, off: 0ns }");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        body in prop::collection::vec(any::<u8>(), 0..300), host in prop::sample::select(&Host::ALL),
        kind in prop::sample::select(&[
            "push", "pull_request", "issue_comment", "ping", "Note Hook", "x", "repo:push", "pullrequest:created",
            "pullrequest:comment_created",
        ][..]),
    ) {
        let headers = signed(host, kind, b"");
        drop(Unverified::new(host, &headers, &body).normalise());
        prop_assert!(verify(HookLabel::for_host(host), &headers, &body, &[OTHER.into()], now()).is_err());
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
