//! The webhook function behind API Gateway. It holds no host token and knows no cluster: it checks a delivery's
//! signature, reads the event out of it, and answers once the plugins' queues have accepted it.

use std::{convert::Infallible, env, sync::Arc, time::Instant};

use lambda_http::{Request, service_fn};
use tidegate_keys::{KeyCache, SecretStore};
use tidegate_model::Timeout;

mod handler;
mod origin;
mod response;
mod routes;
mod settings;

use handler::Handler;
use routes::Routes;
use settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tidegate_telemetry::init()?;
    let settings = Settings::read(|name| env::var(name).ok())?;
    let config = tidegate_aws::load_in_lambda()?;
    let secret = SecretStore::new(&config, settings.master_key_secret);
    let keys = KeyCache::new(secret, settings.master_key_cache.map_or(KeyCache::FRESH, Timeout::as_duration));
    let handler = Arc::new(Handler::new(settings.origin, keys, Routes::new(&config, settings.routes)));
    lambda_http::run(service_fn(move |request: Request| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(handler.handle(&request, Instant::now()).await) }
    }))
    .await
    .map_err(anyhow::Error::from_boxed)
}
