use std::io::ErrorKind;

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Semaphore,
    time::timeout,
};

use super::*;

/// How long something may take that happens at once; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_hours(1);

/// So many connections, which have all the time that they want, and no grace.
const fn places(connections: usize) -> Bounds {
    Bounds { connections, grace: Duration::ZERO, head: LONG, lifetime: LONG }
}

struct Server {
    address: SocketAddr,
    /// The requests of `/held` that have come, and the leave to answer them.
    held: Arc<Semaphore>,
    leave: Arc<Semaphore>,
    stop: CancellationToken,
    metrics: Metrics,
    served: JoinSet<Result<(), JoinError>>,
}

fn start(bounds: Bounds) -> Server {
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, metrics) = (CancellationToken::new(), Metrics::default());
    let (held, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let answer_later = {
        let (held, leave) = (Arc::clone(&held), Arc::clone(&leave));
        move || async move {
            held.add_permits(1);
            leave.acquire().await.expect("it is open").forget();
            "was held"
        }
    };
    let app = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/held", get(answer_later))
        .route("/never", get(std::future::pending::<&'static str>));
    let mut served = JoinSet::new();
    served.spawn(serve(listener, app, bounds, metrics.clone(), stop.clone()));
    Server { address, held, leave, stop, metrics, served }
}

impl Server {
    /// A connection on which so much has been sent.
    async fn send(&self, text: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.expect("a connection");
        client.write_all(text.as_bytes()).await.expect("sent");
        client
    }

    /// Asks for `/held`, and waits until the request has come.
    async fn hold(&self) -> TcpStream {
        let client = self.send("GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
        timeout(PATIENCE, self.held.acquire()).await.expect("it comes").expect("it is open").forget();
        client
    }

    fn closed_as_full(&self) -> usize {
        let counted = self.metrics.encode().expect("metrics");
        let line = counted
            .lines()
            .find_map(|line| line.split_once(r#"http_connections_closed_total{reason="full"} "#));
        line.map_or(0, |(_, count)| count.parse().expect("a number"))
    }

    async fn ask(&self, path: &str) -> String {
        read(self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await).await
    }

    async fn end(mut self) {
        self.stop.cancel();
        let ended = timeout(PATIENCE, self.served.join_next()).await.expect("it stops");
        ended.expect("it ran").expect("no panic").expect("no failure");
    }
}

/// What comes until the server closes the connection.
async fn read(mut client: TcpStream) -> String {
    let mut text = String::new();
    let read = timeout(PATIENCE, client.read_to_string(&mut text)).await.expect("the connection stays open");
    match read {
        Ok(_) => text,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => text,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_probe_is_answered_while_more_half_sent_requests_are_open_than_there_are_places() {
    let server = start(places(4));
    let mut half_sent = Vec::new();
    for _ in 0..40 {
        half_sent.push(server.send("GET /healthz HTTP/1.1\r\nx: ").await);
    }
    let answer = server.ask("/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok"), "{answer}");
    // The probe took the place of one of the last four.
    for client in half_sent.drain(..37) {
        assert_eq!(read(client).await, "");
    }
    assert_eq!(server.closed_as_full(), 37);
    drop(half_sent);
    server.end().await;
}

#[tokio::test]
async fn a_request_that_is_being_answered_is_not_closed_for_others() {
    let server = start(places(4));
    let oldest = server.hold().await;
    let mut half_sent = Vec::new();
    for _ in 0..40 {
        half_sent.push(server.send("GET /healthz HTTP/1.1\r\nx: ").await);
    }
    assert!(server.ask("/healthz").await.ends_with("ok"));
    assert_eq!(server.closed_as_full(), 38);
    server.leave.add_permits(1);
    assert!(read(oldest).await.ends_with("was held"));
    drop(half_sent);
    server.end().await;
}

#[tokio::test]
async fn a_connection_that_has_just_come_is_not_closed_before_its_request_can_come() {
    let server = start(Bounds { grace: LONG, ..places(1) });
    let mut first = server.send("GET /healthz HTTP/1.1\r\n").await;
    let second = server.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let waits = timeout(Duration::from_millis(50), second.readable()).await.is_err();
    assert!(waits, "it has the first one's place");
    first.write_all(b"host: x\r\n\r\n").await.expect("it is open");
    for client in [first, second] {
        assert!(read(client).await.ends_with("ok"));
    }
    server.end().await;
}

#[tokio::test]
async fn a_connection_waits_while_all_others_are_being_answered() {
    let server = start(places(2));
    let (first, second) = (server.hold().await, server.hold().await);
    let third = server.send("GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let comes = timeout(Duration::from_millis(50), server.held.acquire()).await.is_ok();
    assert!(!comes, "a third one is served by two places");
    server.leave.add_permits(3);
    for client in [first, second, third] {
        assert!(read(client).await.ends_with("was held"));
    }
    assert_eq!(server.closed_as_full(), 0);
    server.end().await;
}

#[tokio::test]
async fn a_request_that_is_not_sent_whole_in_its_time_is_dropped() {
    let server = start(Bounds { head: Duration::from_millis(20), ..places(4) });
    for half in ["", "GET", "GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        assert_eq!(read(server.send(half).await).await, "", "{half}");
    }
    server.end().await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_ends_with_its_connection() {
    let server = start(Bounds { lifetime: Duration::from_millis(50), ..places(4) });
    assert_eq!(server.ask("/never").await, "");
    let counted = server.metrics.encode().expect("metrics");
    assert!(counted.contains(r#"http_connections_closed_total{reason="too_long"} 1"#), "{counted}");
    server.end().await;
}

#[tokio::test]
async fn a_head_beyond_the_buffer_or_with_too_many_headers_is_refused() {
    let server = start(places(4));
    let long = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(BUFFER));
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(HEADERS + 1));
    for head in [long, many] {
        let answer = read(server.send(&head).await).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    assert!(server.ask("/healthz").await.ends_with("ok"));
    server.end().await;
}

#[tokio::test]
async fn one_request_is_answered_on_each_connection() {
    let server = start(Bounds::default());
    let twice = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
    let answer = read(server.send(&twice).await).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
    server.end().await;
}
