use std::{collections::BTreeMap, fs, path::Path};

use aws_config::{BehaviorVersion, Region, timeout::TimeoutConfig};
use aws_sdk_sqs::config::Credentials;
use lambda_http::http::HeaderMap;
use serde_json::{Value, json};
use tidegate_aws::SdkConfig;
use tidegate_hosts::{hook::MasterKey, intake::signed_headers};
use tidegate_keys::SecretStore;
use tidegate_model::PushEvent;
use tidegate_queue::decode;
use tidegate_sandbox_cloud::{Cloud, CloudSpec, QueueSpec};
use tokio::net::TcpListener;

use super::*;
use crate::settings::RouteSettings;

const PATH: &str = "/hooks/gitea/ci/shop/0123456789abcdef";

fn key(digit: &str) -> String {
    digit.repeat(64)
}

fn secret_of(digit: &str, path: &str) -> SecretString {
    let Ok(HookPath::Config { label, config, salt }) = path.parse() else {
        unreachable!("{path} is a config's hook");
    };
    let key = MasterKey::from_hex(&key(digit).into()).expect("a key");
    key.derive(label, &config, &salt)
}

struct World {
    cloud: Cloud,
    config: SdkConfig,
}

impl World {
    async fn start(secret: Value) -> anyhow::Result<Self> {
        let queue = |name: &str| QueueSpec {
            name: name.to_owned(),
            visibility: Duration::from_secs(30),
            max_receive_count: 5,
            dead_letter: None,
        };
        let cloud = Cloud::start(CloudSpec {
            queues: vec![queue("integrator"), queue("audit")],
            secrets: BTreeMap::from([("keys".to_owned(), secret.to_string())]),
            ..CloudSpec::default()
        })
        .await?;
        let config = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(cloud.endpoint())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
            .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(10)).build())
            .load()
            .await;
        Ok(Self { cloud, config })
    }

    /// A handler that sends pull requests to these queues.
    fn handler(&self, queue_urls: &[&str]) -> Handler {
        self.handler_of(EventKind::PullRequest, queue_urls)
    }

    fn handler_of(&self, kind: EventKind, queue_urls: &[&str]) -> Handler {
        let route = |url: &&str| RouteSettings {
            plugin: url.rsplit('/').next().unwrap_or_default().to_owned(),
            queue_url: (*url).to_owned(),
            events: vec![kind],
        };
        let keys = KeyCache::new(SecretStore::new(&self.config, "keys"), KeyCache::FRESH);
        Handler::new(
            Origin::default(),
            keys,
            Routes::new(&self.config, queue_urls.iter().map(route).collect()),
        )
    }

    fn url(&self, queue: &str) -> String {
        self.cloud.queue_url(queue)
    }

    async fn events(&self, queue: &str) -> anyhow::Result<Vec<Envelope<Event>>> {
        let messages = self.cloud.messages(queue).await?;
        Ok(messages.iter().map(|body| decode(body)).collect::<Result<_, _>>()?)
    }
}

/// A recorded payload: `host/file`.
fn payload(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/payloads").join(name);
    fs::read(&path).expect("a recorded payload")
}

fn opened() -> Vec<u8> {
    payload("gitea/005-pull_request-opened.json")
}

fn post(path: &str, headers: HeaderMap, body: Vec<u8>) -> Request {
    let mut request = Request::new(Body::Binary(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().expect("a path");
    *request.headers_mut() = headers;
    request
}

fn signed(path: &str, event: &str, body: Vec<u8>, secret: &SecretString) -> Request {
    signed_at(SystemTime::now(), path, event, body, secret)
}

fn signed_at(at: SystemTime, path: &str, event: &str, body: Vec<u8>, secret: &SecretString) -> Request {
    let label = path.parse::<HookPath>().expect("a hook's path").label();
    let delivery = "d-1".parse().expect("a delivery id");
    let headers = signed_headers(label, event, &delivery, &body, secret, at);
    let headers = headers.expect("valid headers");
    post(path, headers, body)
}

fn parts(response: &Response<Body>) -> (u16, Value) {
    let body = serde_json::from_slice(response.body()).expect("answers are JSON");
    (response.status().as_u16(), body)
}

#[tokio::test]
async fn a_signed_delivery_that_went_past_the_firewall_is_refused() -> anyhow::Result<()> {
    let secret = "0123456789abcdef0123456789abcdef";
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let mut handler = world.handler(&[&world.url("integrator")]);
    handler.origin = Origin::parse(secret).map_err(anyhow::Error::msg)?;
    let mut request = signed(PATH, "pull_request", opened(), &secret_of("1", PATH));
    for brought in [None, Some("0123456789abcdef0123456789abcdee")] {
        if let Some(brought) = brought {
            request.headers_mut().insert("x-tidegate-origin", brought.parse()?);
        }
        let (status, body) = parts(&handler.handle(&request, Instant::now()).await);
        assert_eq!(status, 403, "{body}");
    }
    assert_eq!(world.events("integrator").await?.len(), 0);
    request.headers_mut().insert("x-tidegate-origin", secret.parse()?);
    assert_eq!(parts(&handler.handle(&request, Instant::now()).await).0, 202);
    world.cloud.stop().await
}

#[tokio::test]
async fn a_signed_event_reaches_every_plugin_that_wants_it() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("2"), key("1")] })).await?;
    let handler = world.handler(&[&world.url("integrator"), &world.url("audit")]);
    let trace: TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?;
    let mut request = signed(PATH, "pull_request", opened(), &secret_of("1", PATH));
    request.headers_mut().insert("traceparent", trace.as_str().parse()?);

    let (status, body) = parts(&handler.handle(&request, Instant::now()).await);
    assert_eq!(status, 202, "{body}");
    assert_eq!(body, json!({ "delivery": "d-1", "event": "pull_request", "sent": ["integrator", "audit"] }));
    let [event] = &world.events("integrator").await?[..] else {
        anyhow::bail!("expected one event");
    };
    assert_eq!(event.delivery.as_str(), "d-1");
    assert_eq!(event.traceparent.as_ref(), Some(&trace));
    assert!(matches!(&event.source, Source::Config(config) if config.to_string() == "ci/shop"));
    assert_eq!(event.body.kind(), EventKind::PullRequest);
    assert_eq!(&world.events("audit").await?[..], std::slice::from_ref(event));
    world.cloud.stop().await
}

#[tokio::test]
async fn a_delivery_that_no_route_wants_is_answered_with_success() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let handler = world.handler(&[&world.url("integrator")]);
    let secret = secret_of("1", PATH);
    for (event, name, reason) in [
        ("push", "gitea/002-push.json", "no plugin wants it"),
        ("pull_request", "gitea/008-pull_request-label_updated.json", "unused action"),
        ("create", "gitea/001-create-branch.json", "unused event kind"),
    ] {
        let request = signed(PATH, event, payload(name), &secret);
        let (status, body) = parts(&handler.handle(&request, Instant::now()).await);
        assert_eq!((status, &body["ignored"]), (200, &json!(reason)), "{name}: {body}");
    }
    assert_eq!(world.cloud.queue_depth("integrator").await?, 0);
    world.cloud.stop().await
}

#[tokio::test]
async fn a_refused_delivery_is_answered_with_the_reason() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let handler = world.handler(&[&world.url("integrator")]);
    let secret = secret_of("1", PATH);
    let unsigned = |bytes| post(PATH, HeaderMap::new(), vec![b'x'; bytes]);
    let mut get = unsigned(0);
    *get.method_mut() = Method::GET;
    for (what, request, expected) in [
        ("unknown path", post("/elsewhere", HeaderMap::new(), vec![]), 404),
        ("no App", post("/hooks/github-app", HeaderMap::new(), vec![]), 404),
        ("wrong method", get, 405),
        ("4 MiB", unsigned(MAX_BODY), 401),
        ("over 4 MiB", unsigned(MAX_BODY + 1), 413),
        ("another key", signed(PATH, "pull_request", opened(), &secret_of("2", PATH)), 401),
        (
            "another hook",
            {
                let other = "/hooks/gitea/ci/other/0123456789abcdef";
                signed(PATH, "pull_request", opened(), &secret_of("1", other))
            },
            401,
        ),
        ("no JSON", signed(PATH, "pull_request", b"{".to_vec(), &secret), 400),
    ] {
        let (status, body) = parts(&handler.handle(&request, Instant::now()).await);
        assert_eq!(status, expected, "{what}: {body}");
        assert!(
            body["error"].as_str().is_some_and(|error| error.starts_with("failed to ")),
            "{what}: {body}"
        );
    }
    assert_eq!(world.cloud.queue_depth("integrator").await?, 0);
    world.cloud.stop().await
}

#[tokio::test]
async fn a_rotated_key_is_noticed_a_minute_later() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let handler = world.handler(&[&world.url("integrator")]);
    let start = Instant::now();
    let request = signed(PATH, "pull_request", opened(), &secret_of("2", PATH));
    assert_eq!(handler.handle(&request, start).await.status(), 401);
    world.cloud.put_secret("keys", json!({ "keys": [key("2"), key("1")] }).to_string());
    assert_eq!(handler.handle(&request, start).await.status(), 401);
    assert_eq!(handler.handle(&request, start + KeyCache::PAUSE).await.status(), 202);
    world.cloud.stop().await
}

#[tokio::test]
async fn a_delivery_that_was_signed_at_another_time_is_answered_with_a_success_and_not_passed_on()
-> anyhow::Result<()> {
    let path = "/hooks/gitlab/ci/shop/0123456789abcdef";
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let handler = world.handler(&[&world.url("integrator")]);
    let body = || payload("gitlab/client-go/merge_request.json");
    let off = Duration::from_mins(6);
    for at in [SystemTime::now() - off, SystemTime::now() + off] {
        let request = signed_at(at, path, "Merge Request Hook", body(), &secret_of("1", path));
        let answer = handler.settle(&request, Instant::now(), &mut Known::default()).await;
        assert_eq!(answer.as_ref().map_or_else(Rejection::outcome, Accepted::outcome), "clock");
        let (status, body) = parts(&response::of(&answer));
        assert_eq!(status, 200, "{body}");
        let wrong = signed_at(
            at,
            path,
            "Merge Request Hook",
            payload("gitlab/client-go/push.json"),
            &secret_of("2", path),
        );
        assert_eq!(handler.handle(&wrong, Instant::now()).await.status(), 401);
    }
    assert!(world.events("integrator").await?.is_empty());
    let request = signed(path, "Merge Request Hook", body(), &secret_of("1", path));
    assert_eq!(handler.handle(&request, Instant::now()).await.status(), 202);
    world.cloud.stop().await
}

#[tokio::test]
async fn a_signed_delivery_that_is_not_understood_fails_only_where_that_disables_no_hook()
-> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let handler = world.handler(&[&world.url("integrator")]);
    for (path, kind, expected) in
        [("/hooks/gitlab/ci/shop/0123456789abcdef", "Push Hook", 200), (PATH, "push", 400)]
    {
        let request = signed(path, kind, b"{}".to_vec(), &secret_of("1", path));
        let answer = handler.settle(&request, Instant::now(), &mut Known::default()).await;
        assert_eq!(answer.as_ref().map_or_else(Rejection::outcome, Accepted::outcome), "unreadable");
        let (status, body) = parts(&response::of(&answer));
        assert_eq!(status, expected, "{path}: {body}");
        assert!(body["error"].as_str().is_some_and(|error| error.contains("failed to read")), "{body}");
    }
    assert!(world.events("integrator").await?.is_empty());
    world.cloud.stop().await
}

#[tokio::test]
async fn without_keys_a_delivery_is_to_come_again() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [] })).await?;
    let handler = world.handler(&[&world.url("integrator")]);
    let request = signed(PATH, "pull_request", opened(), &secret_of("1", PATH));
    let (status, body) = parts(&handler.handle(&request, Instant::now()).await);
    assert_eq!((status, body), (503, json!({ "error": "temporarily unavailable, deliver again" })));
    world.cloud.stop().await
}

#[tokio::test]
async fn a_queue_that_fails_keeps_the_event_from_no_other() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let handler = world.handler(&[&world.url("missing"), &world.url("integrator")]);
    let request = signed(PATH, "pull_request", opened(), &secret_of("1", PATH));
    assert_eq!(handler.handle(&request, Instant::now()).await.status(), 503);
    assert_eq!(world.events("integrator").await?.len(), 1);
    world.cloud.stop().await
}

/// What a delivery is that pushes to so many branches at once.
fn pushes(count: usize) -> (Envelope<()>, Vec<Event>) {
    let about = Envelope {
        v: Version,
        delivery: "d-1".parse().expect("a delivery id"),
        host: Host::Gitea,
        source: Source::App,
        salt: None,
        received_at_ms: 7,
        traceparent: TraceParent::from_ids(1, 2),
        body: (),
    };
    let push = |branch: usize| {
        Event::Push(PushEvent {
            repository: "acme/shop".parse().expect("a repository"),
            reference: format!("refs/heads/b{branch:02}").parse().expect("a branch"),
            after: None,
            message: String::new(),
            sender: None,
        })
    };
    (about, (0..count).map(push).collect())
}

fn deadline() -> tokio::time::Instant {
    tokio::time::Instant::now() + BUDGET
}

#[tokio::test]
async fn every_event_of_a_delivery_reaches_every_plugin_under_one_trace() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let handler = world.handler_of(EventKind::Push, &[&world.url("integrator"), &world.url("audit")]);
    // More than SQS takes in one request.
    let (about, events) = pushes(23);
    let accepted = handler.pass_on(about.clone(), events.clone(), deadline()).await;
    let (status, body) = parts(&response::of(&accepted));
    assert_eq!(status, 202, "{body}");
    assert_eq!(body, json!({ "delivery": "d-1", "event": "push", "sent": ["integrator", "audit"] }));
    for queue in ["integrator", "audit"] {
        let mut sent = world.events(queue).await?;
        sent.sort_by_key(|envelope| format!("{:?}", envelope.body));
        let expected: Vec<_> = events.iter().map(|event| about.with_body(event.clone())).collect();
        assert_eq!(sent, expected, "{queue}");
    }
    world.cloud.stop().await
}

#[tokio::test]
async fn a_delivery_of_which_one_queue_lacks_events_is_to_come_again_and_may() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")] })).await?;
    let (integrator, audit) = (world.url("integrator"), world.url("audit"));
    let handler = world.handler_of(EventKind::Push, &[&integrator, &audit]);
    let (about, events) = pushes(3);
    world.cloud.refuse("SendMessageBatch", "integrator", true);
    let accepted = handler.pass_on(about.clone(), events.clone(), deadline()).await;
    assert_eq!(response::of(&accepted).status(), 503);
    world.cloud.refuse("SendMessageBatch", "integrator", false);
    let accepted = handler.pass_on(about, events, deadline()).await;
    assert_eq!(response::of(&accepted).status(), 202);
    assert_eq!((world.events("integrator").await?.len(), world.events("audit").await?.len()), (3, 6));
    world.cloud.stop().await
}

#[tokio::test]
async fn an_sqs_that_hangs_is_given_up_in_time() -> anyhow::Result<()> {
    let mut world = World::start(json!({ "keys": [key("1")] })).await?;
    let keys = KeyCache::new(SecretStore::new(&world.config, "keys"), KeyCache::FRESH);
    keys.get(Instant::now()).await?;
    let silent = TcpListener::bind(("127.0.0.1", 0)).await?;
    let silent = format!("http://{}", silent.local_addr()?);
    world.config = world.config.into_builder().endpoint_url(silent).build();
    let handler = Handler { keys, ..world.handler(&[&world.url("integrator")]) };
    let request = signed(PATH, "pull_request", opened(), &secret_of("1", PATH));
    // All but a moment of the budget is spent.
    let spent = Duration::from_millis(2800);
    let start = Instant::now().checked_sub(spent).unwrap_or_else(Instant::now);
    assert_eq!(handler.handle(&request, start).await.status(), 503);
    assert!((BUDGET..2 * BUDGET).contains(&start.elapsed()));
    world.cloud.stop().await
}

#[tokio::test]
async fn the_apps_events_come_in_by_its_own_route() -> anyhow::Result<()> {
    let world = World::start(json!({ "keys": [key("1")], "githubAppWebhookSecret": "app" })).await?;
    let handler = world.handler(&[&world.url("integrator")]);
    let body = payload("github/pull_request.opened.json");
    let request = signed("/hooks/github-app", "pull_request", body, &"app".into());
    assert_eq!(handler.handle(&request, Instant::now()).await.status(), 202);
    let [event] = &world.events("integrator").await?[..] else {
        anyhow::bail!("expected one event");
    };
    assert_eq!((event.host, &event.source), (Host::Github, &Source::App));
    world.cloud.stop().await
}
