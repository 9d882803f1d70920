//! Which plugins get which events.

use futures::future::join_all;
use tidegate_aws::SdkConfig;
use tidegate_model::{Envelope, Event, EventKind};
use tidegate_queue::{Client, Queue, QueueError};
use tokio::time::{Instant, timeout_at};

use crate::settings::RouteSettings;

/// All plugins' queues.
#[derive(Debug)]
pub struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    plugin: String,
    events: Vec<EventKind>,
    queue: Queue,
}

/// A delivery of which not every plugin has every event that it wants.
#[derive(Debug, thiserror::Error)]
#[error("failed to pass the events on to {} of {wanted} plugins, the first is {first}", .others + 1)]
pub struct SendError {
    /// How many plugins want an event of the delivery.
    pub wanted: usize,
    /// The first plugin that lacks an event.
    pub first: String,
    /// How many more lack one.
    pub others: usize,
    /// Why the first one lacks it.
    #[source]
    pub source: RouteError,
}

/// Why an event may not have reached a plugin.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The queue did not accept it.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The queue did not answer while the host would still wait.
    #[error("failed to send in time")]
    Late,
}

impl Routes {
    /// Routes as they are set.
    pub fn new(config: &SdkConfig, settings: Vec<RouteSettings>) -> Self {
        let client = Client::new(config);
        let route = |route: RouteSettings| Route {
            plugin: route.plugin,
            events: route.events,
            queue: Queue::with_client(client.clone(), route.queue_url),
        };
        Self(settings.into_iter().map(route).collect())
    }

    /// Sends every event of a delivery to every plugin that wants it, to all at the same time, whatever becomes of the others.
    /// When this returns, SQS has stored them all. After an error some may have been stored: they come twice when the host
    /// delivers again. Returns the plugins' names.
    pub async fn send(&self, events: &[Envelope<Event>], deadline: Instant) -> Result<Vec<&str>, SendError> {
        let wanted: Vec<&Route> =
            self.0.iter().filter(|route| events.iter().any(|event| route.wants(event))).collect();
        let results = join_all(wanted.iter().map(|route| async {
            let events: Vec<_> = events.iter().filter(|event| route.wants(event)).collect();
            match timeout_at(deadline, route.queue.send_batch(events)).await {
                Ok(sent) => sent.map_err(RouteError::from),
                Err(_) => Err(RouteError::Late),
            }
        }))
        .await;
        let mut failures =
            wanted.iter().zip(results).filter_map(|(route, result)| Some((route, result.err()?)));
        if let Some((route, source)) = failures.next() {
            return Err(SendError {
                wanted: wanted.len(),
                first: route.plugin.clone(),
                others: failures.count(),
                source,
            });
        }
        Ok(wanted.into_iter().map(|route| route.plugin.as_str()).collect())
    }
}

impl Route {
    fn wants(&self, event: &Envelope<Event>) -> bool {
        self.events.contains(&event.body.kind())
    }
}
