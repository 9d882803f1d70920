//! The rotation of the master key.

use std::time::Instant;

use futures::channel::mpsc;
use tidegate_keys::KeyCache;
use tidegate_telemetry::field;

/// Sends when another master key becomes the current one: then every hook has to be registered again. Never ends.
pub async fn watch_keys(keys: &KeyCache, mut rotated: mpsc::Sender<()>) {
    let mut known = None;
    loop {
        // If the keys can't be read, each config's own round reports it.
        if let Ok(keys) = keys.get(Instant::now()).await {
            let id = keys.current().id();
            if known.replace(id.clone()).is_some_and(|known| known != id) {
                tracing::info!(
                    { field::KEY } = id,
                    "another master key is current: hooks are registered under it"
                );
                // A full channel means the same.
                drop(rotated.try_send(()));
            }
        }
        tokio::time::sleep(keys.fresh()).await;
    }
}
