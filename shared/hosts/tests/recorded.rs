//! What becomes of recorded deliveries, kept as snapshots.

use std::{fs, path::Path, time::SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_hosts::{
    hook::HookLabel,
    intake::{Outcome, Unverified, VerifyError, signed_headers, verify},
};
use tidegate_model::Host;

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Events(events) => {
            let shown = events.iter().map(serde_json::to_string_pretty).collect::<Result<Vec<_>, _>>();
            shown.expect("events serialise").join("\n")
        }
        Outcome::Ignored(reason) => format!("ignored: {}", reason.as_str()),
    }
}

/// The headers of a recorded request; its first line is the request line.
fn recorded_headers(path: &Path) -> HeaderMap {
    fs::read_to_string(path)
        .expect("headers were recorded")
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a header's name");
            (name, HeaderValue::from_str(value).expect("a header's value"))
        })
        .collect()
}

#[test]
fn gitea() {
    insta::glob!("../../../tests/payloads/gitea", "*.json", |path| {
        let body = fs::read(path).expect("body");
        let (headers, now) = (recorded_headers(&path.with_extension("headers")), SystemTime::now());
        let verified =
            verify(HookLabel::Gitea, &headers, &body, &["s3cret".into()], now).expect("Gitea signed it");
        let wrong = verify(HookLabel::Gitea, &headers, &body, &["s3crets".into()], now);
        assert_eq!(wrong.map(|_| ()), Err(VerifyError::Mismatch));
        let delivery = verified.normalise().expect("a real delivery");
        insta::assert_snapshot!(shown(&delivery.outcome));
    });
}

#[test]
fn github() {
    insta::glob!("../../../tests/payloads/github", "*.json", |path| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a file's name");
        let (event, _) = name.split_once('.').expect("{event}.{what happens}.json");
        let headers: HeaderMap = [
            ("x-github-event", event),
            ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            ("content-type", "application/json"),
        ]
        .into_iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"))
        })
        .collect();
        let body = fs::read(path).expect("body");
        let delivery = Unverified::new(Host::Github, &headers, &body).normalise();
        insta::assert_snapshot!(shown(&delivery.expect("an example of a real delivery").outcome));
    });
}

/// What GitLab calls an event in its header, for the word in its body. Those that nobody reads are called anything.
fn gitlabs_name(body: &[u8]) -> &'static str {
    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    match (body["object_kind"].as_str(), body["event_type"].as_str()) {
        (_, Some("confidential_note")) => "Confidential Note Hook",
        (Some("merge_request"), _) => "Merge Request Hook",
        (Some("note"), _) => "Note Hook",
        (Some("push"), _) => "Push Hook",
        (Some("tag_push"), _) => "Tag Push Hook",
        _ => "Another Hook",
    }
}

#[test]
fn gitlab() {
    insta::glob!("../../../tests/payloads/gitlab", "*/*.json", |path| {
        let body = fs::read(path).expect("body");
        let headers: HeaderMap = [
            ("x-gitlab-event", gitlabs_name(&body)),
            ("webhook-id", "57e2a0bd-4dbe-4a1e-9a3d-6d0c5b2f3a11"),
            ("content-type", "application/json"),
        ]
        .into_iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"))
        })
        .collect();
        let delivery = Unverified::new(Host::Gitlab, &headers, &body).normalise();
        insta::assert_snapshot!(shown(&delivery.expect("an example of a real delivery").outcome));
    });
}

#[test]
fn bitbucket() {
    insta::glob!("../../../tests/payloads/bitbucket", "*.json", |path| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a file's name");
        let body = fs::read(path).expect("body");
        let id = "d-1".parse().expect("a delivery id");
        let headers = signed_headers(
            HookLabel::Bitbucket,
            &name.replacen('.', ":", 1),
            &id,
            &body,
            &"s3cret".into(),
            SystemTime::now(),
        );
        let delivery = Unverified::new(Host::Bitbucket, &headers.expect("headers"), &body).normalise();
        insta::assert_snapshot!(shown(&delivery.expect("an example of a real delivery").outcome));
    });
}
