//! `tidegate send`, run as people run it, against a server that checks what arrives.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::SystemTime,
};

use crate::command::{Outcome, tidegate};
use axum::{Router, body::Bytes, http::HeaderMap, http::StatusCode, routing::post};
use tidegate_hosts::{
    hook::HookLabel,
    intake::{Delivery, verify},
};
use tidegate_model::Host;
use tokio::{runtime::Runtime, sync::mpsc};

const BODY: &[u8] = include_bytes!("../../../tests/payloads/github/pull_request.opened.json");

/// A signing token, as GitLab wants it. The other hosts take any text.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A hook that answers with one status and passes on what it verified. It ends when it is dropped.
struct Hook {
    url: String,
    deliveries: mpsc::UnboundedReceiver<Option<Delivery>>,
    _runtime: Runtime,
}

impl Hook {
    fn start(host: Host, status: StatusCode) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (sender, deliveries) = mpsc::unbounded_channel();
        let receive = move |headers: HeaderMap, body: Bytes| async move {
            let now = SystemTime::now();
            let verified = verify(HookLabel::for_host(host), &headers, &body, &[SECRET.into()], now).ok();
            let delivery = verified.map(|verified| verified.normalise().expect("readable"));
            sender.send(delivery).expect("the test listens");
            status
        };
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let url = format!("http://{}/hooks/x", listener.local_addr().expect("an address"));
        let router = Router::new().route("/hooks/x", post(receive));
        runtime.spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        Self { url, deliveries, _runtime: runtime }
    }
}

fn send(host: Host, url: &str, more: &[&str]) -> Outcome {
    let mut arguments = vec!["send", "--host", host.as_str(), "--url", url, "--event", "pull_request"];
    arguments.extend_from_slice(more);
    tidegate(&arguments, BODY)
}

#[test]
fn a_delivery_arrives_signed_and_whole() {
    let secret_file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&secret_file, format!("{SECRET}\n")).expect("written");
    let secret_file = secret_file.path().to_str().expect("UTF-8");
    for host in Host::ALL {
        let mut hook = Hook::start(host, StatusCode::ACCEPTED);
        for more in [&["--secret", SECRET, "--delivery", "d-1"][..], &["--secret-file", secret_file]] {
            let outcome = send(host, &hook.url, more);
            assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
            assert_eq!(outcome.stdout, "HTTP/1.1 202 Accepted\n");
            let delivery = hook.deliveries.blocking_recv().expect("it arrived").expect("it was verified");
            let id = delivery.id.as_str();
            assert!(if more.contains(&"d-1") { id == "d-1" } else { id.starts_with("tidegate-") }, "{id}");
        }
    }
}

#[test]
fn a_refused_delivery_exits_with_1() {
    let mut hook = Hook::start(Host::Github, StatusCode::UNAUTHORIZED);
    let outcome = send(Host::Github, &hook.url, &["--secret", "wrong"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, "HTTP/1.1 401 Unauthorized\n"));
    assert_eq!(hook.deliveries.blocking_recv(), Some(None));
}

#[test]
fn a_hook_that_is_not_there_exits_with_1_and_says_so() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    let outcome = send(Host::Github, &format!("http://{free}/"), &["--secret", "s3cret"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("tidegate: failed to send the delivery: "), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("s3cret"), "{}", outcome.stderr);
}

#[test]
fn bad_usage_exits_with_2_and_one_line() {
    let url = "http://127.0.0.1:1/";
    for (more, line) in [
        (&[][..], "<--secret <SECRET>|--secret-file <SECRET_FILE>>"),
        (&["--secret", "a", "--secret-file", "b"][..], "cannot be used with"),
        (&["--secret-file", "/nowhere/secret"][..], "failed to read the secret from /nowhere/secret"),
        (&["--secret", "a", "--delivery", "two words"][..], "delivery id"),
        (&["--secret", "a", "--url", "nowhere"][..], "--url"),
    ] {
        let outcome = send(Host::Github, url, more);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(line), "{:?} lacks {line:?}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{:?}", outcome.stderr);
    }
}
