//! Serving HTTP/1.1 from a task that owns all of its connections.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

pub(crate) type Answer = Response<Full<Bytes>>;

/// A free port of an address.
pub(crate) async fn listen(address: IpAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener =
        TcpListener::bind((address, 0)).await.with_context(|| format!("failed to listen on {address}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Answers requests until it is dropped; then every connection and what it was waiting for ends too.
pub(crate) async fn serve<F, Fut>(listener: TcpListener, handle: F) -> anyhow::Result<()>
where
    F: Fn(Request<Incoming>, SocketAddr) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted.context("failed to accept a connection")?,
            // How a connection ended is the client's business.
            Some(_) = connections.join_next() => continue,
        };
        stream.set_nodelay(true)?;
        let handle = handle.clone();
        let service = service_fn(move |request| {
            let answer = handle(request, peer);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// The whole body; `None` when the client went away.
pub(crate) async fn body(request: Request<Incoming>) -> Option<Bytes> {
    Some(request.into_body().collect().await.ok()?.to_bytes())
}

pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let content_type = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    answer
}
