use std::io::ErrorKind;

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::*;

/// How long something may take that happens at once; only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_hours(1);

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    metrics: Metrics,
    served: JoinSet<Result<(), JoinError>>,
}

fn start(bounds: Bounds) -> Server {
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, metrics) = (CancellationToken::new(), Metrics::default());
    let app = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/never", get(std::future::pending::<&'static str>));
    let mut served = JoinSet::new();
    served.spawn(serve(listener, app, bounds, metrics.clone(), stop.clone()));
    Server { address, stop, metrics, served }
}

impl Server {
    /// A connection on which so much has been sent.
    async fn send(&self, text: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.expect("a connection");
        client.write_all(text.as_bytes()).await.expect("sent");
        client
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
    let server = start(Bounds { connections: 4, head: LONG, lifetime: LONG });
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
    let counted = server.metrics.encode().expect("metrics");
    assert!(counted.contains(r#"http_connections_closed_total{reason="full"} 37"#), "{counted}");
    drop(half_sent);
    server.end().await;
}

#[tokio::test]
async fn a_request_that_is_not_sent_whole_in_its_time_is_dropped() {
    let server = start(Bounds { connections: 4, head: Duration::from_millis(20), lifetime: LONG });
    for half in ["", "GET", "GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        assert_eq!(read(server.send(half).await).await, "", "{half}");
    }
    server.end().await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_ends_with_its_connection() {
    let server = start(Bounds { connections: 4, head: LONG, lifetime: Duration::from_millis(50) });
    assert_eq!(server.ask("/never").await, "");
    let counted = server.metrics.encode().expect("metrics");
    assert!(counted.contains(r#"http_connections_closed_total{reason="too_long"} 1"#), "{counted}");
    server.end().await;
}

#[tokio::test]
async fn a_head_beyond_the_buffer_or_with_too_many_headers_is_refused() {
    let server = start(Bounds { connections: 4, head: LONG, lifetime: LONG });
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
