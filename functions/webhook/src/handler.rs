//! One delivery, from request to answer.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use lambda_http::{Body, Request, Response, http::Method};
use secrecy::SecretString;
use tidegate_hosts::{
    hook::HookPath,
    intake::{Outcome, Verified, VerifyError, verify},
};
use tidegate_keys::{KeyCache, WebhookKeys};
use tidegate_model::{
    ConfigRef, DeliveryId, Envelope, Event, EventKind, Host, RepositoryPath, Source, TraceParent, Version,
};
use tidegate_telemetry::{chain, field, new_traceparent};
use tokio::time::timeout_at;

use crate::{
    origin::Origin,
    response::{self, Accepted, Rejection},
    routes::Routes,
};

/// The largest body, in bytes. With API Gateway's envelope and base64 around it, it fits into what Lambda takes.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// How long a delivery may wait for keys and queues. Gitea hangs up after five seconds, cold start included.
const BUDGET: Duration = Duration::from_secs(3);

/// What all deliveries share.
#[derive(Debug)]
pub struct Handler {
    origin: Origin,
    keys: KeyCache,
    routes: Routes,
}

/// What is known of a delivery, for its log line.
#[derive(Debug, Default)]
struct Known {
    host: Option<Host>,
    config: Option<ConfigRef>,
    delivery: Option<DeliveryId>,
    repo: Option<RepositoryPath>,
    event: Option<EventKind>,
    events: usize,
    trace: Option<TraceParent>,
}

impl Handler {
    /// A handler that admits requests of this origin, checks with these keys and sends along these routes.
    pub fn new(origin: Origin, keys: KeyCache, routes: Routes) -> Self {
        Self { origin, keys, routes }
    }

    /// Answers one request, which came in at `now`, and logs one line about it.
    pub async fn handle(&self, request: &Request, now: Instant) -> Response<Body> {
        let mut known = Known::default();
        let answer = self.settle(request, now, &mut known).await;
        known.log(&answer, now.elapsed());
        response::of(&answer)
    }

    async fn settle(
        &self,
        request: &Request,
        now: Instant,
        known: &mut Known,
    ) -> Result<Accepted<'_>, Rejection> {
        if !self.origin.admits(request.headers()) {
            return Err(Rejection::Origin);
        }
        let path: HookPath = request.uri().path().parse()?;
        known.host = Some(path.host());
        if let HookPath::Config { config, .. } = &path {
            known.config = Some(config.clone());
        }
        if request.method() != Method::POST {
            return Err(Rejection::Method);
        }
        let bytes = request.body().len();
        if bytes > MAX_BODY {
            return Err(Rejection::TooLarge { bytes, limit: MAX_BODY });
        }
        let received_at = SystemTime::now();
        let deadline = tokio::time::Instant::from_std(now + BUDGET);
        let delivery = timeout_at(deadline, self.verify(&path, request, now, received_at))
            .await
            .map_err(|_| Rejection::KeysLate)??
            .normalise()
            .map_err(|error| Rejection::unreadable(error, path.host()))?;
        known.delivery = Some(delivery.id.clone());
        let events = match delivery.outcome {
            Outcome::Events(events) => events,
            Outcome::Ignored(reason) => {
                return Ok(Accepted::Ignored { delivery: delivery.id, reason });
            }
        };
        known.event = events.first().map(Event::kind);
        known.events = events.len();
        known.repo = events.first().map(|event| event.repository().clone());
        let host = path.host();
        let (source, salt) = match path {
            HookPath::Config { config, salt, .. } => (Source::Config(config), Some(salt.id())),
            HookPath::GithubApp => (Source::App, None),
        };
        let about = Envelope {
            v: Version,
            delivery: delivery.id,
            host,
            source,
            salt,
            received_at_ms: milliseconds(received_at),
            traceparent: Some(traceparent(request)),
            body: (),
        };
        known.trace.clone_from(&about.traceparent);
        self.pass_on(about, events, deadline).await
    }

    /// Sends each event of a delivery as a message of its own. They have the delivery's id, time and trace in common.
    async fn pass_on(
        &self,
        about: Envelope<()>,
        events: Vec<Event>,
        deadline: tokio::time::Instant,
    ) -> Result<Accepted<'_>, Rejection> {
        let event = events.first().map(Event::kind);
        let messages: Vec<_> = events.into_iter().map(|event| about.with_body(event)).collect();
        let plugins = self.routes.send(&messages, deadline).await?;
        let delivery = about.delivery;
        Ok(if plugins.is_empty() {
            Accepted::Unwanted { delivery, event }
        } else {
            Accepted::Sent { delivery, event, plugins }
        })
    }

    /// Checks the proof, and checks it again with newer keys if it doesn't fit: they may have been rotated.
    async fn verify<'a>(
        &self,
        path: &HookPath,
        request: &'a Request,
        now: Instant,
        received_at: SystemTime,
    ) -> Result<Verified<'a>, Rejection> {
        let check = |keys: &Arc<WebhookKeys>| {
            let secrets = secrets(keys, path).ok_or(Rejection::NoApp)?;
            Ok(verify(path.label(), request.headers(), request.body(), &secrets, received_at)?)
        };
        let keys = self.keys.get(now).await?;
        match check(&keys) {
            Err(Rejection::Signature(VerifyError::Mismatch)) => {
                match self.keys.refetch_after_failed_check(&keys, now).await {
                    Some(newer) => check(&newer),
                    None => Err(VerifyError::Mismatch.into()),
                }
            }
            checked => checked,
        }
    }
}

impl Known {
    /// The one line about this delivery.
    fn log(&self, answer: &Result<Accepted<'_>, Rejection>, took: Duration) {
        let error = answer.as_ref().err().map(|rejection| chain(rejection).to_string());
        tracing::info!(
            { field::OUTCOME } = answer.as_ref().map_or_else(Rejection::outcome, Accepted::outcome),
            { field::HOST } = self.host.map(Host::as_str),
            { field::CONFIG } = self.config.as_ref().map(tracing::field::display),
            { field::DELIVERY } = self.delivery.as_ref().map(DeliveryId::as_str),
            { field::REPO } = self.repo.as_ref().map(RepositoryPath::as_str),
            { field::EVENT } = self.event.map(EventKind::as_str),
            { field::EVENTS } = self.events,
            { field::TRACE } = self.trace.as_ref().map(TraceParent::trace_id),
            { field::DURATION_MS } = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            { field::ERROR } = error,
            "delivery handled"
        );
    }
}

/// What the delivery may be proven with; `None` when it is the App's and there is no App.
fn secrets(keys: &WebhookKeys, path: &HookPath) -> Option<Vec<SecretString>> {
    match path {
        HookPath::Config { label, config, salt } => Some(keys.hook_secrets(*label, config, salt)),
        HookPath::GithubApp => Some(vec![keys.github_app()?.clone()]),
    }
}

/// The trace that the request belongs to, or a new one.
fn traceparent(request: &Request) -> TraceParent {
    let header = request.headers().get("traceparent");
    header.and_then(|header| header.to_str().ok()?.parse().ok()).unwrap_or_else(new_traceparent)
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
