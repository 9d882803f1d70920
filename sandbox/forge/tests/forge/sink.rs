//! A receiver of webhooks that checks signatures by itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

pub const SECRET: &str = "correct horse battery staple";

pub struct Received {
    pub headers: HeaderMap,
    pub body: Value,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub struct Sink {
    pub url: String,
    received: UnboundedReceiver<(HeaderMap, Bytes)>,
    /// Dropped, it ends the server.
    server: JoinSet<std::io::Result<()>>,
}

impl Sink {
    /// Answers every request with one status code.
    pub async fn start(status: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let (sender, received) = unbounded_channel();
        let status = StatusCode::from_u16(status)?;
        let accept =
            async move |State(sender): State<UnboundedSender<_>>, headers: HeaderMap, body: Bytes| {
                sender.send((headers, body)).map_or(StatusCode::GONE, |()| status)
            };
        let router = Router::new().route("/hook", post(accept)).with_state(sender);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, received, server })
    }

    /// The next request, whatever its proof.
    pub async fn receive(&mut self) -> Result<(HeaderMap, Bytes)> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.received.recv());
        next.await.context("no delivery came")?.context("the sink is gone")
    }

    /// The next request, if it has no signature of any host.
    pub async fn next_unsigned(&mut self) -> Result<Received> {
        let (headers, body) = self.receive().await?;
        ensure!(!headers.keys().any(|name| name.as_str().contains("signature")), "the delivery is signed");
        Ok(Received { body: serde_json::from_slice(&body)?, headers })
    }

    /// The next request, if its signature is right.
    pub async fn next(&mut self) -> Result<Received> {
        let (headers, body) = self.receive().await?;
        let signature =
            ["x-hub-signature-256", "x-hub-signature"].into_iter().find_map(|name| headers.get(name));
        let signature = signature.context("the delivery is not signed")?;
        let signature = signature.to_str()?.strip_prefix("sha256=").context("no sha256")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
        mac.update(&body);
        ensure!(mac.verify_slice(&hex::decode(signature)?).is_ok(), "the signature is wrong");
        if let Some(bare) = headers.get("x-gitea-signature") {
            ensure!(bare == signature, "the two signatures differ");
        }
        Ok(Received { body: serde_json::from_slice(&body)?, headers })
    }

    /// Closes the port.
    pub async fn stop(mut self) {
        self.server.shutdown().await;
    }

    /// Whether nothing more has come.
    pub fn is_empty(&self) -> bool {
        self.received.is_empty()
    }
}
