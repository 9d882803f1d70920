use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;

use super::*;

fn error(status: u16, headers: &[(&'static str, &str)], body: &str) -> HostError {
    let headers = headers
        .iter()
        .map(|(name, value)| {
            ((*name).parse().expect("a name"), HeaderValue::from_str(value).expect("a value"))
        })
        .collect();
    HostError::from_response(StatusCode::from_u16(status).expect("a status"), &headers, body.as_bytes())
}

#[test]
fn a_403_of_github_is_a_rate_limit_when_headers_or_text_name_one() {
    for (headers, body) in [
        (&[("x-ratelimit-remaining", "0")][..], ""),
        (&[("retry-after", "30")][..], ""),
        (&[][..], r#"{"message":"You have exceeded a secondary rate limit."}"#),
    ] {
        assert!(matches!(error(403, headers, body), HostError::RateLimited { .. }), "{headers:?} {body}");
    }
    let forbidden =
        error(403, &[("x-ratelimit-remaining", "17")], r#"{"message":"Resource not accessible"}"#);
    assert_eq!(forbidden.to_string(), "the host forbade it: Resource not accessible");
}

#[test]
fn the_wait_is_what_the_host_asks_for() {
    assert_eq!(error(429, &[("retry-after", "30")], "").retry_after(), Some(Duration::from_secs(30)));
    assert_eq!(error(503, &[("retry-after", "30")], "").retry_after(), Some(Duration::from_secs(30)));
    assert_eq!(error(429, &[], "").retry_after(), None);

    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let reset =
        |at: u64| error(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &at.to_string())], "");
    let wait = reset(now + 600).retry_after().expect("a wait");
    assert!((590..=600).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(reset(now - 5).retry_after(), Some(Duration::ZERO));
    // A limit that is not used up says nothing about this answer.
    let other = [("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "99999999999")];
    assert_eq!(error(429, &other, "").retry_after(), None);
}

#[test]
fn the_hosts_words_are_kept_and_cut() {
    let body = r#"{"message":"Validation Failed","errors":[{"message":"Hook already exists"},"and more",{"code":"x"}]}"#;
    assert_eq!(
        error(422, &[], body).to_string(),
        "the host rejected it with status 422 Unprocessable Entity: Validation Failed: Hook already exists: and more"
    );
    let HostError::Rejected { message, .. } = error(400, &[], &"ä".repeat(1000)) else { unreachable!() };
    assert_eq!(message, "ä".repeat(200));
}

#[test]
fn every_error_has_one_class_that_says_what_its_caller_may_conclude() {
    use ErrorClass::{
        Credential, Missing, RateLimited, Refused, Rejected, Right, Setup, Transient, Unreadable,
    };
    for (error, class, is_transient, is_denial) in [
        (error(401, &[], ""), Credential, false, true),
        (error(403, &[], ""), Right, false, true),
        (error(404, &[], ""), Missing, false, true),
        (error(429, &[], ""), RateLimited, true, false),
        (error(500, &[], ""), Transient, true, false),
        (error(503, &[], ""), Transient, true, false),
        (error(422, &[], ""), Refused, false, false),
        (error(301, &[], ""), Rejected, false, false),
        (error(400, &[], ""), Rejected, false, false),
        (error(409, &[], ""), Rejected, false, false),
        (error(410, &[], ""), Rejected, false, false),
        (HostError::unavailable("no connection"), Transient, true, false),
        (HostError::unreadable(&"no JSON"), Unreadable, false, false),
        (HostError::Egress(EgressError::NotHttps), Setup, false, false),
        (HostError::PrivateKey, Setup, false, false),
        (HostError::Unsupported, Refused, false, false),
    ] {
        assert_eq!(error.class(), class, "{error:?}");
        assert_eq!((class.is_transient(), class.is_denial()), (is_transient, is_denial), "{error:?}");
    }
}

#[test]
fn a_limit_of_bitbucket_is_reset_after_so_many_seconds() {
    let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800")];
    let limited = error(429, &headers, "Rate limit for this resource has been exceeded");
    assert_eq!(limited.retry_after(), Some(Duration::from_mins(30)));
}

#[test]
fn the_words_of_bitbucket_stand_in_an_object_and_name_the_scopes() {
    for (detail, expected) in [
        (
            r#","detail":{"required":["webhook","repository:admin"]}"#,
            "No. Required: webhook, repository:admin",
        ),
        (r#","detail":"Ask somebody""#, "No."),
        ("", "No."),
    ] {
        let body = format!(r#"{{"type":"error","error":{{"message":"No."{detail}}}}}"#);
        assert_eq!(error(403, &[], &body).to_string(), format!("the host forbade it: {expected}"));
    }
}
