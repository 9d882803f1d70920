//! Which plugins get an event.

use futures::future::join_all;
use tidegate_model::{Envelope, Event, EventKind};
use tidegate_queue::{Client, Queue, QueueError, aws::SdkConfig};
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

/// An event that did not reach every plugin that wants it.
#[derive(Debug, thiserror::Error)]
#[error("failed to pass the event on to {} of {wanted} plugins, the first is {first}", .others + 1)]
pub struct SendError {
    /// How many plugins want the event.
    pub wanted: usize,
    /// The first plugin that it did not reach.
    pub first: String,
    /// How many more it did not reach.
    pub others: usize,
    /// Why it did not reach the first one.
    #[source]
    pub source: RouteError,
}

/// Why an event did not reach a plugin.
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
            queue: Queue::of(client.clone(), route.queue_url),
        };
        Self(settings.into_iter().map(route).collect())
    }

    /// Sends an event to every plugin that wants it, to all at the same time, whatever becomes of the others. Returns
    /// their names.
    pub async fn send(&self, envelope: &Envelope<Event>, deadline: Instant) -> Result<Vec<&str>, SendError> {
        let kind = envelope.body.kind();
        let wanted: Vec<&Route> = self.0.iter().filter(|route| route.events.contains(&kind)).collect();
        let results = join_all(wanted.iter().map(|route| async {
            match timeout_at(deadline, route.queue.send(envelope)).await {
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
