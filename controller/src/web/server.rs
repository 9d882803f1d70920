//! The HTTP server: one request a connection, and nothing that a stranger can make grow.
//!
//! Whoever reaches the port may open connections and send nothing, or half a request. So the connections are counted, each has
//! a time, and their buffers have a limit. When a connection comes and all places are taken, the oldest one that hasn't sent
//! the whole head of its request is closed, once it has had a moment to do so. So a probe is answered whatever else is open.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, serve::Listener};
use hyper::{
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{AbortHandle, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// What the connections may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How many are open at once.
    pub(super) connections: usize,
    /// For how long a connection is not closed for another one, whatever it sends.
    pub(super) grace: Duration,
    /// How long a client may take to send the head of its request.
    pub(super) head: Duration,
    /// How long a connection may be open, request and answer included.
    pub(super) lifetime: Duration,
}

impl Default for Bounds {
    /// At most 512 connections of at most 16 KiB each: 8 MiB. Of 4,000 that come at once, the last gets its place after 0.4
    /// seconds. A page asks the Kubernetes API for at most 5 seconds.
    fn default() -> Self {
        Self {
            connections: 512,
            grace: Duration::from_millis(50),
            head: Duration::from_secs(5),
            lifetime: Duration::from_secs(15),
        }
    }
}

/// The most of a request that is kept, in bytes, and its most headers. A longer head is answered with 431.
const BUFFER: usize = 16 * 1024;
const HEADERS: usize = 64;

/// How many connections wait in the kernel to be accepted. With the usual 1,024 a burst makes probes wait for a second try.
const BACKLOG: u32 = 4096;

/// Listens on an address.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted controller takes its port at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until it is stopped, then finishes the active requests.
pub(super) async fn serve(
    mut listener: TcpListener,
    app: Router,
    bounds: Bounds,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<(), JoinError> {
    let mut open = JoinSet::new();
    let mut places = Places::default();
    'accept: loop {
        // A failure to accept, as when there are no file descriptors left, is logged and tried again in there.
        let (stream, _) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = Listener::accept(&mut listener) => accepted,
            Some(ended) = open.join_next() => {
                ended_well(ended)?;
                continue;
            }
        };
        while places.taken() >= bounds.connections {
            let oldest = places.oldest_without_request();
            if let Some((index, opened)) = oldest
                && opened.elapsed() >= bounds.grace
            {
                places.close(index);
                metrics.connection_closed("full");
                continue;
            }
            // The new one waits, and those after it wait in the kernel.
            let grace_is_over = async {
                match oldest {
                    Some((_, opened)) => tokio::time::sleep_until(opened + bounds.grace).await,
                    // All are being answered: one of them has to end.
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => break 'accept,
                Some(ended) = open.join_next() => ended_well(ended)?,
                () = grace_is_over => (),
            }
        }
        let has_request = Arc::default();
        let connection =
            connection(stream, app.clone(), Arc::clone(&has_request), bounds, metrics.clone(), stop.clone());
        places.oldest_first.push_back(Place {
            task: open.spawn(connection),
            opened: Instant::now(),
            has_request,
        });
    }
    while let Some(ended) = open.join_next().await {
        ended_well(ended)?;
    }
    Ok(())
}

/// The open connections.
#[derive(Default)]
struct Places {
    oldest_first: VecDeque<Place>,
}

struct Place {
    task: AbortHandle,
    opened: Instant,
    /// Whether the head of its request came whole: then it is being answered.
    has_request: Arc<AtomicBool>,
}

impl Places {
    fn taken(&mut self) -> usize {
        self.oldest_first.retain(|place| !place.task.is_finished());
        self.oldest_first.len()
    }

    /// Its index, and since when it is open.
    fn oldest_without_request(&self) -> Option<(usize, Instant)> {
        let index = self.oldest_first.iter().position(|place| !place.has_request.load(Ordering::Relaxed))?;
        Some((index, self.oldest_first.get(index)?.opened))
    }

    fn close(&mut self, index: usize) {
        if let Some(closed) = self.oldest_first.remove(index) {
            closed.task.abort();
        }
    }
}

/// A connection that was closed for another one has ended as it should.
fn ended_well(ended: Result<(), JoinError>) -> Result<(), JoinError> {
    ended.or_else(|error| if error.is_cancelled() { Ok(()) } else { Err(error) })
}

/// Answers one request.
async fn connection(
    stream: TcpStream,
    app: Router,
    has_request: Arc<AtomicBool>,
    bounds: Bounds,
    metrics: Metrics,
    stop: CancellationToken,
) {
    let app = TowerToHyperService::new(app);
    let answer = service_fn(move |request| {
        has_request.store(true, Ordering::Relaxed);
        app.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .keep_alive(false)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), answer);
    let mut served = std::pin::pin!(served);
    let answered = async {
        tokio::select! {
            answered = served.as_mut() => return answered,
            () = stop.cancelled() => served.as_mut().graceful_shutdown(),
        }
        served.await
    };
    match tokio::time::timeout(bounds.lifetime, answered).await {
        Ok(Ok(())) => (),
        Ok(Err(error)) if error.is_timeout() => metrics.connection_closed("slow_head"),
        // The client went away, or what it sent is no request.
        Ok(Err(_)) => metrics.connection_closed("broken"),
        Err(_) => metrics.connection_closed("too_long"),
    }
}

#[cfg(test)]
mod tests;
