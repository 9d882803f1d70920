//! `tidegate normalize`, run as people run it.

use crate::command::{Outcome, tidegate};

const OPENED: &[u8] = include_bytes!("../../../tests/payloads/github/pull_request.opened.json");
const SYNCHRONIZED: &[u8] =
    include_bytes!("../../../tests/payloads/gitea/012-pull_request-synchronized.json");

fn github(event: &str, body: &[u8]) -> Outcome {
    let event = format!("X-GitHub-Event: {event}");
    tidegate(
        &["normalize", "--host", "github", "--header", &event, "--header", "X-GitHub-Delivery: d-1"],
        body,
    )
}

#[test]
fn an_event_is_printed_as_json() {
    let outcome = github("pull_request", OPENED);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let event: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(event["kind"], "pull_request");
    assert_eq!(event["action"], "opened");
    assert_eq!(event["repository"], "Codertocat/Hello-World");
}

#[test]
fn the_host_is_the_one_that_was_named() {
    let outcome = tidegate(
        &[
            "normalize",
            "--host=gitea",
            "-H",
            "X-Gitea-Event: pull_request",
            "-H",
            "x-gitea-delivery:d-1",
            "-H",
            "X-GitHub-Event: ping",
        ],
        SYNCHRONIZED,
    );
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.contains("\"action\": \"synchronized\""), "{}", outcome.stdout);
}

#[test]
fn what_concerns_nobody_prints_null_and_why() {
    let outcome = github("star", b"{}");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "null\n"));
    assert_eq!(outcome.stderr, "tidegate: ignored: unused event kind\n");
}

#[test]
fn bad_input_is_one_clear_line_and_exit_code_2() {
    let cut = &OPENED[..OPENED.len() / 2];
    for (outcome, line) in [
        (github("pull_request", b"{}"), "body field .: missing field `action`"),
        (github("pull_request", cut), "EOF while parsing"),
        (tidegate(&["normalize", "--host", "github"], b"{}"), "header x-github-delivery is missing"),
        (tidegate(&["normalize", "--host", "gogs"], b"{}"), "expected github, gitlab, gitea or bitbucket"),
        (tidegate(&["normalize", "--host", "github", "-H", "x"], b"{}"), "expected 'Name: value'"),
        (tidegate(&["normalize"], b"{}"), "--host <HOST>"),
        (tidegate(&["frobnicate"], b"{}"), "unrecognized subcommand 'frobnicate'"),
    ] {
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(line), "{:?} lacks {line:?}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{:?}", outcome.stderr);
    }
}

#[test]
fn help_is_no_error() {
    let outcome = tidegate(&["normalize", "--help"], b"");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.contains("--header"), "{}", outcome.stdout);
}
